"""The page of documents that staff asked for: one statement beside the statistics', bounded whatever was asked.

With a namespace, its documents are found as the API's lists find them (documents/listing). Without one, the newest of all
that the user reaches, by keyset. The beginning of an id walks the index of ids.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from documents import filters
from documents.admin.asked import Asked
from documents.listing import holds_many, planned, read_lines, read_newest
from documents.listing.ordering import Position
from documents.listing.scoping import places_cte
from documents.listing.statistics import statistics
from documents.trees.nodes import label, preview, status
from mixpeek_site import sql
from mixpeek_site.errors import ServiceUnavailableError, ValidationError
from mixpeek_site.transactions import unhurried
from namespaces.admin import lists as large
from namespaces.admin.json_text import fault_error
from namespaces.admin.lists import Table, picked_sql
from namespaces.admin.urls import document_url, list_url, tree_url

DOCUMENTS: Final = Table("documents_document", "document_id", "namespaces_collection", "collection_id", "p.deleted_at IS NULL")
PAGE: Final = 50
BEST: Final = 300
"""Documents that hold words, up to which a search is ranked, some 40 µs each: beyond it, the newest come first."""
ID_HITS: Final = 100
ID_WALK: Final = 10_000
"""Ids that begin as asked, looked through for those that other filters leave."""
WORDS_WALK: Final = 5_000
"""Documents that are looked through for words that no index knows."""
SECONDS: Final = 5
"""What a filter may take that no index serves."""

COLUMNS: Final = (
    *("d.document_id", "d.collection_id", "(SELECT x.name FROM namespaces_collection x WHERE x.id = d.collection_id)"),
    *(status("d"), label("d"), preview("d"), "l.root_object_id", "d.created_at", "d.updated_at"),
)


class Line(NamedTuple):
    """A document as a list shows it."""

    namespace_id: int
    namespace: str
    key: str
    document_id: str
    collection_key: int
    collection: str
    status: str | None
    label: str | None
    preview: str | None
    root_object_id: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def url(self) -> str:
        return document_url(self.namespace_id, self.document_id)

    @property
    def tree_url(self) -> str:
        return tree_url(self.namespace_id, self.root_object_id or "", at=self.document_id)

    @property
    def collection_url(self) -> str:
        return list_url("documents_document", namespace=self.namespace_id, collection=self.collection_key)

    @property
    def namespace_url(self) -> str:
        return list_url("documents_document", namespace=self.namespace_id)


@dataclass(frozen=True)
class Listed:
    """`before` and `after`: where the neighbouring pages begin, "" where there is none. `faults` as in `Asked`."""

    lines: list[Line] = field(default_factory=list)
    before: str = ""
    after: str = ""
    is_first: bool = True
    note: str = ""
    undeclared: int = 0  # documents that would have to be read for words, there being no index of them
    faults: dict[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """What was asked is not read: for its `faults`, or for words in so many `undeclared` documents."""

    def __init__(self, faults: dict[str, str] | None = None, undeclared: int = 0) -> None:
        super().__init__(str(faults or undeclared))
        self.faults, self.undeclared = faults or {}, undeclared

    @property
    def said(self) -> str:
        if self.undeclared:
            return (
                f"Words are not searched in {self.undeclared:,} documents one by one; the list says how to declare their index."
            )
        return " ".join(self.faults.values())


@contextmanager
def guarded(asked: Asked, wanted: int) -> Iterator[None]:
    """For reads of up to `wanted` documents: where no index serves what was asked they take SECONDS at most.

    Raises RefusedError, also instead of what a regular expression that can't be run raises.
    """
    if asked.faults:
        raise RefusedError(asked.faults)
    question = asked.question()
    slow = "filters" in asked.query
    if not asked.prefix:
        chosen = planned(asked.scope, question, wanted)[1]
        slow = slow or chosen.unserved
        if question.search is not None and not chosen.by_words and not chosen.gathers:
            documents = statistics(asked.scope, question.places).documents
            if documents > WORDS_WALK:
                raise RefusedError(undeclared=documents)
    try:
        with unhurried(SECONDS) if slow else nullcontext():
            yield
    except ValidationError as error:
        raise RefusedError({"filters": str(fault_error(asked.query.get("filters", ""), error.faults[0]))}) from None
    except ServiceUnavailableError as error:
        if not slow or not sql.was_given_up(error):
            raise
        raise RefusedError({"filters": SLOW}) from None


SLOW: Final = (
    f"No index serves this, and looking through the documents took longer than {SECONDS} seconds. Equality and `in` are always"
    " served, ranges of fields that the namespace declares in its payload_indexes. Narrow by collection, root or time."
)


def read_listed(asked: Asked, within: frozenset[int] | None, after: str, before: str) -> Listed:
    """`within`: the namespaces that the user reaches, None: all. A malformed position is the first page."""
    if asked.namespace is None:
        return Listed(faults=asked.faults) if asked.faults else _everywhere(asked, within, after, before)
    try:
        with guarded(asked, PAGE):
            return _by_id(asked) if asked.prefix else _by_question(asked, after, before)
    except RefusedError as refused:
        return Listed(faults=refused.faults, undeclared=refused.undeclared)


# A namespace ----------------------------------------------------------------------------------------------------------


def _by_question(asked: Asked, after: str, before: str) -> Listed:
    """Sorted as asked; a search by relevance or, of words that more than BEST documents hold, the newest first.

    How a search goes on, its positions say.
    """
    following = _time_position(after)
    preceding = _time_position(before) if following is None else None
    if asked.sort:
        return _page_of(asked, following, preceding)
    if following is not None or preceding is not None:
        return _page_of(asked, following, preceding, newest=True)
    following = _rank_position(after)
    if following is None and holds_many(asked.scope, asked.question(), BEST):
        found = _page_of(asked, None, None, newest=True)
        if found.after:  # else PostgreSQL's statistics misled: it is one page
            return found
    return _page_of(asked, following, None)


def _page_of(asked: Asked, following: Position | None, preceding: Position | None, *, newest: bool = False) -> Listed:
    backwards = preceding is not None
    question = asked.question(backwards=backwards, newest=newest)
    read = read_newest if newest else read_lines
    found = read(asked.scope, question, COLUMNS, limit=PAGE, position=following or preceding)
    rows = found.rows[::-1] if backwards else found.rows
    lines = [_line(asked, row.position[-1], row.values) for row in rows]
    going_on = rows and (found.more or backwards)
    leading_back = rows and question.sort and (found.more if backwards else following is not None)
    return Listed(
        lines,
        after=_text(rows[-1].position) if going_on else "",
        before=_text(rows[0].position) if leading_back else "",
        is_first=following is None and preceding is None,
        note=_NEWEST if newest else "",
    )


_NEWEST: Final = (
    f"More than {BEST} documents hold these words, so the newest come first. Of fewer, the best come first: more words, or"
    " another filter, narrow it."
)


def _line(asked: Asked, key: Any, values: Sequence[Any]) -> Line:
    assert asked.namespace is not None
    return Line(asked.namespace.pk, asked.namespace.name, str(key), *values)


def _text(position: Position) -> str:
    return f"{position[0]}~{position[-1]}"


def _time_position(text: str) -> Position | None:
    """Of a time and an internal id; None for what is none."""
    key, _, row_id = text.partition("~")
    try:
        moment = datetime.fromisoformat(key)
        return [moment.astimezone(UTC).isoformat(), str(UUID(row_id))] if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _rank_position(text: str) -> Position | None:
    """Of a rank and an internal id; None for what is none."""
    key, _, row_id = text.partition("~")
    try:
        return [repr(float(key)), str(UUID(row_id))] if math.isfinite(float(key)) else None
    except (ValueError, OverflowError):
        return None


# Ids ------------------------------------------------------------------------------------------------------------------


def _by_id(asked: Asked) -> Listed:
    """In the ids' order; those that begin as asked are looked through up to a bound."""
    narrowed = asked.filters is not None or asked.collection is not None
    begun = begun_ids(asked, COLUMNS, bound=ID_WALK if narrowed else ID_HITS + 1, limit=ID_HITS + 1)
    note = ""
    if len(begun.rows) > ID_HITS:
        note = f"The first {ID_HITS} are shown; type more of the id."
    elif narrowed and begun.walked >= ID_WALK:
        note = f"Looked through the first {ID_WALK:,} ids that begin so; type more of the id."
    return Listed([_line(asked, row[-1], row[:-1]) for row in begun.rows[:ID_HITS]], note=note)


