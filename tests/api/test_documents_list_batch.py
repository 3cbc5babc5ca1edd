"""POST /v1/documents/list/batch: several lists in one request (contract section 7)."""

from typing import Any

import pytest

from documents.api import list_batch
from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.cast import Api, Response

PATH = "/v1/documents/list/batch"


def batch(api: Api, *requests: Any) -> Response:
    """Keyed by their places."""
    return api.post(PATH, {"queries": [{"key": str(place), "request": request} for place, request in enumerate(requests)]})


def results(response: Response) -> list[Any]:
    assert response.status_code == 200, response
    found: list[Any] = response.json()["results"]
    assert [each["key"] for each in found] == [str(place) for place in range(len(found))]
    return found


def test_each_query_is_answered_as_a_list_in_the_namespace(api: Api, documents: Documents) -> None:
    other = Documents(api, cast.collection(api))
    for number in range(3):
        documents.create({"document_id": f"doc_{number}", "n": number, "title": f"word{number}"})
        other.create({"document_id": f"other_{number}", "n": number})
    requests: list[Any] = [
        {},
        {"filters": {"n": 1}},
        {"collection_ids": [other.collection], "sort": {"field": "n", "direction": "desc"}, "limit": 2, "include_total": True},
        {"group_by": "n", "select": ["n"]},
        {"search": "word2", "schema_version": "v1"},
        {"collections": [documents.collection, "col_nowhere"], "page": 2, "page_size": 2},
    ]
    for request, found in zip(requests, results(batch(api, *requests)), strict=True):
        assert found["error"] is None
        assert found["response"] == api.post("/v1/documents/list", request).json()


def test_a_failing_query_leaves_the_others_theirs(documents: Documents) -> None:
    documents.create({"document_id": "doc_1"})
    requests: list[Any] = [
        {},
        {"limit": 0},
        {"collection_ids": ["col_nowhere"]},
        {"cursor": "forged"},
        {"nonsense": 1},
        {"filters": {"field": "a", "operator": "regex", "value": "("}},
        {"expand": ["_x"]},
        {"limit": 1},
    ]
    found = results(batch(documents.api, *requests))
    for request, result in zip(requests, found, strict=True):
        alone = documents.api.post("/v1/documents/list", request)
        if alone.status_code == 200:
            assert (result["response"], result["error"]) == (alone.json(), None)
        else:
            assert alone.status_code in (400, 404, 422)
            assert (result["response"], result["error"]) == (None, alone.json()["error"]["message"])
    assert [result["error"] is None for result in found] == [True, *[False] * 6, True]


def test_cursors_go_on_in_either_route(documents: Documents) -> None:
    for number in range(3):
        documents.create({"document_id": f"doc_{number}"})
    (first,) = results(batch(documents.api, {"limit": 2}))
    cursor = first["response"]["pagination"]["next_cursor"]
    (rest,) = results(batch(documents.api, {"limit": 2, "cursor": cursor}))
    assert rest["response"] == documents.api.post("/v1/documents/list", {"limit": 2, "cursor": cursor}).json()
    assert [document["document_id"] for document in rest["response"]["results"]] == ["doc_2"]


def test_keys_come_back_as_they_are_and_may_repeat(api: Api) -> None:
    keys = ["x", "x", "ü😀\"'\\", "k" * 128]
    response = api.post(PATH, {"queries": [{"key": key, "request": {}} for key in keys]})
    assert [result["key"] for result in response.json()["results"]] == keys


GOOD: Any = {"key": "a", "request": {}}


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, ["body.queries"]),
        ({"queries": None}, ["body.queries"]),
        ({"queries": []}, ["body.queries"]),
        ({"queries": {}}, ["body.queries"]),
        ({"queries": [GOOD] * 11}, ["body.queries"]),
        ({"queries": [GOOD], "more": 1}, ["body.more"]),
        ({"queries": [GOOD, 7]}, ["body.queries.1"]),
        ({"queries": [{"request": {}}]}, ["body.queries.0.key"]),
        ({"queries": [{"key": 7, "request": {}}]}, ["body.queries.0.key"]),
        ({"queries": [{"key": "", "request": {}}]}, ["body.queries.0.key"]),
        ({"queries": [{"key": "k" * 129, "request": {}}]}, ["body.queries.0.key"]),
        ({"queries": [{"key": "a"}]}, ["body.queries.0.request"]),
        ({"queries": [{"key": "a", "request": []}]}, ["body.queries.0.request"]),
        ({"queries": [GOOD, {**GOOD, "x": 1, "limit": 2}]}, ["body.queries.1.x", "body.queries.1.limit"]),
        ([], ["body"]),
    ],
)
def test_a_malformed_batch_is_refused_whole(api: Api, body: Any, faults: list[str]) -> None:
    response = api.post(PATH, body)
    assert (response.status_code, response.faults) == (422, faults)


def test_it_takes_no_query_parameters(api: Api) -> None:
    response = api.post(PATH + "?limit=1", {"queries": [GOOD]})
    assert (response.status_code, response.faults) == (422, ["query.limit"])


def test_reading_is_all_it_needs(documents: Documents) -> None:
    documents.create()
    (found,) = results(batch(documents.api.key(Permission.READ), {}))
    assert len(found["response"]["results"]) == 1


def test_a_trailing_slash_changes_nothing(api: Api) -> None:
    assert api.post(PATH + "/", {"queries": [GOOD]}).status_code == 200


@pytest.mark.parametrize("request_", [{}, {"limit": 0}, {"collection_ids": ["col_nowhere"]}])
def test_an_unknown_namespace_is_not_found_whatever_was_asked(api: Api, request_: Any) -> None:
    api.namespace = "ns_000000000000000000000000"
    response = batch(api, request_)
    assert (response.status_code, response.error) == (404, "NotFoundError")
    assert response.json()["error"]["details"]["resource"] == "namespace"


def test_what_another_namespace_has_is_not_found(documents: Documents) -> None:
    foreign = cast.api()
    theirs = Documents(foreign, cast.collection(foreign))
    theirs.create({"document_id": "theirs"})
    found = results(batch(documents.api, {"collection_ids": [theirs.collection]}, {"filters": {"document_id": "theirs"}}))
    assert found[0]["error"] == f"Collection {theirs.collection} was not found."
    assert found[1]["response"]["results"] == []


def test_all_answers_together_have_a_limit(documents: Documents, settings: Any) -> None:
    settings.MAX_ANSWER_BYTES = 100_000
    for number in range(4):
        documents.create({"document_id": f"doc_{number}", "text": "ü" * 20_000})
    small = {"filters": {"document_id": "doc_0"}}
    whole, cut, full, still = results(batch(documents.api, small, {}, {}, {"limit": 1, "select": ["n"]}))
    assert len(whole["response"]["results"]) == 1
    assert [document["document_id"] for document in cut["response"]["results"]] == ["doc_0"]
    assert cut["response"]["pagination"]["next_cursor"]
    assert full["response"] is None
    assert "by itself" in full["error"]
    assert still["response"] is None or len(still["response"]["results"]) == 1


def test_the_first_query_is_answered_even_if_it_is_large(documents: Documents, settings: Any) -> None:
    settings.MAX_ANSWER_BYTES = 1000
    documents.create({"text": "x" * 20_000})
    first, second = results(batch(documents.api, {}, {"filters": {"a": 1}}))
    assert len(first["response"]["results"]) == 1
    assert "by itself" in second["error"]


def test_a_batch_that_takes_long_begins_no_further_query(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_batch, "MAX_SECONDS", -1)
    (found,) = results(batch(documents.api, {}))
    assert "took more than" in found["error"]
