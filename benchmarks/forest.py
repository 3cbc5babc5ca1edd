"""A namespace of decomposition trees: a large one in five collections beside ten others, and one chain of documents.

`plant` writes into the product's own tables, stage after stage by INSERT … SELECT, without the indexes that are not
constraints, which are made again when the rows are there. A tree has one document at its top, 99 below it, and of the rest
one in ten, three in ten and six in ten in its three further stages. Every document has about 1 KB; 94 % are COMPLETED, 1 %
FAILED, 4 % PENDING, 1 % say nothing. A document's children lie together.
"""

import hashlib
import time
from typing import NamedTuple

import psycopg

from benchmarks.scale import create_indexes, drop_indexes, new_id, organization

NAMESPACE, BUCKET, ROOT, OTHER_ROOT = "ns_bench", "bkt_bench", "obj_large", "obj_other"
STAGES = ("videos", "scenes", "shots", "frames", "faces")
OTHERS = 10
CHAIN_ROOT, DEPTH = "obj_chain", 50
_STATUS = """CASE WHEN n % 100 < 1 THEN 'FAILED' WHEN n % 100 < 5 THEN 'PENDING' WHEN n % 100 < 99 THEN 'COMPLETED' END"""

# A stage's documents; their parents are the stage before, or the object itself.
_DOCUMENTS = f"""
INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,
    source_blobs, document_blobs, version, created_at, updated_at)
SELECT (lpad(to_hex(%(first)s + n), 12, '0') || '70008' || substr(md5(%(name)s || n), 1, 15))::uuid,
       %(namespace)s, %(collection)s, %(name)s || n,
       jsonb_build_object('metadata', jsonb_build_object('title', %(name)s || n, 'number', n, 'text',
           (SELECT string_agg(md5(n::text || k), ' ') FROM generate_series(1, 25) k))),
       jsonb_strip_nulls(jsonb_build_object('ingestion_status', {_STATUS})), '{{}}', '[]', '[]', 1, now, now
FROM generate_series(0, %(size)s - 1) n, LATERAL (SELECT now() + n * interval '1 microsecond' AS now) clock
"""
_STEPS = f"""
INSERT INTO documents_lineagestep (id, namespace_id, collection_id, source_type, source_object_id, source_collection_id,
    source_document_id, root_object_id, root_bucket_id, path, tier, chain, status, created_at)
SELECT d.id, d.namespace_id, d.collection_id, CASE WHEN p.id IS NULL THEN 'bucket' ELSE 'collection' END,
       CASE WHEN p.id IS NULL THEN %(root)s END, pc.public_id, p.document_id, %(root)s, '{BUCKET}',
       COALESCE(pl.path, '{BUCKET}') || '/' || c.public_id, COALESCE(pl.tier, 0) + 1,
       COALESCE(jsonb_set(pl.chain, '{{-1,document_id}}', to_jsonb(p.document_id)), '[]') || jsonb_build_array(
           jsonb_build_object('collection_id', c.public_id, 'feature_extractor_id', c.feature_extractor_id,
                              'timestamp', '2026-01-01T00:00:00Z')),
       documents_status(d.internal_metadata), d.created_at
FROM (
    SELECT %(name)s || number AS document_id, %(above)s || (number::bigint * %(above_size)s / %(size)s) AS parent
    FROM generate_series(0, %(size)s - 1) number
) made
JOIN documents_document d ON d.namespace_id = %(namespace)s AND d.document_id = made.document_id
JOIN namespaces_collection c ON c.id = d.collection_id
LEFT JOIN documents_document p ON p.namespace_id = d.namespace_id AND p.document_id = made.parent
LEFT JOIN documents_lineagestep pl ON pl.namespace_id = p.namespace_id AND pl.id = p.id
LEFT JOIN namespaces_collection pc ON pc.id = p.collection_id
"""


class Forest(NamedTuple):
    """Internal ids, for statements written by hand; `top` and `deepest`: the ids of the large tree's top, of the chain's end."""

    organization_id: int
    namespace_id: int
    documents: int
    top: str
    deepest: str


def plant(url: str, documents: int, *, memory: str = "256MB") -> Forest:
    """The trees, the indexes and the statistics, in a database that is migrated and empty."""
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as database:
        organization_id = organization(database)
        namespace = new_id(
            database,
            "INSERT INTO namespaces_namespace (organization_id, public_id, name, config) VALUES (%s, %s, 'bench', '{}')"
            " RETURNING id",
            *(organization_id, NAMESPACE),
        )
        collections = [_collection(database, namespace, name) for name in STAGES]
        chain = [_collection(database, namespace, f"step{number:02}") for number in range(DEPTH)]
        indexes = drop_indexes(database)
        first = 0
        for root in (ROOT, *(f"{OTHER_ROOT}_{number}" for number in range(OTHERS))):
            first = _tree(
                database, namespace, collections, root, _sizes(documents if root == ROOT else documents // OTHERS), first
            )
        _tree(database, namespace, chain, CHAIN_ROOT, [1] * DEPTH, first)
        database.execute(
            "INSERT INTO documents_documentcount (namespace_id, collection_id, delta)"
            " SELECT namespace_id, collection_id, count(*) FROM documents_document GROUP BY 1, 2"
        )
        create_indexes(url, indexes, 2, memory)
        database.execute("VACUUM ANALYZE")
        row = database.execute("SELECT count(*) FROM documents_lineagestep WHERE root_object_id = %s", (ROOT,)).fetchone()
    assert row is not None
    print(f"{row[0]:,} documents under one root beside {OTHERS} trees: {time.monotonic() - began:.0f} s", flush=True)
    return Forest(organization_id, namespace, row[0], f"{ROOT}-0-0", f"{CHAIN_ROOT}-{DEPTH - 1}-0")


def _sizes(documents: int) -> list[int]:
    return [1, 99, documents // 10 - 100, documents * 3 // 10, documents * 6 // 10]


def _collection(database: psycopg.Connection, namespace: int, name: str) -> int:
    public_id = "col_" + hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:24]
    return new_id(
        database,
        "INSERT INTO namespaces_collection (namespace_id, public_id, name, config, feature_extractor_id)"
        " VALUES (%s, %s, %s, '{}', 'bench_extractor_v1') RETURNING id",
        *(namespace, public_id, name),
    )


def _tree(database: psycopg.Connection, namespace: int, collections: list[int], root: str, sizes: list[int], first: int) -> int:
    """The number after the last row's."""
    for stage, (collection, size) in enumerate(zip(collections, sizes, strict=True)):
        values = {
            "namespace": namespace,
            "collection": collection,
            "root": root,
            "name": f"{root}-{stage}-",
            "size": size,
            "above": f"{root}-{stage - 1}-",
            "above_size": sizes[stage - 1] if stage else 0,
            "first": first,
        }
        for statement in (_DOCUMENTS, _STEPS):
            database.execute(statement.replace("% 100", "%% 100").encode(), values)
        first += size
        if stage == 0 or size > 1000:
            database.execute("ANALYZE documents_document, documents_lineagestep")
    return first