class Begun(NamedTuple):
    """What is found among ids that begin as asked: the columns and the internal id; how many ids were looked through, and
    the last of them.
    """

    rows: list[sql.Row]
    walked: int
    last: str


def begun_ids(asked: Asked, select: Sequence[str], *, bound: int, limit: int, after: str = "") -> Begun:
    """Of the next `bound` ids that begin as asked, those that the other filters leave, in order. One statement."""
    cte, params = places_cte(asked.scope, asked.places)
    holds = filters.predicate(asked.filters)
    with filters.bounded_regex(asked.filters):
        found = sql.rows(
            f"""
WITH {cte}, begun AS MATERIALIZED (
    SELECT d.id, d.document_id FROM documents_document d
    WHERE d.namespace_id = (SELECT namespace_id FROM scope) AND d.document_id >= %s AND d.document_id < %s
      AND d.document_id > %s
    ORDER BY d.document_id LIMIT %s
)
SELECT hit.*, counted.walked, counted.last FROM (
    SELECT count(*) AS walked, max(begun.document_id) AS last FROM begun
) counted LEFT JOIN LATERAL (
    SELECT {", ".join(f"{column} AS v{place}" for place, column in enumerate(select))}, d.id, d.document_id AS place
    FROM begun CROSS JOIN LATERAL (
        SELECT * FROM documents_document d WHERE d.namespace_id = (SELECT namespace_id FROM scope) AND d.id = begun.id OFFSET 0
    ) d JOIN c ON c.id = d.collection_id
    LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
    WHERE {holds.text}
    ORDER BY begun.document_id LIMIT %s
) hit ON true ORDER BY hit.place
""",
            (*params, asked.prefix, asked.prefix + "\x7f", after, bound, *holds.params, limit),
        )
    *_, walked, last = found[0]
    return Begun([row[:-3] for row in found if row[-3] is not None], walked, last or "")


