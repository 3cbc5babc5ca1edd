"""Lists take the index that serves them: EXPLAIN of the statements that are really sent, on real statistics.

Each is asked of PostgreSQL as it plans with the parameters at hand, and as it plans for any.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.adapt import PyFormat, Transformer

from documents.api.list_inputs import read_listing
from documents.api.listing import answer
from documents.fields import read_field
from documents.filters import read_filters
from documents.listing import Places, Question, Sort, holds_many, planning, read_newest
from documents.listing.access import Term, accesses
from documents.listing.statistics import Sample, Statistics, forget, share_of_any, statistics
from documents.models import PayloadIndex
from documents.payload_indexes import declare, registry
from documents.payload_indexes.expressions import index_name
from mixpeek_site import sql
from mixpeek_site.sql import Fragment
from namespaces.models import Namespace
from tests import cast
from tests.cast import Api
from tests.payload_indexes import build
from tests.server import remove_committed

ROWS = 30_000
OTHERS = 6_000


@dataclass(frozen=True)
class Filled:
    """`collection` has ROWS documents, among them common, rare and absent values; beside it two smaller ones."""

    api: Api
    collection: str
    other: str


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[Filled]:
    with django_db_blocker.unblock():
        api = cast.api()
        places = [cast.collection(api) for _ in range(3)]
        elsewhere = cast.api()
        fill(api, places[0], "main", ROWS)
        fill(api, places[1], "other", OTHERS)
        fill(elsewhere, cast.collection(elsewhere), "foreign", OTHERS)
        declared = [{"field_name": "num", "type": "integer"}, {"field_name": "*", "type": "text"}]
        declare(Namespace.objects.get(public_id=api.namespace).pk, declared)
        build()
        forget()
        registry.forget()
        yield Filled(api, places[0], places[1])
        remove_committed()
        with connection.cursor() as cursor:
            for index in PayloadIndex.objects.all():
                cursor.execute(f"DROP INDEX {index_name(index.pk)}")
                index.delete()
        forget()
        registry.forget()


def fill(api: Api, collection: str, prefix: str, rows: int) -> None:
    """Made by SQL, with the indexes made anew and counted as a load is."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")  # that of the foreign key, which may be of an empty table
        cursor.execute(
            """
            WITH place AS (
                SELECT namespace_id, id FROM namespaces_collection WHERE public_id = %(collection)s
            ), made AS (
                INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata,
                    system, source_blobs, document_blobs, version, created_at, updated_at)
                SELECT gen_random_uuid(), place.namespace_id, place.id, %(prefix)s || '_' || i,
                    jsonb_build_object('n', i, 'num', i, 'even', i %% 2 = 0,
                        'kind', CASE WHEN i %% 3 = 0 THEN 'Common' ELSE 'Usual' END,
                        'code', 'Code ' || i / 4, 'tags', jsonb_build_array('all', 'tag ' || i %% 1000),
                        'text', 'word ' || CASE WHEN i %% 10000 = 7 THEN 'seldom' ELSE 'often' END
                            || CASE WHEN i %% 50 = 3 THEN ' middling' ELSE '' END),
                    jsonb_build_object('rank', i %% 5000), '{}', '[]', '[]', 1,
                    '2024-01-01Z'::timestamptz + i * interval '1 s', '2024-06-01Z'::timestamptz - i * interval '1 s'
                FROM place, generate_series(1, %(rows)s) i
                RETURNING id, namespace_id, collection_id, (payload ->> 'n')::integer AS i, created_at
            ), steps AS (
                INSERT INTO documents_lineagestep (id, namespace_id, collection_id, source_type, source_object_id,
                    root_object_id, path, tier, created_at)
                SELECT id, namespace_id, collection_id, 'bucket', 'obj_' || i / 4,
                    CASE WHEN i BETWEEN 1000 AND 5000 AND i %% 2 = 0 THEN 'Obj_Large' ELSE 'obj_' || i / 4 END,
                    'bkt/col', 1, created_at
                FROM made
            )
            INSERT INTO documents_documentcount (namespace_id, collection_id, delta)
            SELECT namespace_id, collection_id, count(*) FROM made GROUP BY namespace_id, collection_id
            """,
            {"collection": collection, "prefix": prefix, "rows": rows},
        )
        for table in ("documents_document", "documents_lineagestep", "documents_documentcount"):
            cursor.execute(f"VACUUM ANALYZE {table}")


