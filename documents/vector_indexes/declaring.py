"""What places declare becomes rows of the registry, in the transaction that changes the place."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from documents.features import extension
from documents.vector_indexes import registry
from documents.vector_indexes.declarations import Declaration, read_configs, read_indexes
from mixpeek_site import sql
from mixpeek_site.errors import ConflictError, Fault, ValidationError
from mixpeek_site.jsonio import loads
from mixpeek_site.transactions import atomic

# Those who write vectors hold it shared from their check until their commit (migration 0016): what they check against can't
# change before what they wrote can be seen, so a declaration finds all vectors that were checked without it.
_LOCK = "SELECT documents_declaring_vectors(%s)"

_OF_COLLECTION = """
SELECT v.id, v.name, v.dimensions, v.metric, v.type, v.feature_uri FROM documents_vectorindex v
WHERE v.namespace_id = %s AND v.collection_id = %s AND NOT v.of_namespace
"""
_OF_NAMESPACE = """
SELECT v.id, v.name, v.dimensions, v.metric, v.type, v.feature_uri FROM documents_vectorindex v
WHERE v.namespace_id = %s AND v.collection_id IS NULL
"""
# What housekeeping made for the namespace makes room for what the collection itself declares.
_FORGET = """
DELETE FROM documents_vectorindex v
WHERE v.namespace_id = %s AND (v.id = ANY(%s) OR (v.of_namespace AND v.collection_id = %s AND v.name = ANY(%s)))
"""
_NAME_URI = """
UPDATE documents_vectorindex v SET feature_uri = given.uri FROM unnest(%s::bigint[], %s::text[]) AS given (id, uri)
WHERE v.namespace_id = %s AND v.id = given.id
"""
_REGISTER = """
INSERT INTO documents_vectorindex (namespace_id, collection_id, name, dimensions, metric, type, feature_uri, state, error)
SELECT %s, %s, given.name, given.dimensions, given.metric, given.type, given.uri,
       CASE WHEN %s::text IS NOT NULL THEN 'failed' WHEN given.type = 'hnsw' THEN 'pending' ELSE 'ready' END, %s
FROM unnest(%s::text[], %s::integer[], %s::text[], %s::text[], %s::text[]) AS given (name, dimensions, metric, type, uri)
"""
# An index is dropped with what it was made for (building.py).
_FORGET_STALE = """
DELETE FROM documents_vectorindex v
WHERE v.namespace_id = %s AND v.of_namespace AND NOT EXISTS (
    SELECT FROM documents_vectorindex w WHERE w.namespace_id = v.namespace_id AND w.collection_id IS NULL
    AND (w.name, w.dimensions, w.metric) = (v.name, v.dimensions, v.metric))
