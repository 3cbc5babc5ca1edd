"""Which way to the documents of a question: through an index of values, or along the order with the filter as a check.

PostgreSQL can't choose: it knows no frequency of a value inside jsonb, and walks an ordered index to its end for a value
that nothing holds. The two ways cost, in microseconds per row as measured (docs/decisions/0012):

- the walk looks at every document of the order until the page is full: few for a common value, all for an absent one;
- the index visits every match, whatever the page's size: few for a rare value, all of a common one.
"""

from dataclasses import dataclass
from math import prod
from typing import Final

from documents.filters import Node
from documents.listing.access import Access, accesses
from documents.listing.statistics import SMALL, Statistics, share_of_any

WALKED: Final = 1.0
"""A document passed on the way, its filter checked."""

FOUND: Final = 12.0
"""A document found through an index of values: its terms are computed anew to check the index's hash."""

LARGE: Final = 50_000
"""Documents from which an answer warns of a filter or an order that no index serves."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`access`: what to find the matches by; empty: walk along the order."""

    access: tuple[Access, ...] = ()
    unserved: bool = False  # a large collection is walked for want of an index


def plan(filters: Node | None, statistics: Statistics, *, wanted: int | None) -> Plan:
    """`wanted`: documents until which the order is walked; None where the way ends only with the last document."""
    usable = accesses(filters)
    if not usable:
        return Plan(unserved=filters is not None and statistics.documents > LARGE)
    if statistics.documents <= SMALL and wanted is not None:
        return Plan()
    shares = {access: share_of_any(statistics, access.alternatives) for access in usable}
    by_table = {
        table: tuple(access for access in usable if access.table == table)
        for table in ("documents", "lineage")
        if any(access.table == table for access in usable)
    }
    chosen = min(by_table.values(), key=lambda group: prod(shares[access] for access in group))
    found = statistics.documents * prod(shares[access] for access in chosen)
    everything = max(found / max(statistics.documents, 1), 1e-9)
    walked = statistics.documents if wanted is None else min(statistics.documents, wanted / everything)
    return Plan(chosen if found * FOUND < walked * WALKED else ())
