"""The statement of a search: what is near, what holds the words, both fused, and the documents of a page of that.

Its CTEs, as far as they are needed: scope and c (the collections), q (the words), near and words (id, score: best first as far
as `depth`), hits (what there is to page through).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from documents import fields, filters
from documents.features import Vectors
from documents.fields import Field
from documents.listing import Question
from documents.listing.matching import Texts, add_conditions, add_found
from documents.listing.ordering import ordering
from documents.listing.planning import Plan
from documents.listing.scoping import places_cte
from documents.listing.statements import READ_AHEAD_BYTES, STORED_BYTES, add_unknown
from documents.searching import metrics
from documents.searching.places import Target
from documents.searching.planning import Way
from documents.searching.questions import GROUPED, RANK_CONSTANT
from documents.searching.vectors import QueryVector
from documents.stored import STEP_JOIN, ahead, columns
from documents.vector_indexes import VectorIndex
from documents.vector_indexes.expressions import Metric
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

MAX_MEMBERS: Final = 100
MAX_INDEXES: Final = 50
"""Collections whose indexes one statement uses; with each its planning takes longer. The vectors of others are compared."""

_LIMITS: Final = frozenset((11, 12, 21, 26, 51, 101, 201))  # constants in the statement, so that its plan is kept (listing/)


@dataclass(frozen=True, slots=True)
class Near:
    """What to compare, with what, how; `without`: the internal id of the document that is left out."""

    vector: QueryVector
    targets: Sequence[Target]
    way: Way
    without: str | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """`depth`: how many of the best near and words have. `words`: how to find those that the question's search means."""

    near: Near | None
    words: Plan | None
    depth: int
    threshold: float | None
    include_total: bool = False


def page_statement(scope: Scope, question: Question, ranking: Ranking, limit: int, offset: int, vectors: Vectors) -> Texts:
    """One row for each document of the page and the one after it: a StoredDocument's columns, its score and id, the collection's
    number, how many near has, how many words, the total, and the asked collections that do not exist.

    One row at least, unless the namespace or the collection does not exist. A document that is left out for its size has
    only score and id.
    """
    out = _begun(scope, question, ranking)
    single = question.places.collection is not None
    read = columns(collection="scope.collection" if single else "c.public_id", namespace="scope.namespace", vectors=vectors)
    out.add(f" SELECT {read}, page.score::text, page.id::text")
    _add_facts(out, question, ranking)
    out.add(
        f" FROM scope LEFT JOIN LATERAL (SELECT p.*, {ahead('p.stored_bytes', 'p.score DESC, p.id')} FROM ("
        f"SELECT d.*, h.score, {STORED_BYTES} AS stored_bytes FROM ("
    )
    _add_best(out, ranking, limit + 1, offset)
    out.add(
        ") h CROSS JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = scope.namespace_id AND d.id = h.id"
        " OFFSET 0) d) p) page ON true"
        f" LEFT JOIN LATERAL (SELECT page.* WHERE page.ahead <= {READ_AHEAD_BYTES} OFFSET 0) d ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_lineagestep l WHERE l.namespace_id = d.namespace_id AND l.id = d.id"
        f" OFFSET 0) l ON true{'' if single else ' LEFT JOIN c ON c.id = d.collection_id'} ORDER BY page.score DESC, page.id"
    )
    return out


def groups_statement(
    scope: Scope, question: Question, ranking: Ranking, field: Field, limit: int, offset: int, vectors: Vectors
) -> Texts:
    """The same by a field's values, those with the best document first; of each group, its best documents.

    Rows as `page_statement`'s, between id and facts the group's place from 1, its value, its size, and how many groups there are.
    """
    out = _begun(scope, question, ranking)
    value, value_params = fields.value(field)
    step = STEP_JOIN if field.reads_lineage else ""
    out.add(f", valued AS MATERIALIZED (SELECT h.id, h.score, {STORED_BYTES} AS stored_bytes, ")
    out.add(f"COALESCE({value}, 'null') AS value FROM (", *value_params)
    _add_best(out, ranking, GROUPED, 0)
    out.add(
        ") h CROSS JOIN scope JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = scope.namespace_id"
        f" AND d.id = h.id OFFSET 0) d ON true LEFT JOIN c ON c.id = d.collection_id{step})"
        ", groups AS MATERIALIZED (SELECT value, count(*) AS size, max(score) AS score FROM valued GROUP BY value)"
        ", picked AS MATERIALIZED (SELECT g.*, row_number() OVER (ORDER BY score DESC, value) AS place FROM"
        " (SELECT * FROM groups ORDER BY score DESC, value LIMIT %s OFFSET %s) g)"
        ", members AS (SELECT v.*, p.place, p.size, row_number()"
        " OVER (PARTITION BY p.place ORDER BY v.score DESC, v.id) AS number"
        " FROM valued v JOIN picked p ON p.value = v.value)",
        limit + 1,
        offset,
    )
    out.add(f" SELECT {columns(namespace='scope.namespace', vectors=vectors)}, page.score::text, page.id::text")
    out.add(", page.place, page.value::text, page.size, (SELECT count(*) FROM groups)")
    _add_facts(out, question, ranking)
    out.add(
        f" FROM scope LEFT JOIN LATERAL (SELECT m.*, {ahead('m.stored_bytes', 'm.place, m.number')} FROM members m"
        " WHERE m.number <= CASE WHEN m.place > %s THEN 1 ELSE %s END) page ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = scope.namespace_id AND d.id = page.id"
        f" AND page.ahead <= {READ_AHEAD_BYTES} OFFSET 0) d ON true{STEP_JOIN} LEFT JOIN c ON c.id = d.collection_id"
        " ORDER BY page.place, page.number",
        limit,
        MAX_MEMBERS,
    )
    return out


