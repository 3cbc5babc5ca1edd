"""Which way to the documents of a question: through an index of values, or along the order with the filter as a check.

PostgreSQL can't choose: it knows no frequency of a value inside jsonb, and walks an ordered index to its end for a value
that nothing holds. The two ways cost, in microseconds per row as measured (docs/decisions/0012):

- the walk looks at every document of the order until the page is full: few for a common value, all for an absent one;
- the index visits every match, whatever the page's size: few for a rare value, all of a common one.
"""

from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Final

from documents import payload_indexes
from documents.filters import Node, conditions
from documents.listing.access import Access, accesses
from documents.listing.declared import declared_access
from documents.listing.ordering import Ordering
from documents.listing.questions import Places, Question
from documents.listing.statistics import SMALL, Statistics, count_up_to, share_of_any, statistics
from namespaces.scope import Scope

WALKED: Final = 1.0
"""A document passed on the way, its filter checked."""

FOUND: Final = 12.0
"""A document found through the index of terms, which are computed anew to check the index's hash."""

FOUND_DECLARED: Final = 3.0
"""A document found through a declared index."""

COUNTED: Final = 2_000
"""Up to how many of a range's documents are counted before one decides."""

ENOUGH: Final = 5_000
"""What an index may cost before one looks, by counting, for a better one."""

FEW: Final = 500
"""Matches up to which it is cheaper to keep each whole until the page is chosen than to read the chosen ones once more."""

LARGE: Final = 50_000
"""Documents from which an answer warns of a filter or an order that no index serves."""

_WORDS_SHARE: Final = 0.005  # of `text`, which nobody counted


@dataclass(frozen=True, slots=True)
class Plan:
    """`access`: what to find the matches by; empty: walk along the order. `few`: it finds so few that they are kept whole."""

    access: tuple[Access, ...] = ()
    few: bool = False
    unserved: bool = False  # a large place is walked to its end for want of an index
    by_words: bool = False  # an index finds what a search means
    share: float | None = None  # of the documents that the filter leaves, by estimate; None: nobody knows


def plan_page(scope: Scope, question: Question, order: Ordering, wanted: int) -> Plan:
    """How to read a page's `wanted` documents, those before it included."""
    if question.filters is None and question.search is None and order.indexed:
        return Plan()
    known = statistics(scope, question.places)
    if question.search is not None:
        return plan_all(scope, question, known)
    chosen = plan(scope, question.places, question.filters, known, wanted=wanted if order.indexed else None)
    unserved = not chosen.access and known.documents > LARGE
    return Plan(chosen.access, chosen.few, unserved and (not order.indexed or chosen.unserved))


def plan_all(scope: Scope, question: Question, known: Statistics) -> Plan:
    """How to find every match."""
    access = plan(scope, question.places, question.filters, known, wanted=None).access
    by_words = (
        question.search is not None
        and known.namespace_id is not None
        and payload_indexes.SEARCH in payload_indexes.ready(known.namespace_id)
    )
    return Plan(access, unserved=known.documents > LARGE and not access and not by_words, by_words=by_words)


def plan(scope: Scope, places: Places, filters: Node | None, known: Statistics, *, wanted: int | None) -> Plan:
    """`wanted`: documents until which the order is walked; None where the way ends only with the last document."""
    if filters is None or known.namespace_id is None or (known.documents <= SMALL and wanted is not None):
        return Plan()
    ready = payload_indexes.ready(known.namespace_id)
    usable = accesses(filters, partial(declared_access, ready=ready))
    if not usable:
        return Plan(unserved=not only_times(filters))
    shares = {access: share_of_any(known, access.alternatives) for access in usable if access.alternatives}
    if min(shares.values(), default=1.0) * known.documents * FOUND > ENOUGH:
        shares |= {access: _share_of_declared(scope, places, access, known) for access in usable if access not in shares}
    usable = list(shares)
    if not usable:  # a small place, where counting is dearer than looking at all
        return Plan()
    chosen = min(
        (_selective([access for access in usable if access.table == table], shares) for table in {a.table for a in usable}),
        key=lambda group: prod(shares[access] for access in group),
    )
    share = max(prod(shares[access] for access in chosen), 1e-9)
    found = known.documents * share * (FOUND if any(access.alternatives for access in chosen) else FOUND_DECLARED)
    walked = known.documents if wanted is None else min(known.documents, wanted / share)
    return Plan(chosen, few=known.documents * share <= FEW, share=share) if found < walked * WALKED else Plan(share=share)


def _share_of_declared(scope: Scope, places: Places, access: Access, known: Statistics) -> float:
    if access.probe is None:
        return _WORDS_SHARE
    count = count_up_to(scope, places, access.probe, COUNTED)
    return 0.5 if count >= COUNTED else max(count, 0.5) / max(known.documents, 1)


def _selective(usable: list[Access], shares: dict[Access, float]) -> tuple[Access, ...]:
    """Of several accesses the best, and those that narrow it much."""
    best = min(shares[access] for access in usable)
    return tuple(access for access in usable if shares[access] <= max(best * 20, 0.001))


def only_times(filters: Node) -> bool:
    """Whether the filter is a range of creation or update times, which the orders' own indexes begin and end at."""
    return all(condition.field.kind == "time" for condition in conditions(filters))
