"""Documents for filters to find: stored as they are in one statement, and asked by many filters in another."""

from typing import Any

from documents.filters import predicate, read_filters
from mixpeek_site import sql
from mixpeek_site.jsonio import dumps
from namespaces.scope import Scope
from tests.filters.evaluator import iso

Record = dict[str, Any]
"""A stored document: payload, internal_metadata, system, source_blobs, document_blobs, document_id, collection_id,
schema_version, created_at and updated_at (microseconds since the first day of year 1), and of its lineage, all of them
None where there is none: root_object_id, root_bucket_id, source_type, source_object_id, source_collection_id,
source_document_id, path, chain."""

LINEAGE = (
    *("root_object_id", "root_bucket_id", "source_type", "source_object_id"),
    *("source_collection_id", "source_document_id", "path", "chain"),
)


def record(**parts: Any) -> Record:
    """A document with nothing but what is given."""
    return {
        **{"payload": {}, "internal_metadata": {}, "system": {}, "source_blobs": [], "document_blobs": []},
        **{"document_id": "doc", "schema_version": None, "created_at": 63_800_000_000_000_000},
        **{"updated_at": 63_800_000_000_000_000},
        **dict.fromkeys(LINEAGE),
        **parts,
    }


def put(scope: Scope, records: list[Record]) -> None:
    """Store documents in place of those that the namespace has."""
    rows = [each | {name: iso(each[name]) for name in ("created_at", "updated_at")} for each in records]
    cte, params = scope.cte()
    sql.run(f"WITH {cte} DELETE FROM documents_lineagestep l USING scope WHERE l.namespace_id = scope.namespace_id", params)
    sql.run(f"WITH {cte} DELETE FROM documents_document d USING scope WHERE d.namespace_id = scope.namespace_id", params)
    sql.run(
        f"""
        WITH {cte}, given AS MATERIALIZED (
            SELECT gen_random_uuid() AS id, scope.namespace_id, c.id AS of_collection, g.*
            FROM scope, jsonb_to_recordset(%s::jsonb) AS g(
                collection_id text, document_id text, payload jsonb, internal_metadata jsonb, system jsonb,
                source_blobs jsonb, document_blobs jsonb, schema_version text, created_at timestamptz, updated_at timestamptz,
                root_object_id text, root_bucket_id text, source_type text, source_object_id text,
                source_collection_id text, source_document_id text, path text, chain jsonb)
            JOIN namespaces_collection c ON c.public_id = g.collection_id
        ), stored AS (
            INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,
                source_blobs, document_blobs, schema_version, version, created_at, updated_at)
            SELECT id, namespace_id, of_collection, document_id, payload, internal_metadata, system, source_blobs,
                document_blobs, schema_version, 1, created_at, updated_at FROM given
        )
        INSERT INTO documents_lineagestep (id, namespace_id, collection_id, root_object_id, root_bucket_id, source_type,
            source_object_id, source_collection_id, source_document_id, path, tier, chain, created_at)
        SELECT id, namespace_id, of_collection, root_object_id, root_bucket_id, source_type, source_object_id,
            source_collection_id, source_document_id, path, 1, NULLIF(chain, 'null'),
            created_at FROM given
        WHERE (root_object_id, root_bucket_id, source_type, source_object_id, source_collection_id, source_document_id,
            path, NULLIF(chain, 'null')) IS DISTINCT FROM (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
        """,
        (*params, dumps(rows)),
    )


def found(scope: Scope, filters: list[Any]) -> list[set[str]]:
    """The ids of the documents that each filter selects; one statement."""
    predicates = [predicate(read_filters(filter, ("body", "filters"))) for filter in filters]
    cte, params = scope.cte()
    columns = ", ".join(text for text, _ in predicates)
    rows = sql.rows(
        f"WITH {cte} SELECT d.document_id, ARRAY[{columns}] FROM scope"
        " JOIN documents_document d ON d.namespace_id = scope.namespace_id"
        " JOIN namespaces_collection c ON c.id = d.collection_id"
        " LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id",
        (*params, *(param for _, of in predicates for param in of)),
    )
    selected: list[set[str]] = [set() for _ in filters]
    for document_id, answers in rows:
        for number, answer in enumerate(answers):
            assert answer is not None, f"neither true nor false: {filters[number]!r}"
            if answer:
                selected[number].add(document_id)
    return selected
