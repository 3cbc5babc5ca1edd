"""Running a search: one statement, and one more where the document to be like is looked up, or an index gave too little."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from documents import filters, queries
from documents.features import Vectors, extension
from documents.fields import Field
from documents.listing import RANKED, Group
from documents.listing.matching import Texts
from documents.listing.pages import Row, require_places, whole_rows
from documents.listing.planning import LARGE, plan_all
from documents.listing.statistics import statistics
from documents.searching import likeness, places
from documents.searching.places import Target
from documents.searching.planning import choose
from documents.searching.questions import FUSED, GROUPED, Like, Search, Wanted
from documents.searching.statements import Near, Ranking, groups_statement, page_statement
from documents.searching.vectors import QueryVector
from documents.stored import WIDTH, StoredDocument
from mixpeek_site import sql
from mixpeek_site.errors import Fault, ValidationError
from namespaces.scope import Scope

_MOVED: Final = 3  # tries, when a collection is made anew under the same name while it is searched


@dataclass(frozen=True, slots=True)
class Found:
    """Documents, best first; each position is the score's text and the internal id."""

    rows: list[Row]
    more: bool
    total: int | None
    unknown_collections: list[str]
    unserved: bool  # for want of an index all vectors, or all documents, of a large place were looked at
    ranked_some: bool  # more documents hold the words than are ranked
    compared: bool = True  # False: no collection has vectors of that name


@dataclass(frozen=True, slots=True)
class FoundGroups:
    """Groups of the best 1,000 documents."""

    groups: list[Group]
    more: bool
    total_groups: int
    found: Found  # of the documents in the groups


@dataclass(frozen=True, slots=True)
class _Run:
    """The rows of the statement, and what its last columns say."""

    rows: list[sql.Row]
    ranking: Ranking

    @property
    def unknown(self) -> list[str] | None:
        return self.rows[0][-1]  # type: ignore[no-any-return]

    @property
    def total(self) -> int | None:
        return self.rows[0][-2]  # type: ignore[no-any-return]

    @property
    def ranked_some(self) -> bool:
        return (self.rows[0][-3] or 0) >= RANKED

    @property
    def near(self) -> int:
        return self.rows[0][-4] or 0

    @property
    def collection_id(self) -> int | None:
        return self.rows[0][-5]  # type: ignore[no-any-return]


def search(
    scope: Scope,
    asked: Search,
    *,
    limit: int,
    offset: int = 0,
    include_total: bool = False,
    vectors: Vectors = False,
    max_bytes: int,
) -> Found:
    """Documents from the best on, `limit` 1 to 1000, fewer where their JSON exceeds `max_bytes`.

    Raises NotFoundError for the namespace, the collection, when none of several collections exists, or for the document to be
    like; ValidationError for a vector that can't be compared; ServiceUnavailableError for a vector without pgvector.
    """

    def statement(ranking: Ranking) -> Texts:
        return page_statement(scope, asked.question, ranking, limit, offset, vectors)

    depth = offset + limit + 1
    fused = asked.wanted is not None and asked.question.search is not None
    run = _run(scope, asked, max(depth, FUSED) if fused else depth, include_total, statement)
    unknown = require_places(asked.question, run.unknown)
    at = [(_document(row), [row[WIDTH], row[WIDTH + 1]]) for row in run.rows if row[WIDTH + 1] is not None]
    rows, complete = whole_rows(scope, at, limit, max_bytes, vectors)
    return _found(scope, asked, run, rows, more=not complete or len(at) > limit, unknown=unknown)


def search_groups(
    scope: Scope, asked: Search, field: Field, *, limit: int, offset: int = 0, vectors: Vectors = False, max_bytes: int
) -> FoundGroups:
    """The best 1,000 documents by a field's value, groups with the best first; up to 100 documents of each.

    Raises what `search` does.
    """

    def statement(ranking: Ranking) -> Texts:
        return groups_statement(scope, asked.question, ranking, field, limit, offset, vectors)

    run = _run(scope, asked, GROUPED, False, statement)
    unknown = require_places(asked.question, run.unknown)
    groups: list[Group] = []
    rows: list[Row] = []
    size, more = 0, False
    for row in run.rows:
        score, internal_id, place, value, count = row[WIDTH : WIDTH + 5]
        if place is None:
            break
        if place > limit or (len(groups) < place and size > max_bytes):
            more = True
            break
        if len(groups) < place:
            groups.append(Group(value, int(count), []))
        if size > max_bytes:
            continue
        document = _document(row) or queries.by_internal_id(scope, internal_id, vectors)
        if document is None:
            continue  # deleted since
        size += document.json_bytes
        if size <= max_bytes or not rows:
            groups[-1].documents.append(document)
            rows.append(Row(document, [score, internal_id]))
    total = int(run.rows[0][WIDTH + 5] or 0)
    return FoundGroups(groups, more, total, _found(scope, asked, run, rows, more=more, unknown=unknown))


