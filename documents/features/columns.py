"""SQL of features as a statement on documents reads them.

The column of dense vectors has one of two types (documents/features/extension.py): its text, without the brackets, is the
same in both, and JSON.
"""

from typing import Final, Literal

Vectors = bool | Literal["names"]
"""What a statement reads of vectors: nothing, all of them, or their names alone, which costs no look at the numbers."""

_VALUE: Final = """replace(replace(CASE f.kind
    WHEN 'dense' THEN '[' || btrim(f.embedding::text, '[]{}') || ']'
    WHEN 'sparse' THEN '{"indices":' || array_to_json(f.indices)::text || ',"values":' || array_to_json(f.numbers)::text || '}'
    WHEN 'multi' THEN array_to_json(f.numbers)::text END, '-0,', '-0.0,'), '-0]', '-0.0]')"""
"""SQL of a feature's vector as JSON text; NULL without one. Several times faster than PostgreSQL's JSON functions.

Minus zero has a point: most readers of JSON take -0 for a whole number, which has no such.
"""


def vectors_column(document: str, vectors: Vectors = True) -> str:
    """SQL of a document's vectors as JSON text `{name: value}` in the order of their names; `document` is its alias.

    The values are null where names alone are wanted.
    """
    if not vectors:
        return "NULL::text"
    value = "'null'" if vectors == "names" else _VALUE
    return f"""(
SELECT COALESCE('{{' || string_agg(to_json(f.name)::text || ':' || {value}, ',' ORDER BY f.name) || '}}', '{{}}')
FROM documents_feature f
WHERE f.namespace_id = {document}.namespace_id AND f.document_id = {document}.id AND f.kind IS NOT NULL)"""


def vectors_weight(namespace: str, document: str, vectors: Vectors) -> str:
    """SQL to add to the bytes of a document, where a statement reads as many documents as have a few MiB together: vectors weigh
    less, so that a page of them is one statement, too, as far as an answer goes (JSON of them is three times as long as they
    are). `namespace`, `document`: SQL of the internal ids.
    """
    if vectors is not True:
        return ""
    return f""" + (SELECT COALESCE(sum(pg_column_size(f.embedding)), 0) + COALESCE(sum(pg_column_size(f.numbers)), 0)
FROM documents_feature f WHERE f.namespace_id = {namespace} AND f.document_id = {document}) / 4"""


def features_column(document: str) -> str:
    """SQL of what was stored as `features` and as `vectors`, as the JSON text of those two members of a create body."""
    return f"""(
SELECT '{{"features":' || COALESCE('[' || string_agg('{{"feature_extractor_id":' || to_json(f.feature_extractor_id)::text
        || ',"payload":' || COALESCE(f.payload::text, 'null') || ',"vectors":'
        || COALESCE('{{' || to_json(f.name)::text || ':' || v.value || '}}', 'null') || '}}', ',' ORDER BY f.name)
        FILTER (WHERE f.feature_extractor_id IS NOT NULL) || ']', '[]')
    || ',"vectors":' || COALESCE('{{' || string_agg(to_json(f.name)::text || ':' || COALESCE(v.value, 'null'), ','
        ORDER BY f.name) FILTER (WHERE f.feature_extractor_id IS NULL) || '}}', '{{}}') || '}}'
FROM documents_feature f CROSS JOIN LATERAL (SELECT {_VALUE} AS value) v
WHERE f.namespace_id = {document}.namespace_id AND f.document_id = {document}.id)"""
