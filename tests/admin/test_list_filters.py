"""The list of documents: its filters, searches and orders, and what it says where something is wrong."""

from datetime import UTC, datetime
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils.html import escape

from documents.admin import listed
from documents.listing import statistics
from documents.payload_indexes import registry
from mixpeek_site import sql
from namespaces.models import Collection, StaffBinding, StaffNamespace
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place
from tests.admin.test_lists import following, ids

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> None:
    statistics.forget()
    registry.forget()


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    return Place()


def listing(client: Client, place: Place, code: int = 200, /, **query: Any) -> str:
    return staff.get(client, f"/documents/document/?{urlencode({'namespace': place.pk, **query})}", code)


def found(client: Client, place: Place, **query: Any) -> list[str]:
    return ids(listing(client, place, **query))


def with_status(place: Place, document_id: str, status: str, **body: Any) -> None:
    place.document(document_id, internal_metadata={"ingestion_status": status}, **body)


def test_documents_are_found_by_status(client: Client, place: Place) -> None:
    with_status(place, "doc_good", "COMPLETED")
    with_status(place, "doc_bad", "FAILED")
    place.document("doc_none")
    assert found(client, place, status="FAILED") == ["doc_bad"]
    assert found(client, place, status="failed") == []


def test_documents_are_found_by_root_object(client: Client, place: Place) -> None:
    place.child(place.first("obj_1", "doc_1"), "doc_2")
    place.first("obj_2", "doc_3")
    assert found(client, place, root="obj_1") == ["doc_2", "doc_1"]


def test_documents_are_found_by_the_time_of_their_creation(client: Client, place: Place) -> None:
    for day in (1, 2, 3):
        place.document(f"doc_{day}")
        sql.run(
            "UPDATE documents_document SET created_at = %s WHERE document_id = %s",
            (datetime(2026, 3, day, 12, tzinfo=UTC), f"doc_{day}"),
        )
    assert found(client, place, **{"from": "2026-03-02"}) == ["doc_3", "doc_2"]
    assert found(client, place, until="2026-03-02") == ["doc_2", "doc_1"]
    assert found(client, place, **{"from": "2026-03-02", "until": "2026-03-02"}) == ["doc_2"]
    assert found(client, place, **{"from": "2026-03-02T12:00:01"}) == ["doc_3"]
    assert found(client, place, until="2026-03-02T13:00:00+02:00") == ["doc_1"]


def test_documents_are_found_by_a_filter_in_the_api_s_language(client: Client, place: Place) -> None:
    place.document("doc_old", year=1890)
    place.document("doc_new", year=1950)
    assert found(client, place, filters='{"field": "year", "operator": "gte", "value": 1900}') == ["doc_new"]


def test_filters_hold_together_and_each_can_be_taken_away(client: Client, place: Place) -> None:
    with_status(place, "doc_1", "FAILED", root_object_id="obj_1")
    with_status(place, "doc_2", "FAILED", root_object_id="obj_2")
    page = listing(client, place, status="FAILED", root="obj_1")
    assert ids(page) == ["doc_1"]
    assert f'href="?namespace={place.pk}&root=obj_1"' in page
    assert f'href="?namespace={place.pk}&status=FAILED"' in page


def test_an_id_s_beginning_holds_with_the_other_filters(client: Client, place: Place) -> None:
    with_status(place, "doc_a1", "FAILED")
    with_status(place, "doc_a2", "COMPLETED")
    with_status(place, "doc_b1", "FAILED")
    assert found(client, place, q="doc_a", status="FAILED") == ["doc_a1"]


def test_an_id_s_beginning_looks_through_so_many_ids_and_says_so(client: Client, place: Place) -> None:
    for number in range(6):
        with_status(place, f"doc_{number}", "FAILED" if number in (1, 5) else "COMPLETED")
    with mock.patch.object(listed, "ID_WALK", 5):
        page = listing(client, place, q="doc_", status="FAILED")
    assert ids(page) == ["doc_1"]
    assert "Looked through the first 5 ids that begin so" in page


def test_where_it_looked_through_is_said_of_an_empty_list_too(client: Client, place: Place) -> None:
    for number in range(6):
        with_status(place, f"doc_{number}", "FAILED" if number == 5 else "COMPLETED")
    with mock.patch.object(listed, "ID_WALK", 5):
        page = listing(client, place, q="doc_", status="FAILED")
    assert ids(page) == []
    assert "Looked through the first 5 ids that begin so" in page


