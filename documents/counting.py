"""How many documents a collection holds, exactly and without counting them or making its writers wait for one another.

`documents_documentcount` holds what was added and taken away: `(namespace_id, collection_id, delta)`. A statement that
inserts into or deletes from documents_document appends its deltas itself, in a CTE of its own:

    WITH created AS (INSERT INTO documents_document … RETURNING *), {count_created("created")}
    SELECT … FROM created

    WITH gone AS (DELETE FROM documents_document d … RETURNING d.namespace_id, d.collection_id), {count_gone("gone")}
    SELECT count(*) FROM gone

So a delta is seen exactly with the rows that it stands for, is rolled back with them, and costs no round trip. A
collection's count is the sum of its rows (`collection_count_sql`); housekeeping folds them into one (`fold`).
"""

from typing import Final

from django.db import connection

from mixpeek_site import sql


def count_created(rows: str, name: str = "counted", *, single: bool = False) -> str:
    """A CTE `name` that adds the rows of the CTE `rows` to the counts; `rows` has namespace_id and collection_id.

    One delta for each collection among them. Goes on in a WITH list after `rows`; nothing need read it. `single`: there
    is one row at most, and no need to group, which costs more than all the rest.
    """
    return _delta_cte(rows, name, 1, single)


def count_gone(rows: str, name: str = "counted", *, single: bool = False) -> str:
    """The same for rows that a DELETE returned: takes them off the counts."""
    return _delta_cte(rows, name, -1, single)


def _delta_cte(rows: str, name: str, each: int, single: bool) -> str:
    delta, grouped = (f"{each}", "") if single else (f"{each} * count(*)", " GROUP BY namespace_id, collection_id")
    return (
        f"{name} AS (INSERT INTO documents_documentcount (namespace_id, collection_id, delta)"
        f" SELECT namespace_id, collection_id, {delta} FROM {rows}{grouped})"
    )


def collection_count_sql(alias: str) -> str:
    """A scalar subquery: the number of documents of `alias`.namespace_id, `alias`.collection_id; 0 when there are none.

    Exact in the statement's snapshot. Reads an index, some tens of rows at most while housekeeping keeps up.
    """
    return (
        "(SELECT COALESCE(sum(dc.delta), 0)::bigint FROM documents_documentcount dc"
        f" WHERE dc.namespace_id = {alias}.namespace_id AND dc.collection_id = {alias}.collection_id)"
    )


def count_copied(namespace_id: int, collection_id: int, documents: int) -> None:
    """Add documents that came by COPY, which can carry no CTE. The caller holds the transaction. One statement."""
    if documents:
        sql.run(
            "INSERT INTO documents_documentcount (namespace_id, collection_id, delta) VALUES (%s, %s, %s)",
            (namespace_id, collection_id, documents),
        )


# Folding -------------------------------------------------------------------------------------------------------------

FOLD_FROM: Final = 64
"""Rows from which a collection is folded: the sum of fewer costs some microseconds, and folding writes, too."""

FOLD_AT_ONCE: Final = 20_000
"""Rows that go in one transaction: some tens of milliseconds."""

CLEAR_UP_FROM: Final = 1000
"""Folded rows after which it is worth clearing up: the sum passes over fewer in a tenth of a millisecond."""


def crowded(least: int = FOLD_FROM) -> list[tuple[int, int]]:
    """Namespace and collection of those that have so many rows or more. One statement."""
    found = sql.rows(
        "SELECT dc.namespace_id, dc.collection_id FROM documents_documentcount dc"
        " GROUP BY dc.namespace_id, dc.collection_id HAVING count(*) >= %s",
        (least,),
    )
    return [(row[0], row[1]) for row in found]


def fold(namespace_id: int, collection_id: int) -> int:
    """Put a collection's rows (FOLD_AT_ONCE of them) into one that has their sum; how many went. One statement.

    A reader sees the rows or their sum. Nobody waits: of two that fold at once each takes rows that the other does not,
    and a collection that is just being purged is left alone.
    """
    row = sql.one(_FOLD, (namespace_id, collection_id, namespace_id, collection_id, FOLD_AT_ONCE))
    return int(row[0]) if row else 0


def clear_up() -> None:
    """Remove what folds left behind, else reads pass over it until autovacuum comes, a minute later at best.

    Not inside a transaction: there nothing happens. One statement.
    """
    if not connection.in_atomic_block:
        sql.run(_VACUUM)


_VACUUM = "VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, SKIP_LOCKED) documents_documentcount"

# The sum's foreign key needs the collection; locked first, so that a fold and a purge can't wait for each other. Rows
# are deleted by their ctid alone, where the lock holds them: offered a key besides, the planner, who has no statistics,
# finds the rows by it and then looks for each in the list of all.
_FOLD = """
WITH place AS MATERIALIZED (
    SELECT c.namespace_id, c.id AS collection_id FROM namespaces_collection c WHERE c.namespace_id = %s AND c.id = %s
    FOR KEY SHARE SKIP LOCKED
), taken AS MATERIALIZED (
    SELECT dc.ctid FROM documents_documentcount dc
    WHERE dc.namespace_id = %s AND dc.collection_id = %s AND EXISTS (SELECT FROM place)
    LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM documents_documentcount dc WHERE dc.ctid = ANY(ARRAY(SELECT ctid FROM taken))
    RETURNING dc.namespace_id, dc.collection_id, dc.delta
), folded AS (
    INSERT INTO documents_documentcount (namespace_id, collection_id, delta)
    SELECT namespace_id, collection_id, sum(delta) FROM gone GROUP BY namespace_id, collection_id HAVING sum(delta) <> 0
)
SELECT count(*) FROM gone
"""
