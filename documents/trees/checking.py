"""Whether what is recorded of documents' lineage is what their parents say, and putting it right (contract section 8).

Every write keeps the record true (documents/lineage.py); what is found here was written by hand, or by a defect. Steps
are read in the order of their internal ids, a batch in one statement, which compares each with its stored parent, so that
the memory needed does not grow with the number of documents. Documents of deleted collections and namespaces are as if
they were not there: their children are orphans.

A document is repaired from its parent, then its children from it where they differ, and so on down, a part of a level in
each transaction: whatever order the contradictions are found in, in the end every document agrees with its parent. Each
transaction holds the namespace's lock as a move does, so neither writers nor another repair get in between; ended half-way,
the next run finds what is left.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from documents import lineage
from mixpeek_site import sql
from mixpeek_site.transactions import atomic

BATCH: Final = 2000
"""Steps that a statement reads, and the most that a transaction writes: some tenths of a second."""

_CLIMB_AT_ONCE: Final = 200

ORPHAN: Final = "orphan"
CONTRADICTION: Final = "contradiction"
CYCLE: Final = "cycle"
STRAY: Final = "stray"

REPAIRED: Final = (CONTRADICTION, STRAY)
"""What is put right; an orphan is right as it is, and of a circle nothing says what would be."""

RECORDED: Final = ("root_object_id", "root_bucket_id", "source_collection_id", "path", "tier", "status", "created_at")
"""What a finding shows as it is and as it should be; a chain is too long for that."""


class Finding(NamedTuple):
    """Something about one step.

    kind: `orphan` its parent is not stored (which is allowed), `contradiction` it differs from what its parent or its
    document says, `cycle` a contradiction that can't be repaired, because the document is among its own sources, `stray`
    a step whose document is not stored in its namespace.
    """

    kind: str
    id: UUID
    namespace_id: int
    namespace: str
    document_id: str | None
    collection: str | None
    source_document_id: str | None
    differs: tuple[str, ...]
    recorded: dict[str, Any]  # of RECORDED, those that differ
    derived: dict[str, Any]
    cycle: tuple[str, ...] = ()  # from the document up to the one that comes from it
    repaired: bool = False


Position = tuple[Any, int]
"""A place among the steps: an internal id, and a namespace's."""

START: Final[Position] = (UUID(int=0), 0)


class Batch(NamedTuple):
    """Steps that were looked at, what was found of them, and how many steps were written to repair it."""

    steps: int
    findings: list[Finding]
    rewritten: int
    after: Position | None  # where the next ones begin; None after the last


def check(namespace_id: int | None = None, *, fix: bool = False) -> Iterator[Batch]:
    """Look at every step of a namespace, by its internal id, or of all. `fix`: repair what is found, batch by batch.

    Raises ServiceUnavailableError without a database; what was repaired until then stays so.
    """
    after: Position | None = START
    while after is not None:
        batch = look(namespace_id, after)
        after = batch.after
        if not batch.steps:
            return
        if fix:
            rewritten = repair(batch.findings)
            findings = [one._replace(repaired=one.kind in REPAIRED) for one in batch.findings]
            batch = batch._replace(findings=findings, rewritten=rewritten)
        yield batch


def look(namespace_id: int | None, after: Position = START) -> Batch:
    """Compare the next BATCH steps with what they should be. One statement, and one for each 200 that contradict."""
    rows = sql.rows(_batch_sql(namespace_id is not None), (*after, *([namespace_id] if namespace_id else []), BATCH))
    steps, *last = rows[0][:3]
    findings = _with_cycles([_finding(row[3:]) for row in rows if row[3] is not None])
    return Batch(steps, findings, 0, (last[0], last[1]) if steps == BATCH else None)


def estimated_steps() -> int:
    """About how many steps there are in all, as PostgreSQL's statistics say."""
    row = sql.one("SELECT GREATEST(c.reltuples, 0)::bigint FROM pg_class c WHERE c.oid = 'documents_lineagestep'::regclass")
    return int(row[0]) if row else 0


# Looking -------------------------------------------------------------------------------------------------------------