def _begun(scope: Scope, question: Question, ranking: Ranking) -> Texts:
    """WITH …, up to near and words."""
    out = Texts()
    cte, params = places_cte(scope, question.places)
    out.add(f"WITH {cte}", *params)
    if ranking.near is not None:
        out.add(", near AS MATERIALIZED (")
        _add_near(out, question, ranking.near, ranking.depth)
        out.add(")")
    if ranking.words is not None:
        order = ordering(question, {})
        out.add(", q AS (SELECT websearch_to_tsquery('simple', %s) AS words)", question.search)
        out.add(", matched AS MATERIALIZED (")
        rank = Fragment(f"d.id, {order.keys[0].text}::float8 AS score")
        add_found(out, question, ranking.words, rank, order, ranked=True)
        out.add("), words AS MATERIALIZED (SELECT id, score FROM matched")
        if ranking.near is not None and ranking.near.without is not None:
            out.add(" WHERE id <> %s::uuid", ranking.near.without)
        out.add(" ORDER BY score DESC, id LIMIT %s)", ranking.depth)
    return out


def _add_best(out: Texts, ranking: Ranking, limit: int, offset: int) -> None:
    """SELECT id, score of the best that reach the threshold."""
    if ranking.near is not None and ranking.words is not None:
        out.add(
            f"SELECT id, score FROM (SELECT r.id, sum(1::float8 / ({RANK_CONSTANT} + r.rank)) AS score FROM ("
            "SELECT id, row_number() OVER (ORDER BY score DESC, id) AS rank FROM near"
            " UNION ALL SELECT id, row_number() OVER (ORDER BY score DESC, id) FROM words) r GROUP BY r.id) fused"
        )
    else:
        out.add(f"SELECT id, score FROM {'near' if ranking.near is not None else 'words'}")
    if ranking.threshold is not None:
        out.add(" WHERE score >= %s::float8", ranking.threshold)
    if limit == ranking.depth and not (ranking.near is not None and ranking.words is not None):
        return  # they are what there is
    out.add(" ORDER BY score DESC, id").add(_limit(limit))
    if offset:
        out.add(" OFFSET %s", offset)


def _add_facts(out: Texts, question: Question, ranking: Ranking) -> None:
    out.add(", scope.collection_id" if question.places.collection is not None else ", NULL::bigint")
    out.add(", (SELECT count(*) FROM near)" if ranking.near is not None else ", NULL::bigint")
    out.add(", (SELECT count(*) FROM matched)" if ranking.words is not None else ", NULL::bigint")
    if not ranking.include_total:
        out.add(", NULL::bigint")
    elif ranking.near is None:
        out.add(", (SELECT count(*) FROM (")
        add_found(out, question, ranking.words or Plan(), Fragment("d.id"), None)
        out.add(") counted)")
    else:
        out.add(", (SELECT count(*) FROM (")
        _add_near(out, question, Near(ranking.near.vector, ranking.near.targets, ranking.near.way.exactly, ranking.near.without))
        out.add(") counted)")
    add_unknown(out, question)


def _limit(rows: int) -> Fragment:
    return Fragment(f" LIMIT {rows}") if rows in _LIMITS else Fragment(" LIMIT %s", (rows,))


# What is near ----------------------------------------------------------------------------------------------------------


def _add_near(out: Texts, question: Question, near: Near, depth: int | None = None) -> None:
    """SELECT id, score: the best `depth`, or (None) all, in no order."""
    out.add("SELECT id, score FROM (")
    wanted = None if depth is None else depth + (near.without is not None)
    branches = 0
    by_index = [target for target in near.targets if near.way.candidates and target.indexed][:MAX_INDEXES]
    for target in by_index:
        out.add(" UNION ALL " if branches else "")
        assert target.indexed is not None
        _add_by_index(out, question, near, target, target.indexed, wanted or 0)
        branches += 1
    others = sorted((target for target in near.targets if target not in by_index), key=_kind)
    for (metric, name), same in groupby(others, key=_kind):
        out.add(" UNION ALL " if branches else "")
        _add_exactly(out, question, near, metric, name, [target.collection.id for target in same], wanted)
        branches += 1
    out.add(") b" if branches else "SELECT NULL::uuid AS id, NULL::float8 AS score WHERE false) b")
    if near.without is not None:
        out.add(" WHERE b.id <> %s::uuid", near.without)
    if depth is not None:
        out.add(" ORDER BY score DESC, id").add(_limit(depth))


