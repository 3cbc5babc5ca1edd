"""Which way to the documents of a question: through an index of values, or along the order with the filter as a check.

PostgreSQL can't choose: it knows no frequency of a value inside jsonb, and walks an ordered index to its end for a value
that nothing holds. The ways cost, in microseconds per row as measured (docs/decisions/0012, 0022):

- the walk looks at every document of the order until the page is full: few for a common value, all for an absent one;
- the index visits every match, whatever the page's size: few for a rare value, all of a common one;
- the documents of one root object are in an index in the order of their creation: the walk within them, of few or of many,
  looks at no others.
"""

from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Final, NamedTuple

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

WITHIN_ROOT: Final = 4.0
"""A document met among those of its root object: its step and itself are looked up, its filter checked."""

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
    """`access`: what to find the matches by. `root`: the object among whose documents they are found, instead; by itself
    (`in_order`) along their order. With neither: walk along the order. `few`: so few are found that they are kept whole.
    """

    access: tuple[Access, ...] = ()
    few: bool = False
    unserved: bool = False  # a large place is walked to its end for want of an index
    by_words: bool = False  # an index finds what a search means
    root: str | None = None
    in_order: bool = False
    share: float | None = None  # of the documents that the filter leaves, by estimate; None: nobody knows

    @property
    def gathers(self) -> bool:
        """Whether an index finds all matches, before the first of them are known."""
        return bool(self.access) or (self.root is not None and not self.in_order)


def plan_page(scope: Scope, question: Question, order: Ordering, wanted: int) -> Plan:
    """How to read a page's `wanted` documents, those before it included."""
    if question.filters is None and question.search is None and order.indexed:
        return Plan()
    known = statistics(scope, question.places)
    if question.search is not None:
        return plan_all(scope, question, known)
    chosen = plan(
        scope, question.places, question.filters, known, wanted=wanted if order.indexed else None, by_creation=order.by_creation
    )
    walked = not chosen.access and chosen.root is None
    unserved = walked and known.documents > LARGE and (not order.indexed or chosen.unserved)
    return replace(chosen, unserved=unserved)


def plan_all(scope: Scope, question: Question, known: Statistics) -> Plan:
    """How to find every match."""
    chosen = plan(scope, question.places, question.filters, known, wanted=None)
    by_words = (
        question.search is not None
        and known.namespace_id is not None
        and payload_indexes.SEARCH in payload_indexes.ready(known.namespace_id)
    )
    unserved = known.documents > LARGE and not chosen.gathers and not by_words
    return Plan(chosen.access, unserved=unserved, by_words=by_words, root=chosen.root)


def plan(
    scope: Scope, places: Places, filters: Node | None, known: Statistics, *, wanted: int | None, by_creation: bool = False
) -> Plan:
    """`wanted`: documents until which the order is walked; None where the way ends only with the last document.
    `by_creation`: that order is the one of creation.
    """
    if filters is None or known.namespace_id is None or (known.documents <= SMALL and wanted is not None):
        return Plan()
    ready = payload_indexes.ready(known.namespace_id)
    usable = accesses(filters, partial(declared_access, ready=ready))
    if not usable:
        return Plan(unserved=not only_times(filters))
    of_root = next((access for access in usable if access.root is not None), None)
    others = [access for access in usable if access is not of_root]
    if of_root is None:
        way = _gathering(scope, places, others, known, enough=ENOUGH)
        if way is None:  # a small place, where counting is dearer than looking at all
            return Plan()
        walked = known.documents if wanted is None else min(known.documents, wanted / way.share)
        return way.plan(known) if way.cost < walked * WALKED else Plan(share=way.share)
    held = known.documents * share_of_any(known, of_root.alternatives)
    in_order = by_creation and wanted is not None
    way = _gathering(scope, places, others, known, enough=max(ENOUGH, held * WITHIN_ROOT))
    others_share = way.share if way else 1.0
    met = held if wanted is None or not in_order else min(held, wanted / others_share)
    if way is not None and way.cost < met * WITHIN_ROOT:
        return way.plan(known)
    share = max(held * others_share / max(known.documents, 1), 1e-9)
    if not in_order:
        walked = known.documents if wanted is None else min(known.documents, wanted / share)
        if walked * WALKED < met * WITHIN_ROOT:
            return Plan(share=share)
    return Plan(few=known.documents * share <= FEW, root=of_root.root, in_order=in_order, share=share)


class _Way(NamedTuple):
    """Accesses that find every match together, the share of documents that they leave, and what that costs."""

    access: tuple[Access, ...]
    share: float
    cost: float

    def plan(self, known: Statistics) -> Plan:
        return Plan(self.access, few=known.documents * self.share <= FEW, share=self.share)


def _gathering(scope: Scope, places: Places, usable: list[Access], known: Statistics, *, enough: float) -> _Way | None:
    """The best of several accesses. Those whose share nobody knows are counted where the others cost more than `enough`."""
    shares = {access: share_of_any(known, access.alternatives) for access in usable if access.alternatives}
    if min(shares.values(), default=1.0) * known.documents * FOUND > enough:
        shares |= {access: _share_of_declared(scope, places, access, known) for access in usable if access not in shares}
    if not shares:
        return None
    tables = {access.table for access in shares}
    chosen = min(
        (_selective([access for access in shares if access.table == table], shares) for table in tables),
        key=lambda group: prod(shares[access] for access in group),
    )
    share = max(prod(shares[access] for access in chosen), 1e-9)
    cost = FOUND if any(access.alternatives for access in chosen) else FOUND_DECLARED
    return _Way(chosen, share, known.documents * share * cost)


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
