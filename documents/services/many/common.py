"""What the writes of many documents share: which rows they mean, the order in which they lock them, and how far they go.

Rows are locked in the order of their internal ids before anything is written, so that of two writes that share documents
one waits for the other and neither gets into the other's way. Nothing else is locked, except that moves of lineage are kept
out while internal metadata are written.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from documents import queries
from documents.filters import Node, bounded_regex, has_regex, predicate, reads_lineage
from documents.listing.matching import reached
from documents.listing.planning import Plan, plan
from documents.listing.questions import Places
from documents.listing.scoping import places_cte
from documents.listing.statistics import statistics
from mixpeek_site import sql
from mixpeek_site.errors import ConflictError
from mixpeek_site.sql import Fragment
from mixpeek_site.transactions import unhurried
from namespaces.scope import Scope


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a write may go. `dry_run`: it says what it would do; `max_affected`: it touches no more documents."""

    dry_run: bool = False
    max_affected: int | None = None

    def check(self, matched: int) -> None:
        """Raise ConflictError for a write that would touch more documents than it may."""
        if self.max_affected is not None and matched > self.max_affected:
            raise ConflictError(
                f"The write would touch {matched} documents, more than max_affected={self.max_affected}; nothing was written.",
                matched=matched,
                max_affected=self.max_affected,
            )


UNBOUNDED = Bounds()


def matching(scope: Scope, collection: str, node: Node | None, *, lock: bool = True) -> Fragment:
    """CTEs, the first of them `scope`, the last `locked (id)`: the collection's documents that a filter matches (None: all).

    A row that another write holds is judged anew as that write leaves it: the filter is part of the locking query. They are
    found as a list finds them (documents/listing/matching.py), through the indexes where that is less work.
    """
    places = Places(collection=collection)
    chosen = Plan() if node is None else plan(scope, places, node, statistics(scope, places), wanted=None)
    cte, params = places_cte(scope, places)
    found, holds = reached(chosen, lineage=reads_lineage(node)), predicate(node)
    return Fragment(
        f"{cte}, locked AS MATERIALIZED (SELECT m.id FROM c CROSS JOIN LATERAL (SELECT d.id{found.text} AND {holds.text}"
        f"{' ORDER BY d.id' if lock else ''} OFFSET 0{' FOR UPDATE OF d' if lock else ''}) m)",
        (*params, *found.params, *holds.params),
    )


def named(document_ids: Sequence[str], *, lock: bool = True) -> Fragment:
    """CTEs, the last of them `locked (id, document_id)`: those of the named documents that are in `scope`'s collection."""
    # LIMIT keeps the look-up one by one: before the first ANALYZE the planner would rather read the whole collection.
    return Fragment(
        f"""found AS MATERIALIZED (
    SELECT d.id FROM scope CROSS JOIN unnest(%s::text[]) AS wanted (document_id)
    CROSS JOIN LATERAL (
        SELECT d.id, d.collection_id FROM documents_document d
        WHERE d.namespace_id = scope.namespace_id AND d.document_id = wanted.document_id
        LIMIT 1
    ) d
    WHERE d.collection_id = scope.collection_id
), locked AS MATERIALIZED (
    SELECT d.id, d.document_id FROM documents_document d
    WHERE d.namespace_id = (SELECT scope.namespace_id FROM scope) AND d.id = ANY(ARRAY(SELECT found.id FROM found))
    ORDER BY d.id{" FOR UPDATE OF d" if lock else ""}
)""",
        (list(document_ids),),
    )


def is_locked(bounds: Bounds) -> Fragment:
    """SQL, true of the rows `d` that `locked` holds; of none where there are more of them than there may be."""
    those = "d.id = ANY(ARRAY(SELECT locked.id FROM locked))"
    if bounds.max_affected is None:
        return Fragment(those)
    return Fragment(f"{those} AND (SELECT count(*) FROM locked) <= %s", (bounds.max_affected,))


def count_matching(scope: Scope, collection: str, node: Node | None, bounds: Bounds) -> int:
    """How many documents a write with filters would touch. One statement, which locks nothing.

    Raises NotFoundError for the namespace or the collection, ConflictError.
    """
    those = matching(scope, collection, node, lock=False)
    with bounded_regex(node):
        row = sql.one(f"WITH {those.text} SELECT (SELECT count(*) FROM locked) FROM scope", those.params)
    if row is None:
        raise queries.missing(scope, collection)
    bounds.check(row[0])
    return int(row[0])


@contextmanager
def writing_matching(scope: Scope, collection: str, node: Node | None) -> Iterator[None]:
    """The transaction of a write with filters, whose statements may take settings.BULK_STATEMENT_SECONDS.

    A user's regular expression gets no more time than on a read: it has to get through all documents once before.
    """
    if has_regex(node):
        count_matching(scope, collection, node, UNBOUNDED)
    with unhurried(settings.BULK_STATEMENT_SECONDS):
        yield