def test_words_find_documents_the_best_first(client: Client, place: Place) -> None:
    place.document("doc_1", text="a harbour, seen from another harbour")
    place.document("doc_2", text="the harbour, with many other words about other things in it")
    place.document("doc_3", text="a field")
    assert found(client, place, text="harbour") == ["doc_1", "doc_2"]
    assert found(client, place, text='"harbour seen"') == ["doc_1"]


def test_words_page_by_relevance(client: Client, place: Place) -> None:
    made = {place.document(text="harbour " * (number % 3 + 1)).document_id for number in range(60)}
    first = listing(client, place, text="harbour")
    onwards = following(first, "next")
    assert onwards is not None
    second = staff.get(client, "/documents/document/" + onwards)
    assert len(ids(first)) == 50
    assert {*ids(first), *ids(second)} == made


def test_words_that_many_documents_hold_page_by_time_and_say_so(client: Client, place: Place) -> None:
    made = [place.document(text="harbour " * (number % 3 + 1)).document_id for number in range(120)][::-1]
    with mock.patch.object(listed, "holds_many", return_value=True):
        first = listing(client, place, text="harbour")
    assert f"More than {listed.BEST} documents hold these words, so the newest come first." in first
    second = staff.get(client, f"/documents/document/{following(first, 'next')}")
    assert (ids(first), ids(second)) == (made[:50], made[50:100])
    assert "so the newest come first" in second
    again = staff.get(client, f"/documents/document/{following(second, 'prev')}")
    assert ids(again) == made[:50]


def test_words_of_one_page_are_ranked_whatever_the_statistics_say(client: Client, place: Place) -> None:
    place.document("doc_1", text="harbour harbour")
    place.document("doc_2", text="harbour and other things")
    with mock.patch.object(listed, "holds_many", return_value=True):
        page = listing(client, place, text="harbour")
    assert ids(page) == ["doc_1", "doc_2"]
    assert "the newest come first" not in page


def test_words_without_an_index_are_not_looked_for_in_a_large_place(client: Client, place: Place) -> None:
    for number in range(4):
        place.document(text="harbour", internal_metadata={"ingestion_status": f"S{number}"})
    with mock.patch.object(listed, "WORDS_WALK", 3):
        page = listing(client, place, text="harbour")
    assert "Words are not indexed in this namespace" in page
    assert '"payload_indexes": [{"field_name": "*", "type": "text"}]' in page
    assert f"/admin/namespaces/namespace/{place.pk}/change/" in page
    assert ids(page) == []


def test_documents_are_sorted_by_what_changed_last(client: Client, place: Place) -> None:
    for name in ("doc_1", "doc_2", "doc_3"):
        place.document(name)
    cast_api = place.api.patch("/v1/documents/doc_1", {"title": "changed"})
    assert cast_api.status_code == 200
    assert found(client, place, sort="-updated") == ["doc_1", "doc_3", "doc_2"]
    assert found(client, place, sort="updated") == ["doc_2", "doc_3", "doc_1"]
    assert 'aria-sort="ascending"' in listing(client, place, sort="updated")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": "yesterday"}, "A day like"),
        ({"until": "9999-12-31"}, "A day like"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "A day like"),
        ({"status": "x" * 41}, "at most 40 characters"),
        ({"status": "a\x00"}, "stored"),
        ({"root": "a\x00"}, "stored"),
        ({"text": "a\x00"}, "stored"),
        ({"text": "x" * 5000}, "At most 4,096 characters"),
        ({"text": "x", "q": "doc_1"}, "one at a time"),
        ({"filters": '{"field": "year",\n "operator": "near", "value": 1}'}, "Line 2, column 2"),
        ({"filters": '{"field": "year",,}'}, "Line 1, column 18"),
        ({"filters": "[]"}, "must be a JSON object"),
        ({"filters": '{"field": "title", "operator": "regex", "value": "("}'}, "regular expression"),
    ],
)
def test_what_is_wrong_is_said_and_kept(client: Client, place: Place, query: dict[str, str], said: str) -> None:
    place.document("doc_1")
    page = listing(client, place, **query)
    assert said in page
    assert ids(page) == []
    assert 'aria-invalid="true"' in page
    assert escape(next(iter(query.values()))).replace("\x00", "")[:20] in escape(page)


def test_a_filter_that_takes_too_long_is_given_up(client: Client, place: Place) -> None:
    place.document("doc_1")
    with (
        mock.patch.object(listed, "SECONDS", 1),
        mock.patch.object(listed, "COLUMNS", (*listed.COLUMNS[:-1], "d.updated_at + pg_sleep(3)::text::interval")),
    ):
        page = listing(client, place, filters='{"field": "year", "operator": "exists", "value": false}')
    assert "No index serves this" in page