LIST: dict[str, dict[str, Any]] = {
    "in creation order": {},
    "newest first": {"sort": {"field": "created_at", "direction": "desc"}},
    "by update": {"sort": {"field": "updated_at"}},
    "latest update first": {"sort": {"field": "updated_at", "direction": "desc"}},
}
RARE: dict[str, dict[str, Any]] = {
    "a rare value": {"code": "code 77"},
    "an absent value": {"code": "nowhere"},
    "a rare number": {"n": 4711},
    "a rare element": {"tags": "TAG 77"},
    "an absent path": {"a.b.c": True},
    "one of several": {"field": "code", "operator": "in", "value": ["code 1", "code 2", "nothing"]},
    "rare and common": {"AND": [{"code": "code 77"}, {"field": "kind", "value": "common"}]},
    "rare or rare": {"OR": [{"field": "code", "value": "code 77"}, {"field": "n", "value": 5}]},
    "rare metadata": {"internal_metadata.rank": 17},
    "an id": {"document_id": "MAIN_77"},
    "a rare element by its place": {"tags.1": "tag 77"},
}
COMMON: dict[str, dict[str, Any]] = {
    "a common value": {"kind": "usual"},
    "a common boolean": {"even": True},
    "a common element": {"tags": "all"},
    "one of common ones": {"field": "kind", "operator": "in", "value": ["common", "usual"]},
    "common or rare": {"OR": [{"kind": "usual"}, {"code": "code 77"}]},
    "common lineage": {"source_type": "bucket"},
    "none of the indexes'": {"field": "n", "operator": "gt", "value": 10},
    "not a rare one": {"NOT": [{"code": "code 77"}]},
}
ROOTS: dict[str, dict[str, Any]] = {
    "a root": {"root_object_id": "OBJ_77"},
    "an absent root": {"root_object_id": "nothing"},
    "a root in its own case": {"field": "root_object_id", "value": "obj_77", "case_sensitive": True},
}
LARGE_ROOT = {"root_object_id": "obj_LARGE"}
LINEAGE: dict[str, dict[str, Any]] = {
    "one of some": {"field": "source_object_id", "operator": "in", "value": ["obj_1", "obj_2"]},
}


def sent(filled: Filled, body: dict[str, Any], *, everywhere: bool = False) -> tuple[str, list[Any], Any]:
    """The statement of a list with its parameters, and its answer."""
    collection = None if everywhere else filled.collection
    found: list[tuple[str, list[Any]]] = []
    rows = sql.rows

    def noted(statement: str, params: Any = ()) -> list[sql.Row]:
        if " page " in statement:
            found.append((statement, list(params)))
        return rows(statement, params)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sql, "rows", noted)
        answered = answer(read_listing({}, body, filled.api.scope, collection), filled.api.scope)
    assert len(found) == 1
    return *found[0], answered


def plans(statement: str, params: list[Any]) -> list[str]:
    """With parameters known and unknown. Prepared by hand, as EXPLAIN of a prepared statement alone shows the second."""
    driver = connection.connection
    transformer = Transformer(driver)
    transformer.dump_sequence(params, [PyFormat.AUTO] * len(params))
    numbers = iter(range(1, len(params) + 1))
    text = re.sub(r"%%|%s", lambda found: "%" if found[0] == "%%" else f"${next(numbers)}", statement)
    found = []
    with psycopg.ClientCursor(driver) as cursor:
        types = ", ".join(
            row[0]
            for row in cursor.execute(
                "SELECT CASE oid WHEN 0 THEN 'unknown' ELSE oid::regtype::text END FROM unnest(%s::oid[]) AS t(oid)",
                [list(transformer.types or ())],
            )
        )
        prepared = f"PREPARE asked{f'({types})' if types else ''} AS {text}".replace("%", "%%")
        cursor.execute(prepared, [])
        for mode in ("force_custom_plan", "force_generic_plan"):
            cursor.execute(f"SET LOCAL plan_cache_mode = {mode}")
            given = ", ".join(["%s"] * len(params))
            rows = cursor.execute(
                f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF) EXECUTE asked{f'({given})' if params else ''}", params
            )
            found.append("\n".join(row[0] for row in rows))
        cursor.execute("DEALLOCATE asked")
    return found


