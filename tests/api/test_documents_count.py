"""GET and POST …/documents/count (contract section 7)."""

from typing import Any
from urllib.parse import quote

import pytest

from mixpeek_site import jsonio
from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Api, Response


def count(documents: Documents, filters: Any = None) -> Response:
    query = "" if filters is None else f"?filters={quote(filters if isinstance(filters, str) else jsonio.dumps(filters))}"
    return documents.api.get(f"{documents.path}/count{query}")


def test_an_empty_collection_has_none(documents: Documents) -> None:
    assert count(documents).json() == {"collection_id": documents.collection, "count": 0}


def test_creates_and_deletes_count_at_once(documents: Documents) -> None:
    for _ in range(3):
        made = documents.new()
    assert count(documents).json()["count"] == 3
    documents.delete(made)
    assert count(documents).json()["count"] == 2


def test_a_collection_is_named_by_its_name_as_well(api: Api) -> None:
    made = cast.collection(api, "films")
    assert api.get("/v1/collections/films/documents/count").json()["collection_id"] == made


def test_other_collections_do_not_count(api: Api, documents: Documents) -> None:
    Documents(api, cast.collection(api)).new({"a": 1})
    assert count(documents).json()["count"] == count(documents, {"a": 1}).json()["count"] == 0


def test_with_a_filter_those_that_match_count(documents: Documents) -> None:
    for number in range(5):
        documents.new({"a": number % 2, "source_object_id": f"obj_{number}"})
    for filters, expected in (({"a": 1}, 2), ({"root_object_id": "obj_3"}, 1), ({"collection_id": documents.collection}, 5)):
        assert count(documents, filters).json() == {"collection_id": documents.collection, "count": expected}
        assert documents.api.post(f"{documents.path}/count", {"filters": filters}).json()["count"] == expected


@pytest.mark.parametrize("body", ["", {}, {"filters": None}, {"filters": {}}])
def test_a_post_without_a_filter_counts_all(documents: Documents, body: Any) -> None:
    documents.new()
    assert documents.api.post(f"{documents.path}/count", body).json()["count"] == 1


@pytest.mark.parametrize(
    "filters", ["{", "NaN", "[" * 100_000, '{"a": {"operator"', '"\\u0000"', '{"nonsense": {"operator": 7}, "AND": 1}', "7"]
)
def test_a_filter_that_is_none_is_refused_in_its_place(documents: Documents, filters: str) -> None:
    response = count(documents, filters)
    assert response.status_code == 422, response
    assert all(place.startswith("query.filters") for place in response.faults)


def test_an_invalid_regex_is_refused(documents: Documents) -> None:
    documents.new({"a": "x"})
    response = count(documents, {"field": "a", "operator": "regex", "value": "("})
    assert response.status_code == 422, response


def test_what_is_unknown_is_named(documents: Documents) -> None:
    assert documents.api.get(f"{documents.path}/count?limit=1").faults == ["query.limit"]
    assert documents.api.post(f"{documents.path}/count", {"filter": {}}).faults == ["body.filter"]
    assert documents.api.post(f"{documents.path}/count?filters=", {}).faults == ["query.filters"]


def test_it_needs_only_the_permission_to_read(documents: Documents) -> None:
    reader = documents.api.key(Permission.READ)
    assert reader.get(f"{documents.path}/count").status_code == reader.post(f"{documents.path}/count", {}).status_code == 200


def test_what_is_foreign_is_not_found(documents: Documents) -> None:
    stranger = cast.api()
    for filters in (None, {"a": 1}):
        response = count(Documents(stranger, documents.collection), filters)
        assert (response.status_code, response.error) == (404, "NotFoundError")
    assert Api(stranger.token, documents.api.namespace).get(f"{documents.path}/count").status_code == 404


def test_count_is_no_document(documents: Documents) -> None:
    assert documents.api.put(f"{documents.path}/count", {}).status_code == 405
    assert documents.api.head(f"{documents.path}/count/").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("filters", [None, {"a": 1}])
def test_a_count_is_one_statement(documents: Documents, filters: Any) -> None:
    count(documents, filters)  # how large the collection is is known for some seconds
    with statements() as sent:
        count(documents, filters)
    assert sent.counts == (1, 0, 0)