def test_a_namespace_comes_before_what_needs_one(client: Client, place: Place) -> None:
    Place()
    assert "Choose a namespace first" in staff.get(client, "/documents/document/?status=FAILED")


def test_numbers_are_exact_where_nothing_is_counted(client: Client, place: Place) -> None:
    other = cast.collection(place.api, "others")
    for _ in range(3):
        place.document(collection=other)
    place.document()
    key = Collection.objects.get(public_id=other).pk
    assert "4 documents" in staff.words(listing(client, place))
    page = listing(client, place, collection=key)
    assert "3 documents in others" in staff.words(page)
    assert "others (3)" in page


def test_a_filtered_list_is_three_statements(client: Client, place: Place) -> None:
    with_status(place, "doc_1", "FAILED", root_object_id="obj_1")
    key = Collection.objects.get(public_id=place.collection).pk
    for query in (
        {"status": "FAILED"},
        {"root": "obj_1"},
        {"from": "2026-01-01"},
        {"q": "doc"},
        {"text": "x"},
        {"collection": key},
    ):
        listing(client, place, **query)  # sizes of places and declared indexes are remembered for seconds
        with staff.statements() as asked:
            listing(client, place, **query)
        assert len(asked) == 3, query


def test_what_documents_are_called_is_text(client: Client, place: Place) -> None:
    place.document("doc_1", title="<script>alert(1)</script>")
    page = client.get(f"/admin/documents/document/?namespace={place.pk}").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(("query", "said"), [({}, "No documents yet"), ({"status": "FAILED"}, "Nothing matches")])
def test_an_empty_list_says_what_to_do(client: Client, place: Place, query: dict[str, str], said: str) -> None:
    assert said in listing(client, place, **query)


# Who sees what --------------------------------------------------------------------------------------------------------


def bound(*places: Place, permissions: tuple[str, ...] = ()) -> Client:
    """Staff with these permissions (none named: to view everything), in these namespaces alone."""
    client = staff.staff(*permissions) if permissions else staff.viewer()
    user_id = int(client.session["_auth_user_id"])
    binding = StaffBinding.objects.create(user_id=user_id)
    for each in places:
        StaffNamespace.objects.create(binding=binding, namespace=each.namespace)
    return client


def test_bound_staff_see_their_namespaces_alone(place: Place) -> None:
    foreign, second = Place(), Place()
    place.first("obj_1", "doc_ours")
    second.first("obj_1", "doc_second")
    foreign.first("obj_1", "doc_theirs")
    cast.bucket_object(foreign.api, foreign.bucket, "obj_theirs")
    client = bound(place, second)
    for path in ("/documents/document/", "/documents/document/?q=doc"):
        page = staff.get(client, path)
        assert set(ids(page)) == {"doc_ours", "doc_second"}
        assert foreign.namespace.name not in page
    assert ids(staff.get(client, "/namespaces/bucketobject/")) == []
    assert ids(staff.get(client, "/namespaces/bucketobject/?q=obj")) == []


def test_bound_staff_reach_no_foreign_namespace_by_its_number(place: Place) -> None:
    foreign = Place()
    foreign.first("obj_1", "doc_theirs")
    key = Collection.objects.get(public_id=foreign.collection).pk
    client = bound(place)
    for query in ("", f"&collection={key}", "&q=doc", "&text=x", "&status=FAILED", "&root=obj_1", "&from=2020-01-01"):
        staff.get(client, f"/documents/document/?namespace={foreign.pk}{query}", 404)
    page = staff.get(client, f"/namespaces/bucketobject/?namespace={foreign.pk}")
    assert ids(page) == []
    assert foreign.namespace.name not in page
    assert ids(staff.get(client, f"/documents/document/?namespace={place.pk}&collection={key}")) == []


def test_staff_bound_to_nothing_see_nothing(place: Place) -> None:
    place.first("obj_1")
    client = bound()
    for path in ("/documents/document/", "/documents/document/?q=doc"):
        assert ids(staff.get(client, path)) == []


def test_a_page_s_position_of_another_namespace_shows_no_foreign_document(client: Client, place: Place) -> None:
    foreign = Place()
    for _ in range(60):
        foreign.document()
    place.document("doc_ours")
    onwards = following(listing(client, foreign), "next")
    assert onwards is not None
    moved = onwards.replace(f"namespace={foreign.pk}", f"namespace={place.pk}")
    assert set(ids(staff.get(client, "/documents/document/" + moved))) <= {"doc_ours"}
