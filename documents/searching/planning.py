"""Through the HNSW index, or by comparing with every vector that passes the filter (docs/decisions/0025).

The index gives the nearest of all vectors, of which the filter is asked one by one; so many are looked at (`candidates`, the
scan's ef_search) that enough should pass, at most a thousand: what lies deeper in the graph is found less and less surely.
Where that is not enough, beforehand by estimate or afterwards by count, all that pass are compared: slower, and exact.
"""

from dataclasses import dataclass, replace
from typing import Final

from documents.listing import Question
from documents.listing.planning import Plan, plan
from documents.listing.statistics import statistics
from namespaces.scope import Scope

LEAST_CANDIDATES: Final = 200
"""ef_search of a short page: recall@10 above 0.99 in 100,000 clustered vectors, where pgvector's 40 give 0.92."""

MOST_CANDIDATES: Final = 1000
"""The most that pgvector allows."""

DEEPEST: Final = 250
"""Documents up to which an index is trusted to find nearly all the nearest; a page that ends later is read exactly."""

_MARGIN: Final = 3
"""So many times what should do is looked at, for what passes the filter is not spread evenly."""

_CANDIDATE: Final = 15.0
_COMPARED: Final = 17.0
"""Microseconds: a candidate found in the graph and asked for the filter; a match found by another index and compared."""

_UNKNOWN: Final = 400  # candidates where nobody knows what the filter leaves


@dataclass(frozen=True, slots=True)
class Way:
    """`candidates`: vectors that an HNSW index is asked for; 0: all that match are compared. `access`: how to find those."""

    candidates: int
    access: Plan

    @property
    def exactly(self) -> "Way":
        return replace(self, candidates=0)


def choose(scope: Scope, question: Question, wanted: int, *, indexed: bool, alone: bool) -> Way:
    """How to find so many of the nearest documents; `indexed`: there is an HNSW index. No statement without filters.

    With a filter, several collections (not `alone`) are compared exactly: what one of them has to spare would hide that the
    index of another gave too little.
    """
    partition = question.partition
    if question.filters is None and partition is None:
        return Way(min(max(LEAST_CANDIDATES, 2 * wanted), MOST_CANDIDATES) if indexed and wanted <= DEEPEST else 0, Plan())
    known = statistics(scope, question.places)
    access = plan(scope, question.places, question.filters, known, wanted=None)
    if not indexed or not alone or wanted > DEEPEST:
        return Way(0, access)
    share = access.share if question.filters is not None else 1.0
    if share is None or (question.filters is not None and not known.samples):
        candidates = max(_UNKNOWN, 2 * wanted)
        return Way(candidates if known.documents > candidates else 0, access)
    share = max(share / (partition.count if partition else 1), 1e-9)
    candidates = max(LEAST_CANDIDATES, int(_MARGIN * wanted / share))
    cheaper_exactly = known.documents * share * _COMPARED < candidates * _CANDIDATE
    return Way(0 if candidates > MOST_CANDIDATES or cheaper_exactly else candidates, access)