def _parent() -> str:
    """SQL: a step's document `d` and its collection `c`, its stored parent `p` with that one's step `pl`; of step `l`.

    LIMIT keeps the look-ups one by one: before the first ANALYZE the planner would rather read whole tables.
    """
    return """
LEFT JOIN LATERAL (
    SELECT d.* FROM documents_document d WHERE d.namespace_id = l.namespace_id AND d.id = l.id LIMIT 1
) d ON true
LEFT JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id
LEFT JOIN LATERAL (
    SELECT p.id, p.document_id, p.created_at, pc.public_id, pc.feature_extractor_id
    FROM documents_document p
    JOIN namespaces_collection pc
        ON pc.namespace_id = p.namespace_id AND pc.id = p.collection_id AND pc.deleted_at IS NULL
    WHERE p.namespace_id = l.namespace_id AND p.document_id = l.source_document_id LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT pl.root_object_id, pl.root_bucket_id, pl.path, pl.tier,
           CASE WHEN jsonb_typeof(pl.chain) = 'array' THEN pl.chain END AS chain
    FROM documents_lineagestep pl WHERE pl.namespace_id = l.namespace_id AND pl.id = p.id LIMIT 1
) pl ON true
"""


def _derived() -> str:
    """SQL of what a step should have, as a select list with the columns' names; over `_parent`.

    A parent that shows no chain has a step made of its collection's extractor. What the child recorded of it stays true
    when another extractor is configured later.
    """
    above = f"jsonb_set({lineage.whole_chain('p', 'p', 'pl')}, '{{-1,document_id}}', to_jsonb(p.document_id))"
    recorded = "(l.chain -> -2)"
    head = (
        f"CASE WHEN pl.chain IS NULL AND jsonb_typeof({recorded}) = 'object'"
        f" AND {recorded} - 'feature_extractor_id' = ({above} -> 0) - 'feature_extractor_id'"
        f" THEN jsonb_build_array({recorded}) ELSE {above} END"
    )
    return f"""
    d.collection_id,
    COALESCE(pl.root_object_id, l.root_object_id) AS root_object_id,
    COALESCE(pl.root_bucket_id, l.root_bucket_id) AS root_bucket_id,
    CASE WHEN p.id IS NULL THEN l.source_collection_id ELSE p.public_id END AS source_collection_id,
    CASE WHEN p.id IS NULL THEN l.path ELSE pl.path || '/' || c.public_id END AS path,
    CASE WHEN p.id IS NULL THEN l.tier ELSE COALESCE(pl.tier, 1) + 1 END AS tier,
    CASE WHEN p.id IS NULL THEN l.chain
         ELSE {head} || jsonb_build_array({lineage.own_step("d", "c", "l")}) END AS chain,
    documents_status(d.internal_metadata) AS status,
    COALESCE(d.created_at, l.created_at) AS created_at
"""


_COLUMNS: Final = ("collection_id", *RECORDED, "chain")


@lru_cache
def _batch_sql(one_namespace: bool) -> str:
    """Every row begins with how many steps were read and the last one's key; only those that are worth a word follow."""
    differs = ", ".join(f"CASE WHEN b.{name} IS DISTINCT FROM b.derived_{name} THEN '{name}' END" for name in _COLUMNS)
    pairs = ", ".join(f"b.{name}{_shown_as(name)}, b.derived_{name}{_shown_as(name)}" for name in RECORDED)
    derived = ", ".join(f"x.{name} AS derived_{name}" for name in _COLUMNS)
    return f"""
WITH batch AS MATERIALIZED (
    SELECT l.* FROM documents_lineagestep l
    WHERE (l.id, l.namespace_id) > (%s::uuid, %s::bigint){" AND l.namespace_id = %s" if one_namespace else ""}
    ORDER BY l.id, l.namespace_id LIMIT %s
), compared AS MATERIALIZED (
    SELECT l.*, d.document_id, c.public_id AS collection, p.id IS NOT NULL AS has_parent, c.deleted_at, {derived}
    FROM batch l {_parent()}
    LEFT JOIN LATERAL (SELECT {_derived()}) x ON true
), found AS (
    SELECT b.id, b.namespace_id, COALESCE(n.public_id, b.namespace_id::text), b.document_id, b.collection,
           b.source_document_id, array_remove(ARRAY[{differs}], NULL) AS differs, {pairs}
    FROM compared b LEFT JOIN namespaces_namespace n ON n.id = b.namespace_id
    WHERE n.deleted_at IS NULL AND (b.document_id IS NULL OR b.deleted_at IS NULL AND (
        b.source_document_id IS NOT NULL AND NOT b.has_parent
        OR (b.{", b.".join(_COLUMNS)}) IS DISTINCT FROM (b.derived_{", b.derived_".join(_COLUMNS)})))
)
SELECT whole.steps, last.id, last.namespace_id, found.*
FROM (SELECT count(*) AS steps FROM batch) whole
LEFT JOIN (SELECT b.id, b.namespace_id FROM batch b ORDER BY b.id DESC, b.namespace_id DESC LIMIT 1) last ON true
LEFT JOIN found ON true
ORDER BY found.id
"""


