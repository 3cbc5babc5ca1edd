"""Statements that use the expressions of `payload_indexes.ready` are served by the indexes, whatever the path is called."""

from typing import Any, NamedTuple

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents.fields import read_field
from documents.payload_indexes import Ready, declare
from documents.payload_indexes.expressions import Kind
from documents.payload_indexes.registry import forget, ready
from mixpeek_site import sql
from mixpeek_site.jsonio import JSONObject, dumps
from namespaces import services
from namespaces.models import Collection, Namespace
from tests import cast
from tests.payload_indexes import build

pytestmark = pytest.mark.django_db

ROWS = 20_000


class Place(NamedTuple):
    namespace: int
    collection: int

    def ready(self, field: str, kind: Kind = "order") -> Ready:
        forget()
        return ready(self.namespace)[read_field(field, ()).steps, kind]


@pytest.fixture
def place() -> Place:
    api = cast.api()
    collection = cast.collection(api)
    services.update_namespace(
        scope=api.scope,
        config={
            "payload_indexes": [
                {"field_name": "n", "type": "integer"},
                {"field_name": "made", "type": "datetime"},
                {"field_name": "text", "type": "text"},
            ]
        },
    )
    return Place(Namespace.objects.get(public_id=api.namespace).pk, Collection.objects.get(public_id=collection).pk)


def fill(place: Place, payload: str, rows: int = ROWS) -> None:
    """Documents with this payload: SQL over the number `i`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata,
                system, source_blobs, document_blobs, version)
            SELECT gen_random_uuid(), %s, %s, 'doc_' || i, {payload}, '{{}}', '{{}}', '[]', '[]', 1
            FROM generate_series(1, {rows}) i
            """,
            [*place],
        )


@pytest.fixture
def filled(place: Place) -> Place:
    with connection.cursor() as cursor:  # which take seconds to fill, and serve nothing here
        cursor.execute("DROP INDEX document_terms")
    fill(
        place,
        "jsonb_build_object('n', i %% 5000, 'made', to_char('2020-01-01'::date + i, 'YYYY-MM-DD'),"
        " 'text', 'word' || i || ' common')",
    )
    build()
    return place


def explained(statement: str, *params: Any) -> str:
    """The plan of a prepared statement: the same whether PostgreSQL knows the parameters or not."""
    plans = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL plan_cache_mode = {mode}")
        found = sql.rows("EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) " + statement, params)
        plans.append("\n".join(row[0] for row in found))
    assert plans[0].count(INDEX) == plans[1].count(INDEX), plans
    return plans[1]


INDEX = " document_payload_"
IN_PLACE = "d.namespace_id = %s AND d.collection_id = %s"


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_a_sorted_page_walks_the_index(filled: Place, direction: str) -> None:
    at = filled.ready("n")
    plan = explained(
        f"SELECT d.document_id FROM documents_document d WHERE {IN_PLACE} AND {at.value} IS NOT NULL"
        f" ORDER BY {at.key} {direction}, {at.value} {direction}, d.id {direction} LIMIT 50",
        *filled,
    )
    scan = "Index Scan Backward" if direction == "DESC" else "Index Scan"
    assert "Incremental Sort" in plan
    assert f"{scan} using document_payload_" in plan


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_a_page_by_key_and_id_is_not_sorted_at_all(filled: Place, direction: str) -> None:
    """The order by value, too, as long as no key on the page is cut: documents_order_cut."""
    at = filled.ready("n")
    plan = explained(
        f"SELECT d.document_id, documents_order_cut({at.key}) FROM documents_document d"
        f" WHERE {IN_PLACE} AND {at.value} IS NOT NULL ORDER BY {at.key} {direction}, d.id {direction} LIMIT 50",
        *filled,
    )
    assert "Sort" not in plan
    assert "using document_payload_" in plan


def test_a_range_is_a_range_of_the_index(filled: Place) -> None:
    at = filled.ready("n")
    plan = explained(
        f"SELECT d.document_id FROM documents_document d WHERE {IN_PLACE}"
        f" AND {at.key} >= %s::jsonb AND {at.key} < %s::jsonb ORDER BY {at.key}, d.id LIMIT 50",
        *filled,
        "4990",
        "true",
    )
    assert "using document_payload_" in plan
    assert "Index Cond: ((namespace_id = " in plan
    assert "Rows Removed" not in plan


def test_an_equality_is_found_in_the_index(filled: Place) -> None:
    at = filled.ready("n")
    statement = f"SELECT d.document_id FROM documents_document d WHERE {IN_PLACE} AND {at.key} = %s::jsonb"
    assert INDEX in explained(statement, *filled, "17")
    assert sorted(row[0] for row in sql.rows(statement, (*filled, "17"))) == ["doc_10017", "doc_15017", "doc_17", "doc_5017"]


