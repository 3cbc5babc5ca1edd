"""POST …/documents/list and GET …/documents, first version: pages in creation order (contract section 7)."""

from typing import Any

import pytest

from tests import cast
from tests.api.places import Documents
from tests.cast import Api


@pytest.fixture
def numbered(documents: Documents) -> Documents:
    """Seven documents, doc_0 to doc_6."""
    for number in range(7):
        documents.create({"document_id": f"doc_{number}", "n": number})
    return documents


def ids(answer: Any) -> list[str]:
    return [document["document_id"] for document in answer["results"]]


def every_page(documents: Documents, limit: int) -> list[list[str]]:
    answer = documents.list({"limit": limit}).json()
    pages = [ids(answer)]
    while cursor := answer["pagination"]["next_cursor"]:
        answer = documents.list({"limit": limit, "cursor": cursor}).json()
        pages.append(ids(answer))
    return pages


def test_documents_come_in_creation_order_as_get_shows_them(numbered: Documents) -> None:
    answer = numbered.list().json()
    assert ids(answer) == [f"doc_{number}" for number in range(7)]
    assert answer["results"][3] == numbered.get("doc_3")


def test_an_answer_holds_every_member(documents: Documents) -> None:
    answer = documents.list().json()
    assert answer.keys() == {"results", "groups", "pagination", "total_documents", "stats", "group_by_field", "warnings"}
    assert answer["results"] == []
    assert answer["pagination"]["next_cursor"] is None


@pytest.mark.parametrize("body", ["", "{}"])
def test_an_empty_body_asks_for_the_first_ten(documents: Documents, body: str) -> None:
    for _ in range(11):
        documents.create()
    answer = documents.api.call("POST", f"{documents.path}/list", body).json()
    assert len(answer["results"]) == 10
    assert answer["pagination"]["page_size"] == 10


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"limit": 3}, [0, 1, 2]),
        ({"limit": 3, "offset": 2}, [2, 3, 4]),
        ({"page": 2, "page_size": 3}, [3, 4, 5]),
        ({"page": 3, "limit": 3}, [6]),
        ({"offset": 7}, []),
        ({"limit": 1000}, list(range(7))),
        ({"limit": None, "offset": None, "cursor": None}, list(range(7))),
    ],
)
def test_limit_offset_and_page_choose_the_page(numbered: Documents, asked: Any, found: list[int]) -> None:
    assert ids(numbered.list(asked).json()) == [f"doc_{number}" for number in found]


def test_get_takes_the_same_as_query_parameters(numbered: Documents) -> None:
    answer = numbered.api.get(f"{numbered.path}?limit=2&offset=3&include_total=true").json()
    assert ids(answer) == ["doc_3", "doc_4"]
    assert answer["pagination"]["total"] == answer["total_documents"] == 7


def test_the_body_wins_over_the_query(numbered: Documents) -> None:
    assert ids(numbered.list({"limit": 2}, "?limit=5&offset=1").json()) == ["doc_1", "doc_2"]


def test_a_body_on_get_means_nothing(numbered: Documents) -> None:
    response = numbered.api.call("GET", numbered.path, "no json", content_type="text/plain")
    assert len(response.json()["results"]) == 7


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_cursors_lead_through_every_document_once(numbered: Documents, limit: int) -> None:
    pages = every_page(numbered, limit)
    assert [name for page in pages for name in page] == [f"doc_{number}" for number in range(7)]
    assert all(len(page) == limit for page in pages[:-1])


def test_a_cursor_is_not_disturbed_by_deletes_and_inserts(numbered: Documents) -> None:
    first = numbered.list({"limit": 3}).json()
    numbered.delete("doc_1")
    numbered.delete("doc_2")
    numbered.create({"document_id": "doc_7"})
    rest = numbered.list({"limit": 9, "cursor": first["pagination"]["next_cursor"]}).json()
    assert ids(rest) == ["doc_3", "doc_4", "doc_5", "doc_6", "doc_7"]