def _shown_as(name: str) -> str:
    return "::text" if name == "created_at" else ""


def _finding(row: Sequence[Any]) -> Finding:
    identity, namespace_id, namespace, document_id, collection, source, differs, *values = row
    pairs = dict(zip(RECORDED, zip(values[::2], values[1::2], strict=True), strict=True))
    kind = STRAY if document_id is None else CONTRADICTION if differs else ORPHAN
    shown = [name for name in RECORDED if name in differs] if kind == CONTRADICTION else []
    return Finding(
        kind,
        identity,
        namespace_id,
        namespace,
        document_id,
        collection,
        source,
        tuple(differs) if kind == CONTRADICTION else (),
        {name: pairs[name][0] for name in shown},
        {name: pairs[name][1] for name in shown},
    )


# A document on a cycle contradicts its parent somewhere, because tiers grow from parent to child: so nothing else than
# contradictory documents need be looked at.
_CLIMB: Final = """
WITH RECURSIVE up AS (
    SELECT l.id AS start, l.source_document_id AS above, ARRAY[d.document_id::text] AS seen
    FROM documents_lineagestep l JOIN documents_document d ON d.namespace_id = l.namespace_id AND d.id = l.id
    WHERE l.namespace_id = %s AND l.id = ANY(%s)
  UNION ALL
    SELECT up.start, p.source_document_id, up.seen || p.document_id
    FROM up CROSS JOIN LATERAL (
        SELECT d.document_id::text, l.source_document_id
        FROM documents_document d
        JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL
        JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
        WHERE d.namespace_id = %s AND d.document_id = up.above LIMIT 1
    ) p
    WHERE up.above <> ALL(up.seen)
)
SELECT up.start, up.seen FROM up WHERE up.above = up.seen[1]
"""


def _with_cycles(findings: list[Finding]) -> list[Finding]:
    """The findings, those of documents that lead up to themselves as cycles."""
    cycles: dict[tuple[int, Any], list[str]] = {}
    suspects: dict[int, list[Any]] = {}
    for one in findings:
        if one.kind == CONTRADICTION and one.source_document_id is not None:
            suspects.setdefault(one.namespace_id, []).append(one.id)
    for namespace_id, keys in suspects.items():
        for first in range(0, len(keys), _CLIMB_AT_ONCE):
            part = keys[first : first + _CLIMB_AT_ONCE]
            cycles |= {(namespace_id, key): seen for key, seen in sql.rows(_CLIMB, (namespace_id, part, namespace_id))}
    return [
        one._replace(kind=CYCLE, cycle=tuple(cycles[one.namespace_id, one.id])) if (one.namespace_id, one.id) in cycles else one
        for one in findings
    ]


# Repairing -----------------------------------------------------------------------------------------------------------


def repair(findings: Sequence[Finding]) -> int:
    """Put contradictory and stray steps right, and what is below them; how many steps were written.

    Short transactions, or the caller's.
    """
    rewritten = 0
    by_namespace: dict[int, list[Any]] = {}
    for one in findings:
        if one.kind == STRAY:
            rewritten += _repair_stray(one)
        elif one.kind == CONTRADICTION:
            by_namespace.setdefault(one.namespace_id, []).append(one.id)
    for namespace_id, keys in by_namespace.items():
        rewritten += _derive_down(namespace_id, keys)
    return rewritten


