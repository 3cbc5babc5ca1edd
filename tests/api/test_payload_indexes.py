"""`payload_indexes` of /v1/namespaces: what may be declared, how far it is, and that no index ever refuses a document."""

from decimal import Decimal
from typing import Any

import pytest

from documents.models import PayloadIndex, PayloadIndexUse
from documents.payload_indexes import ready
from documents.payload_indexes.registry import forget
from namespaces.models import Namespace
from tests import cast
from tests.api.statements import statements
from tests.cast import Api
from tests.payload_indexes import build

pytestmark = pytest.mark.django_db

TYPES = ("keyword", "integer", "float", "bool", "geo", "datetime", "text", "uuid")


def declare(api: Api, *declared: dict[str, Any]) -> list[dict[str, Any]]:
    response = api.patch(f"/v1/namespaces/{api.namespace}", {"payload_indexes": list(declared)})
    assert response.status_code == 200, response
    return list(response.json()["payload_indexes"])


def shown(api: Api) -> list[dict[str, Any]]:
    return list(api.get(f"/v1/namespaces/{api.namespace}").json()["payload_indexes"])


def registered() -> set[tuple[str, str]]:
    return {(".".join(each.steps), each.kind) for each in PayloadIndex.objects.all()}


@pytest.mark.parametrize(("type", "status"), [(type, "not_indexed" if type == "geo" else "pending") for type in TYPES])
def test_each_type_says_how_far_it_is(api: Api, type: str, status: str) -> None:
    declared = {"field_name": "metadata.x", "type": type, "field_schema": {"tokenizer": "word", "min_token_len": 2}}
    assert declare(api, declared) == [{**declared, "status": status}]
    build()
    assert shown(api) == [{**declared, "status": status.replace("pending", "ready")}]


@pytest.mark.parametrize("name", ["created_at", "root_object_id", "_internal.metadata.ingestion_status", "mime_type"])
def test_system_fields_have_the_default_indexes(api: Api, name: str) -> None:
    assert declare(api, {"field_name": name, "type": "keyword"})[0]["status"] == "default"
    assert registered() == set()


def test_a_pointer_to_a_user_field_of_a_systems_name_has_its_own(api: Api) -> None:
    assert declare(api, {"field_name": "/created_at", "type": "datetime"})[0]["status"] == "pending"
    assert registered() == {("created_at", "order"), ("created_at", "time")}


@pytest.mark.parametrize("name", ["vector", "_secret", "a..b", "/a~2", "_internal.nothing", ".".join("a" * 65), "a\\u0000"])
@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_names_that_can_not_be_asked_about_are_422(api: Api, method: str, name: str) -> None:
    path = "/v1/namespaces" + ("" if method == "POST" else f"/{api.namespace}")
    body = (
        '{"namespace_name": "other", "payload_indexes": [{"field_name": "fine", "type": "text"},'
        f' {{"field_name": "{name}", "type": "keyword"}}]}}'
    )
    response = api.call(method, path, body)
    assert response.status_code == 422
    assert response.faults[0].startswith("body.payload_indexes.1.field_name")
    assert registered() == set()
    assert shown(api) == []


def test_what_was_read_may_be_written_back(api: Api) -> None:
    declare(api, {"field_name": "title", "type": "keyword"})
    PayloadIndex.objects.update(state="failed", error="no room")
    before = shown(api)
    assert before == [{"field_name": "title", "type": "keyword", "status": "failed", "error": "no room"}]
    assert declare(api, *before) == before
    assert Namespace.objects.get(public_id=api.namespace).config["payload_indexes"] == [
        {"field_name": "title", "type": "keyword"}
    ]


@pytest.mark.django_db(transaction=True)
def test_a_list_of_namespaces_says_it_of_each_in_one_statement(api: Api) -> None:
    declare(api, {"field_name": "title", "type": "keyword"})
    other = api.post("/v1/namespaces", {"namespace_name": "o", "payload_indexes": [{"field_name": "x", "type": "geo"}]}).json()
    with statements() as sent:
        listed = api.post("/v1/namespaces/list", {}).json()["results"]
    assert len([each for each in sent.data if "documents_payloadindex" in each]) == 1
    found = {each["namespace_id"]: [index["status"] for index in each["payload_indexes"]] for each in listed}
    assert found == {api.namespace: ["pending"], other["namespace_id"]: ["not_indexed"]}


def test_declaring_is_one_with_the_write_of_the_namespace(api: Api) -> None:
    api.post("/v1/namespaces", {"namespace_name": "taken"})
    body = {"namespace_name": "taken", "payload_indexes": [{"field_name": "title", "type": "keyword"}]}
    assert api.post("/v1/namespaces", body).status_code == 409
    assert api.patch(f"/v1/namespaces/{api.namespace}", body).status_code == 409
    assert registered() == set()