def _kind(target: Target) -> tuple[Metric, str]:
    return target.metric, target.name


def _scored(metric: Metric) -> str:
    """SELECT of a branch: what has no direction (a norm of 0) has no distance, and no score."""
    return f"SELECT n.id, {metrics.score(metric, 'n.distance')} AS score"


_HAS_SCORE: Final = "n.distance <> 'NaN'"


def _query(vector: QueryVector, metric: Metric) -> QueryVector:
    return vector.for_cosine() if metric == "cosine" else vector


def _add_by_index(out: Texts, question: Question, near: Near, target: Target, index: VectorIndex, wanted: int) -> None:
    """The nearest by the HNSW index; with a filter, those that pass of so many candidates.

    The collection is a literal, as in the index. `EXISTS` says that it is still one of those meant, and sets what the scan
    does for this statement alone: it is evaluated once, before the scan begins. A scan goes on (iterative_scan) where it met
    rows that are dead.
    """
    namespace_id, collection_id = target.collection
    candidates = near.way.candidates
    filtered = question.filters is not None or question.partition is not None
    out.add(f"({_scored(target.metric)} FROM (")
    if filtered:
        out.add(f"SELECT x.id, x.distance FROM (SELECT * FROM c WHERE c.id = {collection_id:d}) c CROSS JOIN LATERAL (")
    out.add(
        f"SELECT f.document_id AS id, {index.expression} {index.operator} %s::vector AS distance FROM documents_feature f"
        f" WHERE f.namespace_id = {namespace_id:d} AND {index.predicate}"
        f" AND EXISTS (SELECT FROM c WHERE c.namespace_id = {namespace_id:d} AND c.id = {collection_id:d}"
        f" AND set_config('hnsw.ef_search', '{candidates:d}', true) IS NOT NULL"
        " AND set_config('hnsw.iterative_scan', 'relaxed_order', true) IS NOT NULL) ORDER BY distance",
        _query(near.vector, target.metric),
    )
    out.add(f" LIMIT {candidates:d}" if filtered else _limit(wanted))
    if filtered:
        out.add(") x CROSS JOIN LATERAL (SELECT FROM documents_document d")
        out.add(STEP_JOIN if filters.reads_lineage(question.filters) else "")
        out.add(" WHERE d.namespace_id = c.namespace_id AND d.id = x.id")
        add_conditions(out, question)
        out.add(" OFFSET 0) d ORDER BY x.distance").add(_limit(wanted))
    out.add(f") n WHERE {_HAS_SCORE})")


def _add_exactly(
    out: Texts, question: Question, near: Near, metric: Metric, name: str, collections: list[int], wanted: int | None
) -> None:
    """Compared with every vector of the name: of the documents that an index finds for the filter, or else of all, nearest first,
    until enough of them pass the filter. Vectors of another dimension are passed over."""
    numbers = ",".join(map(str, sorted(collections)))
    source = f"(SELECT * FROM c WHERE c.id = ANY('{{{numbers}}}'::bigint[])) c"
    vector = _query(near.vector, metric)
    distance = Fragment(
        f"CASE WHEN vector_dims(f.embedding) = {vector.dimensions:d} THEN f.embedding {metrics.operator(metric)} %s::vector END"
        " AS distance",
        (vector,),
    )
    of_name = Fragment("f.kind = 'dense' AND f.name = %s", (name,))
    out.add(f"({_scored(metric)} FROM (")
    if near.way.access.gathers:
        out.add("SELECT m.id, v.distance FROM (")
        asked = Question(question.places, question.filters, partition=question.partition)
        add_found(out, asked, near.way.access, Fragment("d.id, d.namespace_id"), None, source=source)
        out.add(") m CROSS JOIN LATERAL (SELECT ").add(distance)
        out.add(" FROM documents_feature f WHERE f.namespace_id = m.namespace_id AND f.document_id = m.id AND ").add(of_name)
        out.add(" OFFSET 0) v")
    else:
        out.add("SELECT x.id, x.distance FROM (SELECT f.document_id AS id, c.namespace_id, c.id AS collection, c.public_id, ")
        out.add(distance).add(f" FROM {source} CROSS JOIN LATERAL (SELECT * FROM documents_feature f")
        out.add(" WHERE f.namespace_id = c.namespace_id AND f.collection_id = c.id AND ").add(of_name)
        filtered = question.filters is not None or question.partition is not None
        out.add(") f ORDER BY distance) x" if filtered else ") f) x")
        if filtered:
            out.add(
                " CROSS JOIN LATERAL (SELECT x.namespace_id, x.collection AS id, x.public_id) c"
                " CROSS JOIN LATERAL (SELECT FROM documents_document d"
            )
            out.add(STEP_JOIN if filters.reads_lineage(question.filters) else "")
            out.add(" WHERE d.namespace_id = c.namespace_id AND d.id = x.id")
            add_conditions(out, question)
            out.add(" OFFSET 0) d")
    out.add(f") n WHERE {_HAS_SCORE}")
    if wanted is not None:
        out.add(" ORDER BY n.distance, n.id").add(_limit(wanted))
    out.add(")")
