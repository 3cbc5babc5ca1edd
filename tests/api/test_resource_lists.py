"""What lists of namespaces, collections and buckets have in common."""

from typing import Any

import pytest

from tests import cast
from tests.cast import Api

KINDS = ["namespace", "collection", "bucket"]


def fill(api: Api, kind: str, names: list[str]) -> None:
    for name in names:
        if kind == "namespace":
            api.post("/v1/namespaces", {"namespace_name": name})
        else:
            getattr(cast, kind)(api, name)


def names(api: Api, kind: str, body: dict[str, Any] | None = None, query: str = "") -> list[str]:
    response = api.post(f"/v1/{kind}s/list{query}", body)
    assert response.status_code == 200, response
    return [each[f"{kind}_name"] for each in response.json()["results"] if not each[f"{kind}_name"].startswith("namespace ")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", [("POST", "/list"), ("GET", "/list"), ("GET", ""), ("GET", "/")])
def test_every_way_to_ask_answers_the_same(api: Api, kind: str, call: tuple[str, str]) -> None:
    fill(api, kind, ["a"])
    method, path = call
    answer = api.call(method, f"/v1/{kind}s{path}").json()
    assert answer == api.post(f"/v1/{kind}s/list", {}).json()
    assert set(answer) - {"warnings"} == {"results", "pagination", "total_count", "stats"}


@pytest.mark.parametrize("kind", KINDS)
def test_creation_order_then_by_name_and_downwards(api: Api, kind: str) -> None:
    fill(api, kind, ["b", "C", "a"])
    assert names(api, kind) == ["b", "C", "a"]
    assert names(api, kind, {"sort": {"field": f"{kind}_name"}}) == ["C", "a", "b"]
    assert names(api, kind, {"sort": {"field": "created_at", "direction": "desc"}}) == ["a", "C", "b"]
    assert names(api, kind, {"sorts": [{"field": f"{kind}_name", "direction": "desc"}]}) == ["b", "a", "C"]
    assert names(api, kind, query='?sort={"field":"created_at","direction":"desc"}') == ["a", "C", "b"]


@pytest.mark.parametrize("kind", KINDS)
def test_pages_by_number(api: Api, kind: str) -> None:
    fill(api, kind, [f"n{number}" for number in range(5)])
    total = 6 if kind == "namespace" else 5
    answer = api.post(f"/v1/{kind}s/list?page=2&page_size=2&include_total=true").json()
    cursor = answer["pagination"].pop("next_cursor")
    assert answer["total_count"] == total
    assert answer["pagination"] == {
        "total": total,
        "page": 2,
        "page_size": 2,
        "total_pages": 3,
        "next_page": "?page=3&page_size=2",
        "previous_page": "?page=1&page_size=2",
    }
    following = api.post(f"/v1/{kind}s/list", {"cursor": cursor, "limit": 2}).json()
    assert following["results"] == api.get(f"/v1/{kind}s/list?page=3&page_size=2").json()["results"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("descending", [False, True])
def test_cursors_meet_everything_once(api: Api, kind: str, descending: bool) -> None:
    fill(api, kind, ["a", "b", "c", "d", "e"])
    sort = {"field": f"{kind}_name", "direction": "desc" if descending else "asc"}
    found: list[str] = []
    cursor = None
    while True:
        answer = api.post(f"/v1/{kind}s/list", {"sort": sort, "limit": 2, "after": cursor}).json()
        found += [each[f"{kind}_name"] for each in answer["results"]]
        cursor = answer["pagination"]["next_cursor"]
        if cursor is None:
            break
    assert [name for name in found if len(name) == 1] == sorted("abcde", reverse=descending)


@pytest.mark.parametrize("kind", KINDS)
def test_search_and_filters(api: Api, kind: str) -> None:
    fill(api, kind, ["Films", "films of 1926", "books_1", "booksX1"])
    assert names(api, kind, {"search": "FILM"}) == ["Films", "films of 1926"]
    assert names(api, kind, {"search": "FILM", "case_sensitive": True}) == []
    assert names(api, kind, {"search": "s_1"}) == ["books_1"]
    assert names(api, kind, query="?search=books") == ["books_1", "booksX1"]
    assert names(api, kind, {"filters": {f"{kind}_name": "films"}}) == ["Films"]
    assert names(api, kind, query=f'?filters={{"{kind}_name":"films"}}') == ["Films"]
    assert names(api, kind, {"filters": {"nowhere.to_be": "found"}}) == []


def test_filters_see_what_answers_show(api: Api) -> None:
    cast.collection(api, "on")
    cast.collection(api, "off", enabled=False)
    assert names(api, "collection", {"filters": {"enabled": True}}) == ["on"]
    assert names(api, "collection", {"filters": {"enabled": False}}) == ["off"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_wins_over_the_query(api: Api, kind: str) -> None:
    fill(api, kind, ["a", "b", "c"])
    answer = api.post(f"/v1/{kind}s/list?limit=1&search=zzz", {"limit": 2, "search": ""}).json()
    assert (len(answer["results"]), answer["pagination"]["page_size"]) == (2, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?colour=1", None),
        ("", {"colour": 1}),
        ("?limit=0", None),
        ("?limit=1001", None),
        ("?limit=one", None),
        ("", {"limit": "1"}),
        ("?offset=-1", None),
        ("?page=0", None),
        ("?page=1002&page_size=10", None),
        ("?include_total=perhaps", None),
        ("?filters=[", None),
        ("?filters=[]", None),
        ("?sort=name", None),
        ("?search=%00", None),
        ("", {"sort": {"field": "colour"}}),
        ("", {"sorts": [{"field": "name"}, {"field": "created_at"}]}),
        ("", {"filters": {"OR": []}}),
        ("", {"filters": {"AND": [{"field": "name"}]}}),
        ("", {"search": 1}),
        ("", []),
    ],
)
def test_what_is_unknown_or_wrong_is_422(api: Api, kind: str, query: str, body: Any) -> None:
    response = api.post(f"/v1/{kind}s/list{query}", body)
    assert (response.status_code, response.error) == (422, "ValidationError")


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_key_names_the_accepted_ones(api: Api, kind: str) -> None:
    message = api.post(f"/v1/{kind}s/list", {"colour": 1}).json()["error"]["message"]
    assert "colour" in message
    assert "page_size" in message


@pytest.mark.parametrize("kind", KINDS)
def test_what_clients_send_out_of_habit_is_accepted(api: Api, kind: str) -> None:
    body = {"filters": None, "sort": None, "search": None, "case_sensitive": False}
    assert api.post(f"/v1/{kind}s/list?include_system=false&case_sensitive=", body).status_code == 200
    assert api.post(f"/v1/{kind}s/list", b"").status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_paths_of_http(api: Api, kind: str) -> None:
    path = f"/v1/{kind}s/list"
    assert api.post(path, "{").status_code == 400
    assert api.post(path, "{}", content_type="text/plain").status_code == 415
    assert api.delete(path).status_code in (404, 405)
    assert Api(None).post(path).status_code == 401
    assert api.head(path).content == b""