"""
_HNSW_ELSEWHERE = """
SELECT count(*) FROM documents_vectorindex v WHERE v.type = 'hnsw' AND v.collection_id IS DISTINCT FROM %s
"""


def declare(namespace_id: int, collection_id: int, declared: Any, *, is_new: bool = False) -> None:
    """These are the collection's from now on, and no others. The caller holds the transaction and the collection's row.

    Raises ValidationError, at vector_indexes, and ConflictError when vectors of another dimension are stored.
    """
    wanted = read_indexes(declared, ("vector_indexes",))
    _require_room(collection_id, wanted)
    changed = _change(namespace_id, collection_id, wanted, is_new=is_new)
    if changed and not is_new:
        _require_dimensions(namespace_id, collection_id, changed)


def declare_configs(namespace_id: int, declared: Any, *, is_new: bool = False) -> None:
    """These hold for the namespace's collections from now on. The caller holds the transaction and the namespace's row.

    Raises ValidationError, at vector_configs, and ConflictError when vectors of another dimension are stored.
    """
    changed = _change(namespace_id, None, read_configs(declared, ("vector_configs",)), is_new=is_new)
    if changed and not is_new:
        sql.run(_FORGET_STALE, (namespace_id,))
        _require_dimensions(namespace_id, None, changed)


def _change(namespace_id: int, collection_id: int | None, wanted: Sequence[Declaration], *, is_new: bool) -> set[str]:
    """Make the registry say so; the names of which other than the uri changed. What changes is a new row, and a new index."""

    def stored() -> dict[str, tuple[int, Declaration]]:
        if is_new:
            return {}
        found = (
            sql.rows(_OF_NAMESPACE, (namespace_id,))
            if collection_id is None
            else sql.rows(_OF_COLLECTION, (namespace_id, collection_id))
        )
        return {name: (id, Declaration(name, *rest)) for id, name, *rest in found}

    def same(one: Declaration, other: Declaration) -> bool:
        return one._replace(feature_uri=None) == other._replace(feature_uri=None)

    present = stored()
    kept = {one.name for one in wanted if one.name in present and same(present[one.name][1], one)}
    gone = [id for name, (id, _) in present.items() if name not in kept]
    new = [one for one in wanted if one.name not in kept]
    renamed = [(present[one.name][0], one.feature_uri) for one in wanted if one.name in kept and present[one.name][1] != one]
    if renamed:
        sql.run(_NAME_URI, (*map(list, zip(*renamed, strict=True)), namespace_id))
    if gone or new:
        if not is_new:
            sql.run(_LOCK, (namespace_id,))
            sql.run(_FORGET, (namespace_id, gone, collection_id, [one.name for one in new]))
        if new:
            absent = None if extension.available() else extension.ABSENT
            sql.run(_REGISTER, (namespace_id, collection_id, absent, absent, *map(list, zip(*new, strict=True))))
    registry.forget()
    return {one.name for one in new} | (present.keys() - kept)


def _require_room(collection_id: int, wanted: Sequence[Declaration]) -> None:
    indexes = [position for position, one in enumerate(wanted) if one.type == "hnsw"]
    if not indexes:
        return
    [(others,)] = sql.rows(_HNSW_ELSEWHERE, (collection_id,))
    if others + len(indexes) > registry.MAX_INDEXES:
        message = f"no more hnsw indexes can be had: the database may have {registry.MAX_INDEXES}; declare it as exact"
        raise ValidationError(Fault(("vector_indexes", indexes[max(0, registry.MAX_INDEXES - others)], "type"), message, "limit"))


# Vectors of D dimensions have 4 D + 8 bytes. One of more than about 2,000 bytes is kept outside of its row, with four bytes
# less, so from 525 dimensions on its size, which the row says, tells that it is right; only others have to be fetched.
_WRONG = """
WITH holds AS (
    SELECT DISTINCT ON (c.id, v.name) c.id AS collection_id, c.public_id, v.name, v.dimensions
    FROM documents_vectorindex v
    JOIN namespaces_collection c ON c.namespace_id = v.namespace_id AND c.deleted_at IS NULL
        AND (v.collection_id IS NULL OR v.collection_id = c.id)
    WHERE v.namespace_id = %s AND v.name = ANY(%s) AND (%s::bigint IS NULL OR c.id = %s)
    ORDER BY c.id, v.name, v.collection_id NULLS LAST
)
SELECT h.public_id, h.name, h.dimensions, wrong.vectors, wrong.dimensions
FROM holds h CROSS JOIN LATERAL (
    SELECT count(*) AS vectors, min(vector_dims(f.embedding)) AS dimensions FROM documents_feature f
    WHERE f.namespace_id = %s AND f.collection_id = h.collection_id AND f.name = h.name AND f.kind = 'dense'
    AND CASE WHEN h.dimensions >= 525 AND pg_column_size(f.embedding) = 4 * h.dimensions + 4 THEN false
             ELSE vector_dims(f.embedding) <> h.dimensions END
) wrong
WHERE wrong.vectors > 0
ORDER BY wrong.vectors DESC LIMIT 1
"""


def _require_dimensions(namespace_id: int, collection_id: int | None, names: Iterable[str]) -> None:
    """Raises ConflictError when vectors are stored that the declarations of these names would refuse."""
    if not extension.available():
        return  # then there are none
    names = sorted(names)
    row = sql.one(_WRONG, (namespace_id, names, collection_id, collection_id, namespace_id))
    if row is None:
        return
    collection, name, dimensions, vectors, example = row
    raise ConflictError(
        f"Collection {collection} holds {vectors:,} vector{'' if vectors == 1 else 's'} named {name!r} of another dimension than"
        f" {dimensions} (such as {example}); remove or replace them first.",
        collection_id=collection,
        name=name,
        dimensions=dimensions,
        other_vectors=vectors,
        other_dimensions=example,
    )


_STORED = """
SELECT n.id, NULL::bigint FROM namespaces_namespace n
WHERE n.deleted_at IS NULL AND n.config ? 'vector_configs'
AND NOT EXISTS (SELECT FROM documents_vectorindex v WHERE v.namespace_id = n.id AND v.collection_id IS NULL)
UNION ALL
SELECT c.namespace_id, c.id FROM namespaces_collection c JOIN namespaces_namespace n ON n.id = c.namespace_id
WHERE c.deleted_at IS NULL AND n.deleted_at IS NULL AND c.config ? 'vector_indexes'
AND NOT EXISTS (SELECT FROM documents_vectorindex v WHERE v.namespace_id = c.namespace_id AND v.collection_id = c.id)
"""
_STORED_OF_NAMESPACE = """
SELECT (n.config -> 'vector_configs')::text FROM namespaces_namespace n WHERE n.id = %s AND n.deleted_at IS NULL FOR UPDATE
"""
_STORED_OF_COLLECTION = """
SELECT (c.config -> 'vector_indexes')::text FROM namespaces_collection c
WHERE c.namespace_id = %s AND c.id = %s AND c.deleted_at IS NULL FOR NO KEY UPDATE
"""


def declare_stored() -> None:
    """Register what was declared before there was this registry, but for what can't be read or contradicts what is stored."""
    for namespace_id, collection_id in sql.rows(_STORED):
        with suppress(ConflictError, ValidationError), atomic():
            if collection_id is None:
                found = sql.rows(_STORED_OF_NAMESPACE, (namespace_id,))
            else:
                found = sql.rows(_STORED_OF_COLLECTION, (namespace_id, collection_id))
            for (text,) in found:
                if collection_id is None:
                    declare_configs(namespace_id, loads(text))
                else:
                    declare(namespace_id, collection_id, loads(text))