def check(filled: Filled, body: dict[str, Any], index: str, *, everywhere: bool = False, visited: int = 600) -> None:
    """The index is used, no table is read from end to end, and no step of the plan meets more rows than `visited`."""
    statement, params, _ = sent(filled, body, everywhere=everywhere)
    for plan in plans(statement, params):
        assert f" {index}" in plan, plan
        assert not re.search(r"Seq Scan on documents_(document|lineagestep)\b", plan), plan
        assert most(plan) <= visited, plan


def most(plan: str) -> int:
    """Rows that one step of a plan produced or threw away, all its loops together."""
    made = [int(rows.split(".")[0]) * int(loops) for rows, loops in re.findall(r"actual rows=([\d.]+) loops=(\d+)", plan)]
    return max(made + [int(rows) for rows in re.findall(r"Rows Removed by \w[\w ]*: (\d+)", plan)])


pytestmark = pytest.mark.django_db
by_order = pytest.mark.parametrize("order", LIST.values(), ids=LIST)


def index_of(order: dict[str, Any]) -> str:
    return "document_collection_updated" if "updated" in str(order) else "document_collection_created"


@by_order
def test_a_page_is_read_along_the_index_of_its_order(filled: Filled, order: dict[str, Any]) -> None:
    check(filled, {**order, "limit": 50}, index_of(order))
    check(filled, {**order, "limit": 50, "include_total": True}, index_of(order))
    cursor = re.search(r'"next_cursor":"([^"]+)"', sent(filled, {**order, "limit": 500})[2])
    assert cursor
    check(filled, {**order, "limit": 50, "cursor": cursor[1]}, index_of(order), visited=60)
    check(filled, {**order, "limit": 50}, index_of(order), everywhere=True)
    check(filled, {**order, "limit": 50, "cursor": None, "include_total": True}, index_of(order), everywhere=True)
    check(filled, {**order, "collection_ids": [filled.collection, filled.other]}, index_of(order), everywhere=True)


@pytest.mark.parametrize("filters", RARE.values(), ids=RARE)
def test_rare_values_are_found_by_the_index_of_terms(filled: Filled, filters: dict[str, Any]) -> None:
    for order in LIST.values():
        check(filled, {**order, "filters": filters, "limit": 50}, "document_terms", visited=100)


@pytest.mark.parametrize("filters", RARE.values(), ids=RARE)
def test_rare_values_are_found_whatever_else_is_asked(filled: Filled, filters: dict[str, Any]) -> None:
    for more in (
        {"sort": {"field": "text"}},
        {"group_by": "kind"},
        {"include_total": True},
        {"partition": {"index": 0, "count": 3}},
        {"offset": 20},
    ):
        check(filled, {"filters": filters, **more}, "document_terms", visited=100)
    check(filled, {"filters": filters}, "document_terms", everywhere=True, visited=100)
    check(
        filled,
        {"filters": filters, "collection_ids": [filled.collection, filled.other]},
        "document_terms",
        everywhere=True,
        visited=100,
    )


@by_order
@pytest.mark.parametrize("filters", LINEAGE.values(), ids=LINEAGE)
def test_lineage_is_found_by_its_own_index(filled: Filled, filters: dict[str, Any], order: dict[str, Any]) -> None:
    check(filled, {**order, "filters": filters, "include_total": True}, "lineage_terms", visited=100)
    check(filled, {**order, "filters": filters}, "lineage_terms", everywhere=True, visited=100)


