"""FROM and WHERE of the documents that a question means, by way of the indexes that were chosen for it."""

from dataclasses import replace
from typing import Any, Final

from documents import filters
from documents.filters import Condition, Node
from documents.listing.ordering import NOTHING, Ordering
from documents.listing.planning import Plan, only_times, plan
from documents.listing.questions import Places, Question
from documents.listing.scoping import places_cte
from documents.listing.statistics import statistics
from documents.stored import ROOT_KEY, STEP_JOIN
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

RANKED: Final = 20_000
"""Documents of a collection that a search ranks at most: each costs some 40 µs, for its words are looked for anew."""


class Texts:
    """SQL put together in the order of its parts, parameters along with it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.params: list[Any] = []

    def add(self, part: str | Fragment, *params: Any) -> "Texts":
        text, more = part if isinstance(part, Fragment) else (part, params)
        self._parts.append(text)
        self.params.extend(more)
        return self

    @property
    def text(self) -> str:
        return "".join(self._parts)


def reached(chosen: Plan, join: Fragment = NOTHING, *, lineage: bool) -> Fragment:
    """FROM and WHERE of the documents `d` of the collection `c` that the plan's indexes find; `l` where `lineage` asks for it.

    Of a root object: its documents of the collection. The collection's number, which the entries of the indexes of values
    begin with, is hidden from the planner (+ 0), which would else read the whole collection's entries of another index
    besides; not from an index that begins with the collection.
    """
    access = chosen.access
    of_lineage = chosen.root is not None or (bool(access) and access[0].table == "lineage")
    ordered = chosen.root is not None or any(each.probe for each in access)
    hidden = " + 0" if (access or chosen.by_words) and not ordered else ""
    conditions = [each.condition for each in access]
    if chosen.root is not None:
        conditions.append(Fragment(f"l.root_key = {ROOT_KEY}", (chosen.root,)))
    if of_lineage:
        source = "documents_lineagestep l JOIN documents_document d ON d.namespace_id = l.namespace_id AND d.id = l.id"
    else:
        source = f"documents_document d{STEP_JOIN if lineage else ''}"
    row = "l" if of_lineage else "d"
    place = f"{row}.namespace_id{hidden} = c.namespace_id AND {row}.collection_id{hidden} = c.id"
    return Fragment(
        f" FROM {source}{join.text} WHERE {place}{''.join(f' AND {each.text}' for each in conditions)}",
        (*join.params, *(param for each in conditions for param in each.params)),
    )


def add_found(
    out: Texts,
    question: Question,
    chosen: Plan,
    select: Fragment,
    order: Ordering | None,
    *,
    lineage: bool = False,
    source: str = "c",
    ranked: bool = False,
    most: int | None = None,
) -> None:
    """`SELECT select FROM …` of the documents that match, in no order, by way of the indexes that the plan names.

    Each collection is looked up by itself (OFFSET 0). `ranked`: of each, no more than `most`, else `RANKED`.
    """
    searched = question.search is not None
    out.add(f"SELECT m.* FROM {source}{' CROSS JOIN q' if searched else ''} CROSS JOIN LATERAL (SELECT ").add(select)
    if ranked:
        out.add(" FROM (SELECT d.*")
    reads = lineage or (order is not None and order.reads_lineage) or filters.reads_lineage(question.filters)
    out.add(reached(chosen, order.join if order else NOTHING, lineage=reads))
    if searched:
        out.add(
            " AND numnode(q.words) > 0 AND documents_words(d.collection_id, d.payload)"
            " @@ (q.words && ('''' || E'\\x01' || c.id || '''')::tsquery)"
        )
    add_conditions(out, question)
    if ranked:
        out.add(f" LIMIT {RANKED if most is None else most}) d")
    out.add(" OFFSET 0) m")


def add_conditions(out: Texts, question: Question, *, walked: bool = False, in_steps: bool = False) -> None:
    """`walked`: so that PostgreSQL keeps to the order's index, because a filter that it can't judge seems to leave next to
    nothing, and sorting that cheaper. A CASE seems to leave half. Times stand as they are: the index begins and ends at them.
    `in_steps`: times of creation are those of the steps, whose index is walked along.
    """
    for_the_index, checked = _times_and_others(question.filters) if walked else (question.filters, None)
    if in_steps and for_the_index is not None:
        for_the_index = _of_steps(for_the_index)
    if for_the_index is not None:
        out.add(" AND ").add(filters.predicate(for_the_index))
    partition = question.partition
    if checked is None and partition is None:
        return
    out.add(" AND CASE WHEN " if walked else " AND ").add(filters.predicate(checked))
    if partition is not None:
        out.add(" AND (uuid_hash(d.id)::bigint & 2147483647) %% %s = %s", partition.count, partition.index)
    if walked:
        out.add(" THEN true ELSE false END")


def _of_steps(node: Node) -> Node:
    """Of times, those of creation read from the lineage step."""
    if isinstance(node, Condition):
        created = node.field.column == "d.created_at"
        return replace(node, field=replace(node.field, column="l.created_at")) if created else node
    return replace(node, nodes=tuple(map(_of_steps, node.nodes)))


def _times_and_others(node: Node | None) -> tuple[Node | None, Node | None]:
    """A filter in two, which hold together where it does: what asks for times of creation and update alone, and the rest."""
    if node is None:
        return None, None
    nodes = node.nodes if isinstance(node, filters.All) else (node,)
    times = tuple(each for each in nodes if only_times(each))
    others = tuple(each for each in nodes if not only_times(each))
    return filters.All(times) if times else None, filters.All(others) if others else None


def narrowing(scope: Scope, collection: str, node: Node | None) -> Fragment:
    """` AND d.id = ANY(…)` with what an index says the filter can match in `scope`'s collection; empty if the whole is read.

    For statements that begin with the scope's CTE and have documents_document as d. The filter is to be checked besides.
    """
    places = Places(collection)
    chosen = plan(scope, places, node, statistics(scope, places), wanted=None) if node is not None else Plan()
    if not chosen.gathers:
        return NOTHING
    out = Texts()
    out.add(" AND d.id = ANY(ARRAY(")
    source = "(SELECT namespace_id, collection_id AS id, collection AS public_id FROM scope) c"
    add_found(out, Question(places), chosen, Fragment("d.id"), None, source=source)
    return Fragment(out.add("))").text, tuple(out.params))


def found_count(scope: Scope, collection: str, node: Node) -> Fragment | None:
    """A statement of one row `(collection's id, how many of its documents match)`, none without the collection.

    It counts what an index finds; None where reading the whole collection is as good.
    """
    places = Places(collection)
    chosen = plan(scope, places, node, statistics(scope, places), wanted=None)
    if not chosen.gathers:
        return None
    out = Texts()
    cte, params = places_cte(scope, places)
    out.add(f"WITH {cte} SELECT c.public_id, (SELECT count(*) FROM (", *params)
    add_found(out, Question(places, node), chosen, Fragment("d.id"), None)
    out.add(") found) FROM c")
    return Fragment(out.text, tuple(out.params))
