"""Features into the database: one statement for any number of documents (imports copy theirs: documents/importing)."""

from collections.abc import Sequence
from typing import Any, Final

from documents.features import dimensions, extension
from documents.features.reading import NamedFeature
from mixpeek_site import jsonio, sql


def write_features(namespace_id: int, document: Any, features: list[NamedFeature]) -> None:
    """Store them for a document (by its internal id): one statement, one more for dense vectors, and one when names are removed.

    Raises ValidationError for vectors of another dimension than is declared, ServiceUnavailableError without pgvector.
    """
    write_features_of(namespace_id, [(document, features)])


def write_features_of(
    namespace_id: int, written: Sequence[tuple[Any, list[NamedFeature]]], *, dimensions_checked: bool = False
) -> None:
    """The same for many documents, each named once, in as many statements as for one.

    `dimensions_checked`: `dimensions` was asked in this transaction.
    """
    removed = [(document, feature.name) for document, features in written for feature in features if feature.removed]
    if removed:
        sql.run(
            "DELETE FROM documents_feature f USING unnest(%s::uuid[], %s::text[]) AS gone (document_id, name)"
            " WHERE f.namespace_id = %s AND f.document_id = gone.document_id AND f.name = gone.name",
            (*map(list, zip(*removed, strict=True)), namespace_id),
        )
    kept = [
        (
            document,
            feature.name,
            feature.feature_extractor_id,
            None if feature.payload is None else jsonio.dumps(feature.payload),
            feature.kind,
            *texts(feature),
        )
        for document, features in written
        for feature in features
        if not feature.removed
    ]
    if kept:
        if any(feature.kind for _, features in written for feature in features):
            extension.require()
        if not dimensions_checked:
            dimensions.require(namespace_id, written)
        dense = any(feature.kind == "dense" for _, features in written for feature in features)
        sql.run(_WRITE_DENSE if dense else _WRITE, (namespace_id, namespace_id, *map(list, zip(*kept, strict=True))))


def texts(feature: NamedFeature) -> tuple[str | None, str | None, str | None]:
    """PostgreSQL's texts of what the columns embedding, numbers and indices hold of a feature."""
    numbers = feature.numbers
    match feature.kind:
        case "dense":
            return f"[{_joined(numbers)}]", None, None
        case "sparse":
            return None, f"{{{_joined(numbers)}}}", f"{{{','.join(map(str, feature.indices or ()))}}}"
        case "multi":
            return None, "{" + ",".join(f"{{{_joined(row)}}}" for row in numbers or ()) + "}", None
    return None, None, None


def _joined(numbers: list[Any] | None) -> str:
    """Nine digits say every float32 exactly."""
    return ("%.9g," * len(numbers))[:-1] % tuple(numbers) if numbers else ""


def _statement(embedding: str) -> str:
    """`embedding`: SQL of the vector. Arrays of arrays must be rectangular; vectors, each of its own length, come as texts.

    The collection is looked up one by one: before the first ANALYZE the planner would rather read the whole namespace.
    """
    return f"""
INSERT INTO documents_feature (namespace_id, document_id, collection_id, name, feature_extractor_id, payload, kind, embedding,
    numbers, indices)
SELECT %s, new.document_id,
       (SELECT d.collection_id FROM documents_document d WHERE d.namespace_id = %s AND d.id = new.document_id LIMIT 1),
       new.name, new.feature_extractor_id, new.payload, new.kind, {embedding}, new.numbers::real[], new.indices::bigint[]
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::jsonb[], %s::text[], %s::text[], %s::text[], %s::text[])
    AS new (document_id, name, feature_extractor_id, payload, kind, embedding, numbers, indices)
ON CONFLICT (namespace_id, document_id, name) DO UPDATE SET
    feature_extractor_id = COALESCE(excluded.feature_extractor_id, documents_feature.feature_extractor_id),
    payload = COALESCE(excluded.payload, documents_feature.payload), kind = excluded.kind,
    embedding = excluded.embedding, numbers = excluded.numbers, indices = excluded.indices
"""


_WRITE_DENSE: Final = _statement("new.embedding::vector")
_WRITE: Final = _statement("NULL")