# Every namespace ------------------------------------------------------------------------------------------------------

_EVERYWHERE: Final = f"""
WITH picked AS ({{picked}})
SELECT n.id, n.name, d.id, {", ".join(COLUMNS)}
FROM picked
JOIN documents_document d ON d.namespace_id = picked.namespace_id AND d.id = picked.id
JOIN namespaces_namespace n ON n.id = d.namespace_id
LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
ORDER BY picked.place
"""


def _everywhere(asked: Asked, within: frozenset[int] | None, after: str, before: str) -> Listed:
    following, preceding = large.Position.read(after), large.Position.read(before)
    backwards = preceding is not None and following is None
    limit = ID_HITS if asked.prefix else PAGE
    picked, params = picked_sql(
        DOCUMENTS,
        namespaces=within,
        parent_id=None,
        search=asked.prefix,
        position=following or preceding,
        towards_newer=backwards,
        limit=limit + 1,
    )
    found = [Line._make(row) for row in sql.rows(_EVERYWHERE.format(picked=picked), params)]
    more, lines = len(found) > limit, found[:limit]
    if asked.prefix:
        return Listed(lines, note=f"The first {ID_HITS} are shown; type more of the id." if more else "")
    if backwards:
        lines.reverse()
    leading_back = more if backwards else following is not None
    return Listed(
        lines,
        after=_place(lines[-1]) if lines and (more or backwards) else "",
        before=_place(lines[0]) if lines and leading_back else "",
        is_first=following is None and preceding is None,
    )


def _place(line: Line) -> str:
    return str(large.Position(line.created_at, UUID(str(line.key))))