def _document(row: sql.Row) -> StoredDocument | None:
    return StoredDocument._make(row[:WIDTH]) if row[0] is not None else None


def _found(scope: Scope, asked: Search, run: _Run, rows: list[Row], *, more: bool, unknown: list[str]) -> Found:
    near, words = run.ranking.near, run.ranking.words
    unserved = words is not None and words.unserved
    if near is not None and not near.way.candidates and not near.way.access.gathers:
        unserved = unserved or statistics(scope, asked.question.places).documents > LARGE
    compared = near is None or bool(near.targets)
    return Found(rows, more, run.total, unknown, unserved, run.ranked_some, compared)


def _run(scope: Scope, asked: Search, depth: int, include_total: bool, statement: Callable[[Ranking], Texts]) -> _Run:
    """The statement; again with all vectors compared where an index gave less than was wanted."""
    question = asked.question
    words = plan_all(scope, question, statistics(scope, question.places)) if question.search is not None else None
    for _ in range(_MOVED):
        near = _near(scope, asked, depth) if asked.wanted is not None else None
        run = _read(scope, asked, Ranking(near, words, depth, asked.threshold, include_total), statement)
        if near is not None and _moved(near, run):
            assert question.places.collection is not None
            places.forget(scope, question.places.collection)
            continue
        if near is not None and near.way.candidates and run.near < depth and any(target.indexed for target in near.targets):
            return _read(scope, asked, replace(run.ranking, near=replace(near, way=near.way.exactly)), statement)
        return run
    raise queries.missing(scope, question.places.collection)


def _read(scope: Scope, asked: Search, ranking: Ranking, statement: Callable[[Ranking], Texts]) -> _Run:
    out = statement(ranking)
    with filters.bounded_regex(asked.question.filters):
        rows = sql.rows(out.text, out.params)
    if not rows:
        if asked.question.places.collection is not None:
            places.forget(scope, asked.question.places.collection)
        raise queries.missing(scope, asked.question.places.collection)
    return _Run(rows, ranking)


def _moved(near: Near, run: _Run) -> bool:
    """Whether the single collection is another than the one that was known by its name."""
    return run.collection_id is not None and any(target.collection.id != run.collection_id for target in near.targets)


def _near(scope: Scope, asked: Search, depth: int) -> Near:
    assert asked.wanted is not None
    extension.require()
    targets = places.targets(scope, asked.question.places, asked.wanted)
    vector, without = _vector(scope, asked.wanted, targets)
    targets = _comparable(targets, vector, asked.wanted)
    wanted = depth + (without is not None)
    indexed = any(target.indexed for target in targets)
    way = choose(scope, asked.question, wanted, indexed=indexed, alone=len(targets) == 1)
    return Near(vector, targets, way, without)


def _vector(scope: Scope, wanted: Wanted, targets: list[Target]) -> tuple[QueryVector, str | None]:
    if not isinstance(wanted.near, Like):
        return wanted.near, None
    name = targets[0].name if targets else wanted.name or ""
    return likeness.vector_of(scope, wanted.near, name)


def _comparable(targets: list[Target], vector: QueryVector, wanted: Wanted) -> list[Target]:
    """Raises ValidationError where all declare another dimension, and for zeros, which have no direction."""
    fitting = [each for each in targets if each.declared is None or each.declared.dimensions == vector.dimensions]
    if targets and not fitting:
        declared = sorted({each.declared.dimensions for each in targets if each.declared is not None})
        dimensions = " or ".join(map(str, declared))
        message = f"has {vector.dimensions} dimensions, and the vectors {targets[0].name!r} have {dimensions}"
        raise ValidationError(Fault(wanted.location, message, "vector_dimensions"))
    if vector.norm == 0 and any(each.metric == "cosine" for each in fitting):
        message = "holds only zeros, which have no direction to compare by cosine"
        raise ValidationError(Fault(wanted.location, message, "vector_zero"))
    return fitting