def test_namespaces_share_an_index_and_use_their_own_only(api: Api) -> None:
    other = cast.api()
    declare(api, {"field_name": "title", "type": "keyword"}, {"field_name": "title", "type": "uuid"})
    declare(other, {"field_name": "title", "type": "keyword"}, {"field_name": "year", "type": "integer"})
    assert registered() == {("title", "order"), ("year", "order")}
    assert PayloadIndexUse.objects.count() == 3
    build()
    forget()
    paths = {key: set(ready(Namespace.objects.get(public_id=key).pk)) for key in (api.namespace, other.namespace)}
    assert paths == {
        api.namespace: {(("title",), "order")},
        other.namespace: {(("title",), "order"), (("year",), "order")},
    }


def test_what_is_not_declared_any_more_is_not_used_any_more(api: Api) -> None:
    declare(api, {"field_name": "a", "type": "keyword"}, {"field_name": "b", "type": "keyword"})
    declare(api, {"field_name": "b", "type": "keyword"}, {"field_name": "c", "type": "keyword"})
    assert {".".join(use.payload_index.steps) for use in PayloadIndexUse.objects.all()} == {"b", "c"}
    api.patch(f"/v1/namespaces/{api.namespace}", {"description": "x"})
    assert PayloadIndexUse.objects.count() == 2
    assert api.patch(f"/v1/namespaces/{api.namespace}", {"payload_indexes": None}).json()["payload_indexes"] == []
    assert not PayloadIndexUse.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_ready_is_asked_once_in_a_while(api: Api) -> None:
    namespace = Namespace.objects.get(public_id=api.namespace).pk
    forget()
    with statements() as sent:
        assert ready(namespace) == ready(namespace) == {}
    assert len(sent.data) == 1


# No index refuses a document ------------------------------------------------------------------------------------------

PATHS = ("a", "a.b", "a.0", "a.b.0.c", "/0", "/it's.%s")
WORD = "x" * 1_000_000
HUGE = "many words " * 1_450_000  # 15.95 MB
_DEEP: Any = WORD
for _ in range(30):
    _DEEP = [{"b": _DEEP}]
VALUES: dict[str, Any] = {
    "a megabyte without a blank": WORD,
    "a document of 16 MB": HUGE,
    "a million short words": " ".join(map(str, range(1_000_000))),
    "a million bytes of what is quoted": "\\\"'%\n\x01" * 140_000,
    "four bytes a character": "𝄞 é" * 100_000,
    "a key of 10 kB": {"k" * 10_000: "x", "b": [{"c": "k" * 10_000}]},
    "the largest number": 10**999,
    "the smallest number": Decimal("1e-999"),
    "a number of 1,000 digits": Decimal("-1." + "9" * 999),
    "many numbers of 1,000 digits": [10**999] * 2000,
    "objects in an array": [{"b": [{"c": WORD}, {"c": [WORD]}]}, {"b": 1}, None, [], [[]]],
    "many elements": list(range(50_000)),
    "60 levels": _DEEP,
    "an empty object": {},
    "an empty array": [],
    "null": None,
    "true": True,
    "an empty text": "",
    "a time": "2024-02-29T23:59:60.999999999+15:59",
    "almost a time": "0000-00-00T99:99:99Z",
    "the last time": "9999-12-31T23:59:59-15:59",
    "a uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "a point": {"lat": 1e308, "lon": [1, "x"]},
    "urls": "https://example.com/" * 20_000,
}


@pytest.fixture
def indexed(api: Api) -> Api:
    """Every type on every path."""
    declare(api, *({"field_name": path, "type": type} for path in PATHS for type in TYPES))
    build()
    return api


@pytest.mark.parametrize("what", VALUES)
def test_no_index_refuses_a_document(indexed: Api, what: str) -> None:
    path = f"/v1/collections/{cast.collection(indexed)}/documents"
    value = VALUES[what]
    payloads: list[dict[str, Any]] = [{"a": value}, {"it's": {"%s": value}}]
    if len(str(value)) < 3_000_000:
        payloads += [{"a": [value, {"b": value}]}, {"0": value}]
    for payload in payloads:
        made = indexed.post(path, {**payload, "document_id": "doc_1"})
        assert made.status_code == 200, made
        assert indexed.patch(f"{path}/doc_1", {"touched": True}).status_code == 200
        assert indexed.delete(f"{path}/doc_1").status_code == 200


def test_all_words_are_indexed_by_the_name_of_a_star(api: Api) -> None:
    assert declare(api, {"field_name": "*", "type": "text"})[0]["status"] == "pending"
    build()
    assert shown(api)[0]["status"] == "ready"
    collection = cast.collection(api)
    url = f"/v1/collections/{collection}/documents"
    found = [api.post(url, {"title": title}).json()["document_id"] for title in ("a red car", "a blue car", "a red house")]
    forget()
    for asked in ({}, {"sort": {"field": "title", "direction": "desc"}}):
        answer = api.post(f"{url}/list", {"search": "red", **asked}).json()
        assert {each["document_id"] for each in answer["results"]} == {found[0], found[2]}


def test_a_star_is_of_words_alone(api: Api) -> None:
    response = api.patch(f"/v1/namespaces/{api.namespace}", {"payload_indexes": [{"field_name": "*", "type": "keyword"}]})
    assert (response.status_code, response.faults) == (422, ["body.payload_indexes.0.type"])