def test_times_are_found_in_their_index(filled: Place) -> None:
    at = filled.ready("made", "time")
    statement = (
        f"SELECT d.document_id FROM documents_document d WHERE {IN_PLACE}"
        f" AND {at.key} >= %s::timestamptz AND {at.key} < %s::timestamptz"
    )
    times = ("2020-01-10T00:00Z", "2020-01-12T00:00Z")
    assert INDEX in explained(statement, *filled, *times)
    assert sorted(row[0] for row in sql.rows(statement, (*filled, *times))) == ["doc_10", "doc_9"]


def test_words_are_found_in_their_index(filled: Place) -> None:
    at = filled.ready("text", "words")
    statement = (
        f"SELECT d.document_id FROM documents_document d WHERE {IN_PLACE} AND {at.value} IS NOT NULL"
        f" AND {at.key} @@ documents_field_query(%s, plainto_tsquery('simple', %s))"
    )
    params = (*filled, filled.collection, "COMMON word77")
    assert "Bitmap Index Scan on document_payload_" in explained(statement, *params)
    assert sql.rows(statement, params) == [("doc_77",)]


def test_a_value_with_too_many_words_is_always_looked_at(place: Place) -> None:
    fill(place, "jsonb_build_object('text', repeat('many ', 60000))", rows=1)
    build()
    at = place.ready("text", "words")
    statement = (
        f"SELECT count(*) FROM documents_document d WHERE {IN_PLACE} AND {at.value} IS NOT NULL"
        f" AND {at.key} @@ documents_field_query(%s, plainto_tsquery('simple', 'other'))"
    )
    assert sql.one(statement, (*place, place.collection)) == (1,)
    assert sql.one(statement, (*place, place.collection + 1)) == (0,)


def test_a_step_into_an_array_is_served(place: Place) -> None:
    declare(place.namespace, [{"field_name": "list.0", "type": "keyword"}])
    fill(place, "jsonb_build_object('list', jsonb_build_array(i, 'b'))", rows=500)
    build()
    at = place.ready("list.0")
    statement = f"SELECT d.document_id FROM documents_document d WHERE {IN_PLACE} AND {at.key} = %s::jsonb"
    assert INDEX in explained(statement, *place, "123")
    assert sql.rows(statement, (*place, "123")) == [("doc_123",)]


KEYS = st.sampled_from(["a", "b", "0", "1", "01", "-1", "1000000000", ""])
DOCUMENTS = st.recursive(
    st.sampled_from([None, 0, "a", True]), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, DOCUMENTS, max_size=3), st.lists(KEYS, min_size=1, max_size=4))
def test_a_path_with_numbers_leads_an_index_where_it_leads_everything(document: JSONObject, steps: list[str]) -> None:
    short, long = "COALESCE(documents_straight(d, s), documents_reached(d, s))", "documents_reached(d, s)"
    statement = f"SELECT {short} = {long}, {short}, {long} FROM (SELECT %s::jsonb, %s::text[]) AS x(d, s)"
    row = sql.one(statement, (dumps(document), steps))
    assert row is not None
    assert row[0], row


HOSTILE = [
    "/a.b",
    "/d.payload",
    "/%s",
    "/100%",
    "/it's",
    '/"',
    "/\\",
    "/\\'; DROP TABLE documents_document; --",
    "/$$",
    "/{}",
    "/a,b",
    "/NULL",
    "/collection_id",
    "/\n\t\x01",
    "/é𝄞",
    "/?",
    "/ ",
    "/",
    "/a~1b~0c",
    'it\'s.100%."x"\\',
    '/it\'s/0/%s/"x"\\',
    "/{a,b}/1/NULL",
    "x" * 255,
    ".".join("a" * 63),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_names(place: Place, name: str) -> None:
    field = read_field(name, ())
    document: Any = "found"
    for step in reversed(field.steps):
        document = {step: document}
    declare(place.namespace, [{"field_name": name, "type": type} for type in ("keyword", "text")])
    fill(place, "'{}'", rows=300)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE documents_document SET payload = %s WHERE document_id = 'doc_7'", [dumps(document)])
    build()
    at = place.ready(name)
    statement = f"SELECT d.document_id, {at.value} FROM documents_document d WHERE {IN_PLACE} AND {at.key} = %s::jsonb"
    params = (*place, '"found"')
    assert "Index Cond" in explained(statement, *params)
    assert sql.rows(statement, params) == [("doc_7", '"found"')]
    words = place.ready(name, "words")
    statement = (
        f"SELECT d.document_id FROM documents_document d WHERE {IN_PLACE} AND {words.value} IS NOT NULL"
        f" AND {words.key} @@ documents_field_query(%s, 'found')"
    )
    assert sql.rows(statement, (*place, place.collection)) == [("doc_7",)]