def _derive_down(namespace_id: int, keys: Sequence[Any]) -> int:
    """Derive steps from their parents, then the steps of the children of those that changed, and so on."""
    rewritten = 0
    parts: list[Iterator[Sequence[Any]]] = [iter([keys])]
    while parts:
        part = next(parts[-1], None)
        if part is None:
            parts.pop()
            continue
        changed = _derive(namespace_id, part)
        rewritten += len(changed)
        if changed:
            parts.append(_children(namespace_id, changed))
    return rewritten


@atomic()
def _derive(namespace_id: int, keys: Sequence[Any]) -> list[Any]:
    """Give steps what follows from their stored parents and their documents; those that changed.

    The documents are locked, so that none gets another status meanwhile.
    """
    lineage.lock_batch(namespace_id, absent_parents=[])
    sql.run(
        "SELECT FROM documents_document d WHERE d.namespace_id = %s AND d.id = ANY(%s) ORDER BY d.id FOR SHARE",
        (namespace_id, list(keys)),
    )
    return [row[0] for row in sql.rows(_derive_sql(), (namespace_id, list(keys)))]


@lru_cache
def _derive_sql() -> str:
    return f"""
WITH step AS MATERIALIZED (
    SELECT l.* FROM documents_lineagestep l WHERE l.namespace_id = %s AND l.id = ANY(%s) ORDER BY l.id FOR NO KEY UPDATE
), right_one AS MATERIALIZED (
    SELECT l.id, l.namespace_id, {_derived()} FROM step l {_parent()}
    WHERE c.deleted_at IS NULL AND c.id IS NOT NULL
)
UPDATE documents_lineagestep l
SET {", ".join(f"{name} = r.{name}" for name in _COLUMNS)}
FROM right_one r
WHERE l.namespace_id = r.namespace_id AND l.id = r.id
  AND (l.{", l.".join(_COLUMNS)}) IS DISTINCT FROM (r.{", r.".join(_COLUMNS)})
RETURNING l.id
"""


def _children(namespace_id: int, keys: list[Any]) -> Iterator[Sequence[Any]]:
    """The steps of the documents' children, part by part."""
    last: Any = UUID(int=0)
    while True:
        part = [row[0] for row in sql.rows(_CHILDREN, (namespace_id, keys, last, BATCH))]
        if part:
            yield part
            last = part[-1]
        if len(part) < BATCH:
            return


_CHILDREN: Final = """
SELECT l.id
FROM documents_document d
JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.source_document_id = d.document_id
WHERE d.namespace_id = %s AND d.id = ANY(%s) AND l.id > %s
ORDER BY l.id LIMIT %s
"""


def _repair_stray(stray: Finding) -> int:
    """A step goes to its document's namespace when that has none of it, else it goes; how many steps were written."""
    with atomic():
        lineage.lock_batch(stray.namespace_id, absent_parents=[])
        moved = sql.rows(_TO_ITS_DOCUMENT, (stray.namespace_id, stray.id, stray.namespace_id))
        if not moved:
            return sql.run(_DELETE_STRAY, (stray.namespace_id, stray.id)).rowcount
    return 1 + _derive_down(moved[0][0], [stray.id])


_TO_ITS_DOCUMENT: Final = """
UPDATE documents_lineagestep l SET namespace_id = d.namespace_id, collection_id = d.collection_id
FROM (
    SELECT d.namespace_id, d.id, d.collection_id FROM documents_document d
    WHERE d.namespace_id <> %s AND d.id = %s
      AND NOT EXISTS (SELECT FROM documents_lineagestep o WHERE o.namespace_id = d.namespace_id AND o.id = d.id)
    LIMIT 1
) d
WHERE l.namespace_id = %s AND l.id = d.id
RETURNING l.namespace_id
"""
_DELETE_STRAY: Final = """
DELETE FROM documents_lineagestep l WHERE l.namespace_id = %s AND l.id = %s
AND NOT EXISTS (SELECT FROM documents_document d WHERE d.namespace_id = l.namespace_id AND d.id = l.id)
"""
