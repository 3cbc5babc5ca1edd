"""SQL of features as a statement on documents reads them.

Every statement that reads a dense vector for output says `embedding::real[]`, which holds for both types of that column.
"""


def vectors_column(document: str) -> str:
    """SQL of a document's vectors as JSON text `{name: value}` in the order of their names; `document` is its alias."""
    return f"""(
SELECT COALESCE(json_object_agg(f.name, CASE f.kind
    WHEN 'sparse' THEN json_build_object('indices', f.indices, 'values', f.numbers)
    WHEN 'dense' THEN array_to_json(f.embedding::real[])
    ELSE array_to_json(f.numbers) END ORDER BY f.name), '{{}}')::text
FROM documents_feature f
WHERE f.namespace_id = {document}.namespace_id AND f.document_id = {document}.id AND f.kind IS NOT NULL)"""


def features_column(document: str) -> str:
    """SQL of what was stored as `features` and as `vectors`, as the JSON text of those two members of a create body."""
    return f"""(
SELECT json_build_object(
    'features', COALESCE('[' || string_agg(json_build_object(
        'feature_extractor_id', f.feature_extractor_id, 'payload', f.payload,
        'vectors', CASE WHEN v.value IS NOT NULL THEN json_build_object(f.name, v.value) END)::text, ',' ORDER BY f.name)
        FILTER (WHERE f.feature_extractor_id IS NOT NULL) || ']', '[]')::json,
    'vectors', COALESCE(
        json_object_agg(f.name, v.value ORDER BY f.name) FILTER (WHERE f.feature_extractor_id IS NULL), '{{}}'))::text
FROM documents_feature f CROSS JOIN LATERAL (SELECT CASE f.kind
    WHEN 'sparse' THEN json_build_object('indices', f.indices, 'values', f.numbers)
    WHEN 'dense' THEN array_to_json(f.embedding::real[])
    ELSE array_to_json(f.numbers) END AS value) v
WHERE f.namespace_id = {document}.namespace_id AND f.document_id = {document}.id)"""