@by_order
@pytest.mark.parametrize("filters", ROOTS.values(), ids=ROOTS)
def test_documents_of_a_root_are_found_by_an_index_of_roots(
    filled: Filled, filters: dict[str, Any], order: dict[str, Any]
) -> None:
    for more in ({"limit": 50}, {"limit": 50, "include_total": True}, {"limit": 50, "offset": 20}):
        check(filled, {**order, "filters": filters, **more}, "lineage_root_created", visited=100)
        check(filled, {**order, "filters": filters, **more}, "lineage_root_created", everywhere=True, visited=100)


def test_a_large_root_is_counted_by_its_index(filled: Filled) -> None:
    check(filled, {"filters": LARGE_ROOT, "limit": 50, "include_total": True}, "lineage_root_created", visited=2001)


@pytest.mark.parametrize("order", ["in creation order", "newest first"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"kind": "usual"},
        {"field": "created_at", "operator": "gte", "value": "2024-01-01T00:30:00Z"},
        {"field": "n", "operator": "gt", "value": 10},
    ],
    ids=["all", "common value", "from a time on", "served by no index"],
)
def test_a_large_root_costs_what_a_page_of_it_does(filled: Filled, order: str, more: dict[str, Any]) -> None:
    """Its documents were made at one time, far from either end of the order."""
    asked = {**LIST[order], "filters": {"AND": [LARGE_ROOT, more]} if more else LARGE_ROOT}
    cursor = re.search(r'"next_cursor":"([^"]+)"', sent(filled, {**asked, "limit": 500})[2])
    assert cursor
    for place in ({}, {"cursor": cursor[1]}):
        check(filled, {**asked, **place, "limit": 50}, "lineage_root_created", visited=110)
    check(filled, {**asked, "limit": 50}, "lineage_root_created", everywhere=True, visited=310)


def test_what_is_rarer_than_the_root_is_found_by_its_own_index(filled: Filled) -> None:
    for rare in ({"document_id": "MAIN_2000"}, {"code": "code 500"}):
        check(filled, {"filters": {"AND": [LARGE_ROOT, rare]}}, "document_terms", visited=100)


def test_pages_of_a_root_go_through_all_of_its_documents(filled: Filled) -> None:
    newest = [f"main_{number}" for number in range(5000, 999, -2)]
    for order, expected in (("newest first", newest), ("in creation order", newest[::-1])):
        found, cursor = [], None
        while True:
            body = {**LIST[order], "filters": LARGE_ROOT, "limit": 700, "cursor": cursor, "select": ["document_id"]}
            found += re.findall(r'"document_id":"(main_[0-9]+)"', page := sent(filled, body)[2])
            more = re.search(r'"next_cursor":"([^"]+)"', page)
            if not more:
                break
            cursor = more[1]
        assert found == expected


@by_order
@pytest.mark.parametrize("filters", COMMON.values(), ids=COMMON)
def test_common_values_are_met_along_the_order(filled: Filled, filters: dict[str, Any], order: dict[str, Any]) -> None:
    check(filled, {**order, "filters": filters, "limit": 50}, index_of(order))
    statement, _, _ = sent(filled, {**order, "filters": filters, "limit": 50})
    assert "matched" not in statement


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_declared_field_is_sorted_by_its_index(filled: Filled, direction: str) -> None:
    order = {"sort": {"field": "num", "direction": direction}}
    for filters in (None, *COMMON.values()):
        check(filled, {**order, "limit": 50, "filters": filters}, "document_payload_")
    cursor = re.search(r'"next_cursor":"([^"]+)"', sent(filled, {**order, "limit": 500})[2])
    assert cursor
    check(filled, {**order, "limit": 50, "cursor": cursor[1]}, "document_payload_", visited=60)
    check(filled, {**order, "limit": 50}, "document_payload_", everywhere=True)
    for rare in RARE.values():
        check(filled, {**order, "limit": 50, "filters": rare}, "document_terms", visited=100)