@pytest.mark.parametrize("name", ["cursor", "next_cursor", "after"])
def test_a_cursor_makes_offset_and_page_meaningless(numbered: Documents, name: str) -> None:
    cursor = numbered.list({"limit": 3}).json()["pagination"]["next_cursor"]
    answer = numbered.api.get(f"{numbered.path}?limit=2&page=5&{name}={cursor}").json()
    assert ids(answer) == ["doc_3", "doc_4"]
    assert answer["pagination"]["page"] is answer["pagination"]["next_page"] is None


def test_pages_are_given_as_query_strings(numbered: Documents) -> None:
    pagination = numbered.list({"page": 2, "page_size": 3, "include_total": True}).json()["pagination"]
    assert pagination.pop("next_cursor")
    assert pagination == {
        **{"total": 7, "page": 2, "page_size": 3, "total_pages": 3},
        **{"next_page": "?page=3&page_size=3", "previous_page": "?page=1&page_size=3"},
    }
    assert ids(numbered.api.get(numbered.path + "?page=3&page_size=3").json()) == ["doc_6"]


def test_totals_are_null_unless_asked(numbered: Documents) -> None:
    answer = numbered.list().json()
    assert answer["pagination"]["total"] is answer["pagination"]["total_pages"] is answer["total_documents"] is None


def test_a_total_does_not_end_where_the_page_does(numbered: Documents) -> None:
    assert numbered.list({"include_total": True, "offset": 100}).json()["pagination"]["total"] == 7


@pytest.mark.parametrize(
    "body",
    [
        *({"limit": 0}, {"limit": 1001}, {"limit": "ten"}, {"limit": 1.5}, {"limit": True}, {"offset": -1}, {"offset": 10_001}),
        *({"page": 0}, {"page": 10_000, "page_size": 10}, {"cursor": 7}, {"include_total": "maybe"}, {"return_url": "perhaps"}),
        *({"nonsense": 1}, {"schema_version": "v9"}, {"schema_version": 7}, {"limit": 2**70}),
    ],
)
def test_what_is_wrong_is_refused_with_its_name(documents: Documents, body: Any) -> None:
    response = documents.list(body)
    assert response.status_code == 422, response
    assert [place.rpartition(".")[2] for place in response.faults] in ([name] for name in body)


@pytest.mark.parametrize("cursor", ["x", "eyJ9.abc", "é", "a.b.c", "." * 5000, "%00"])
def test_a_cursor_that_no_list_gave_is_a_bad_request(documents: Documents, cursor: str) -> None:
    response = documents.list({"cursor": cursor})
    assert (response.status_code, response.error) == (400, "BadRequestError")


def test_a_cursor_is_bound_to_its_list(api: Api, numbered: Documents) -> None:
    cursor = numbered.list({"limit": 1}).json()["pagination"]["next_cursor"]
    elsewhere = cast.api()
    for other in (Documents(api, cast.collection(api)), Documents(elsewhere, cast.collection(elsewhere))):
        assert other.list({"cursor": cursor}).status_code == 400


@pytest.mark.parametrize("version", ["native", "v1", "v2"])
def test_documents_are_listed_in_the_rendering_asked_for(numbered: Documents, version: str) -> None:
    shown = numbered.get("doc_0", f"?schema_version={version}")
    assert numbered.list({"schema_version": version}).json()["results"][0] == shown
    assert numbered.api.get(f"{numbered.path}?schema_version={version}").json()["results"][0] == shown


def test_each_document_is_listed_in_its_own_version(documents: Documents) -> None:
    made = [documents.create({"document_schema_version": version}) for version in ("v1", "v2", None)]
    assert documents.list().json()["results"] == made


def test_urls_are_signed_when_asked(documents: Documents) -> None:
    documents.create({"document_blobs": [{"field": "f", "url": "https://host/key"}]})
    for flag in ("return_url", "return_urls", "return_presigned_urls"):
        blob = documents.list({flag: True}).json()["results"][0]["document_blobs"][0]
        assert blob["presigned_url"] == "https://host/key"
    assert (
        "presigned_url" not in documents.list({"return_url": False}, "?return_url=true").json()["results"][0]["document_blobs"][0]
    )


def test_a_list_needs_only_the_permission_to_read(api: Api, documents: Documents) -> None:
    from namespaces.models import Permission

    reader = api.key(Permission.READ)
    assert reader.post(f"{documents.path}/list", {}).status_code == 200
    assert reader.post(documents.path, {}).status_code == 403
