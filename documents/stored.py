"""A document as read from the database: what every statement on documents returns, in one order."""

from typing import Final, NamedTuple

from documents.features import Vectors, vectors_column


class StoredDocument(NamedTuple):
    """One row. JSON parts are PostgreSQL's texts, times its ISO texts in UTC (`2025-10-31 10:00:00.5+00`)."""

    document_id: str
    collection: str
    namespace: str
    version: int
    schema_version: str | None
    created_at: str
    updated_at: str
    payload: str
    internal_metadata: str
    system: str
    source_blobs: str
    document_blobs: str
    source_type: str | None
    source_object_id: str | None
    source_collection_id: str | None
    source_document_id: str | None
    root_object_id: str | None
    root_bucket_id: str | None
    path: str | None
    chain: str | None
    vectors: str | None  # `{name: value}`, or `{name: null}` of names alone; None when not asked for

    @property
    def json_bytes(self) -> int:
        """Bytes of its JSON parts; a rendering adds some hundreds of bytes of names."""
        blobs = (self.source_blobs, self.document_blobs)
        parts = (self.payload, self.internal_metadata, self.system, *blobs, self.chain, self.vectors)
        return sum(len(part) if part.isascii() else len(part.encode()) for part in parts if part)

    @property
    def json_characters(self) -> int:
        """Of the same parts: a quarter of their bytes, or more."""
        small = len(self.internal_metadata) + len(self.system) + len(self.source_blobs) + len(self.document_blobs)
        return len(self.payload) + small + len(self.chain or "") + len(self.vectors or "")

    @property
    def has_lineage(self) -> bool:
        return not (
            self.root_object_id is None
            and self.source_type is None
            and self.root_bucket_id is None
            and self.path is None
            and self.chain is None
        )


def columns(
    document: str = "d",
    collection: str = "c.public_id",
    namespace: str = "n.public_id",
    lineage: str | None = "l",
    *,
    vectors: Vectors = False,
) -> str:
    """The select list of a StoredDocument; the arguments are the statement's aliases and expressions.

    `lineage` None: the statement knows that there is no lineage step. `vectors`: what of them is read, too.
    """
    d, l = document, lineage  # noqa: E741
    step = (
        f"{l}.source_type, {l}.source_object_id, {l}.source_collection_id, {l}.source_document_id,"
        f" {l}.root_object_id, {l}.root_bucket_id, {l}.path, {l}.chain::text"
        if l
        else ", ".join(["NULL::text"] * 8)
    )
    return (
        f"{d}.document_id, {collection}, {namespace}, {d}.version, {d}.schema_version, {d}.created_at::text,"
        f" {d}.updated_at::text, {d}.payload::text, {d}.internal_metadata::text, {d}.system::text,"
        f" {d}.source_blobs::text, {d}.document_blobs::text, {step},"
        f" {vectors_column(d, vectors)}"
    )


STEP_JOIN: Final = " LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id"
"""A document's step of lineage, of those that have one."""

ROOT_KEY: Final = "(SELECT hashtextextended(lower(%s::text), 0))"
"""Of a root object's id, the key by which the index lineage_root_created has its documents: the same in whatever case."""

WIDTH: Final = len(StoredDocument._fields)


JSON_PARTS: Final = ("payload", "internal_metadata", "system", "source_blobs", "document_blobs")
_COMPRESSED: Final = 8  # JSON that repeats itself becomes this much more, or several times that


def bytes_of(alias: str, *names: str) -> str:
    """SQL of about how many bytes the texts of these columns have."""
    return " + ".join(
        f"pg_column_size({alias}.{name})"
        f" * CASE WHEN pg_column_compression({alias}.{name}) IS NULL THEN 1 ELSE {_COMPRESSED} END::bigint"
        for name in names
    )


def ahead(size: str, order: str) -> str:
    """SQL of the bytes that the rows before one have together, in the order in which they are read: 0 at the first."""
    return f"COALESCE(sum({size}) OVER (ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS ahead"


def iso(time: str) -> str:
    """ISO 8601 in UTC, ending in Z, of PostgreSQL's text."""
    return time.replace(" ", "T", 1).removesuffix("+00") + "Z"