@by_order
def test_a_range_of_a_declared_field_is_found_by_its_index(filled: Filled, order: dict[str, Any]) -> None:
    for operator, value in (("lte", 17), ("lt", 9.5), ("gt", 29_970), ("gte", 10**6)):
        filters = {"field": "num", "operator": operator, "value": value}
        check(filled, {**order, "filters": filters}, "document_payload_", visited=100)
        check(filled, {**order, "filters": filters, "include_total": True}, "document_payload_", everywhere=True, visited=100)


@by_order
def test_a_narrow_range_in_the_midst_is_found_by_its_index(filled: Filled, order: dict[str, Any]) -> None:
    """Each bound alone leaves very many."""
    for least, most in ((15_000, 15_010), (9_999.5, 10_000), (15_010, 15_000)):
        bounds = [{"field": "num", "operator": "gte", "value": least}, {"field": "num", "operator": "lt", "value": most}]
        for filters in ({"AND": bounds}, {"AND": [*bounds, {"kind": "usual"}]}, {"AND": [{"AND": bounds}]}):
            check(filled, {**order, "filters": filters}, "document_payload_", visited=100)


@pytest.mark.parametrize("search", ["seldom", "word seldom", '"word seldom"', "nowhere", "seldom or nowhere"])
def test_words_are_found_by_their_index(filled: Filled, search: str) -> None:
    for more in ({}, {"sort": {"field": "created_at"}}, {"group_by": "kind"}, {"include_total": True}):
        check(filled, {"search": search, **more}, "document_payload_", visited=100)
    check(filled, {"search": search, "filters": {"kind": "usual"}}, "document_payload_", visited=100)
    check(filled, {"search": search}, "document_payload_", everywhere=True, visited=100)


HELD = {"often": lambda i: i % 10_000 != 7, "middling": lambda i: i % 50 == 3, "word -middling": lambda i: i % 50 != 3}
"""Words that many documents of the large collection hold, and which."""
NEWEST, OLDEST = (Sort(read_field("created_at", ()), descending) for descending in (True, False))


def newest(filled: Filled, words: str, sort: Sort = NEWEST, position: Any = None, where: Any = None, limit: int = 50) -> Any:
    node = read_filters(where, ("body",)) if where else None
    question = Question(Places(filled.collection), node, words, sort)
    return read_newest(filled.api.scope, question, ["d.document_id"], limit=limit, position=position)


def numbers(lines: Any) -> list[int]:
    return [int(row.values[0].removeprefix("main_")) for row in lines.rows]


@pytest.mark.parametrize("words", HELD)
@pytest.mark.parametrize("where", [None, {"kind": "usual"}, {"code": "code 77"}], ids=["all", "common", "rare"])
def test_words_that_many_hold_are_paged_by_time_in_either_direction(filled: Filled, words: str, where: Any) -> None:
    expected = [
        i for i in range(ROWS, 0, -1) if HELD[words](i) and (where is None or (i % 3 if "kind" in where else i // 4 == 77))
    ]
    first = newest(filled, words, where=where)
    assert (numbers(first), first.more) == (expected[:50], len(expected) > 50)
    if first.more:
        second = newest(filled, words, position=first.rows[-1].position, where=where)
        assert numbers(second) == expected[50:100]
        back = newest(filled, words, OLDEST, second.rows[0].position, where=where)
        assert (numbers(back), back.more) == (expected[:50][::-1], False)


@pytest.mark.parametrize("share", [1e-6, 0.02, 1.0])
@pytest.mark.parametrize("words", ["seldom", "middling", "often", "nowhere"])
def test_wrong_statistics_of_words_change_no_answer(
    filled: Filled, words: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = newest(filled, words, limit=100)
    monkeypatch.setattr("documents.listing.newest.share_of_words", lambda words: share)
    assert newest(filled, words, limit=100) == right


def test_a_walk_that_takes_too_long_is_given_up_for_the_indexes(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    right = newest(filled, "middling")
    monkeypatch.setattr("documents.listing.newest.COMMON", 0.0)
    monkeypatch.setattr(
        "documents.listing.newest._along_the_order",
        lambda page: Fragment("SELECT pg_sleep(2)::text AS created_at, gen_random_uuid() AS id"),
    )
    assert newest(filled, "middling") == right


def test_whether_many_hold_words_is_looked_up_to_a_bound(filled: Filled) -> None:
    def many(words: str, bound: int = 300, **more: Any) -> bool:
        return holds_many(filled.api.scope, Question(Places(filled.collection), search=words, **more), bound)

    assert [many(words) for words in ("often", "middling", "seldom", "nowhere", "-")] == [True, True, False, False, False]
    assert [many("middling", bound) for bound in (599, 600)] == [True, False]
    assert not many("often", filters=read_filters({"code": "code 77"}, ("body",)))


def test_a_slice_of_the_order_is_read_with_the_index_of_words(filled: Filled) -> None:
    asked: list[tuple[str, Any]] = []
    rows = sql.rows

    def noted(statement: str, params: Any = ()) -> list[sql.Row]:
        asked.append((statement, params))
        return rows(statement, params)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sql, "rows", noted)
        newest(filled, "middling")
    statement, params = asked[-1]
    plan = "\n".join(row[0] for row in sql.rows(f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF) {statement}", params))
    assert "BitmapAnd" in plan
    assert "document_payload_" in plan
    assert not re.search(r"Seq Scan on documents_document", plan), plan
    assert all(int(met) <= 200 for met in re.findall(r"Bitmap Heap Scan on documents_document.*actual rows=(\d+)", plan)), plan


def test_a_search_of_another_namespace_is_not_met(filled: Filled) -> None:
    foreign = cast.api()
    other = Filled(foreign, cast.collection(foreign), "")
    check(other, {"search": "word"}, "document_", visited=10)
    check(other, {"filters": {"kind": "usual"}, "sort": {"field": "n"}}, "document_", visited=10)


@pytest.mark.parametrize("wanted", [11, 51, 1001])
def test_statistics_choose_the_index_for_rare_values_and_the_walk_for_common_ones(filled: Filled, wanted: int) -> None:
    places = Places(filled.collection)
    known = statistics(filled.api.scope, places)
    assert known.documents == ROWS
    assert [size for size, _ in known.samples] == [ROWS]

    def by_index(filters: Any, *, wanted: int | None = wanted) -> bool:
        node = read_filters(filters, ("body", "filters"))
        return planning.plan(filled.api.scope, places, node, known, wanted=wanted).gathers

    for filters in (*RARE.values(), *LINEAGE.values(), ROOTS["a root"], ROOTS["an absent root"]):
        assert by_index(filters), filters
        assert by_index(filters, wanted=None), filters
    for filters in COMMON.values():
        assert not by_index(filters), filters


@pytest.mark.parametrize(("value", "share"), [("common", 1 / 3), ("usual", 2 / 3), ("nowhere", 0)])
def test_a_sample_tells_how_common_a_value_is(filled: Filled, value: str, share: float) -> None:
    places = Places(filled.collection)
    known = statistics(filled.api.scope, places)
    node = read_filters({"kind": value}, ("body", "filters"))
    (access,) = accesses(node, lambda condition: None)
    assert known.frequency(access.alternatives[0]) == pytest.approx(share, abs=0.08)


def test_a_list_of_ids_is_taken_to_be_as_rare_as_ids_are() -> None:
    sample = Sample(2000, Counter(), 0.0, 1_000_000)
    known = Statistics(1_000_000, 1, ((1_000_000, sample),))
    ids = [Term("d.document_id", (), f"doc_{number}") for number in range(100)]
    values = [Term("d.payload", ("site",), f"site_{number}") for number in range(100)]
    assert share_of_any(known, ids) == pytest.approx(0.0001)
    assert share_of_any(known, values) == pytest.approx(0.025)
