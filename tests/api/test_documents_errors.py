"""What is checked, in which order, and how a failure looks on the wire (contract sections 1 and 2)."""

import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from namespaces.models import ApiKey, Namespace, Organization, Permission
from tests import cast
from tests.api.places import JSON_PATCH, Documents
from tests.api.wire import Answer, headers_of, send
from tests.cast import Api

# Order ----------------------------------------------------------------------------------------------------------------


@dataclass
class Request:
    """A JSON Patch of a document, with which everything can be wrong."""

    documents: Documents
    method: str = "PATCH"
    url: str = ""
    query: str = ""
    body: bytes = b"[]"
    headers: dict[str, str] = field(default_factory=dict)

    def send(self) -> Answer:
        return send(self.method, self.url + self.query, self.headers, self.body)


def unknown_url(request: Request) -> None:
    request.url = "/v1/collektions/x/documents"


def no_key(request: Request) -> None:
    del request.headers["Authorization"]


def unknown_namespace(request: Request) -> None:
    request.headers["X-Namespace"] = "ns_nowhere"


def wrong_method(request: Request) -> None:
    request.method = "POST"


def weak_key(request: Request) -> None:
    if "Authorization" in request.headers:
        token = request.documents.api.key(Permission.READ).token
        request.headers["Authorization"] = f"Bearer {token}"


def wrong_media_type(request: Request) -> None:
    request.headers["Content-Type"] = "text/plain"


def too_large(request: Request) -> None:
    request.body = b'[{"op": "' + b"x" * 5000


def not_json(request: Request) -> None:
    request.body = b"{" + request.body


def missing_document(request: Request) -> None:
    request.url = request.documents.url("doc_nowhere")


def invalid(request: Request) -> None:
    request.query = "?nonsense=1"


def stale(request: Request) -> None:
    request.headers["If-Match"] = '"1-native"'


def conflict(request: Request) -> None:
    request.body = b'[{"op": "test", "path": "/a", "value": 2}]'


Wrong = Callable[[Request], None]
CHECKS: list[tuple[int, Wrong]] = [
    (404, unknown_url),
    (401, no_key),
    (404, unknown_namespace),
    (405, wrong_method),
    (403, weak_key),
    (415, wrong_media_type),
    (413, too_large),
    (400, not_json),
    (404, missing_document),
    (422, invalid),
    (412, stale),
    (409, conflict),
]
RESOURCES: dict[Wrong, str] = {unknown_url: "route", unknown_namespace: "namespace", missing_document: "document"}


@pytest.fixture
def request_(documents: Documents, settings: Any) -> Request:
    settings.MAX_BODY_BYTES = 4000
    headers = {**headers_of(documents.api), "Content-Type": JSON_PATCH}
    return Request(documents, url=documents.url(documents.new({"a": 1})), headers=headers)


def test_nothing_wrong_is_200(request_: Request) -> None:
    assert request_.send().status_code == 200


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(range(len(CHECKS)), 2)))
def test_of_two_faults_the_earlier_check_answers(request_: Request, first: int, second: int) -> None:
    status, wrong = CHECKS[first]
    CHECKS[second][1](request_)
    wrong(request_)
    answer = request_.send()
    assert answer.status_code == status
    if status == 404:
        assert answer.json()["error"]["details"]["resource"] == RESOURCES[wrong]


def test_everything_wrong_peels_off_in_order(request_: Request) -> None:
    wrong = list(CHECKS)
    while wrong:
        request = Request(request_.documents, url=request_.url, headers=dict(request_.headers))
        for _, spoil in reversed(wrong):
            spoil(request)
        assert request.send().status_code == wrong.pop(0)[0]


@pytest.mark.parametrize("number", [number for number in range(len(CHECKS)) if CHECKS[number][1] is not unknown_namespace])
def test_a_namespace_that_is_not_named_is_a_bad_request_like_any_other(request_: Request, number: int) -> None:
    """Where several could be meant: 400 comes after the method, the key and the body, and before what is named."""
    cast.namespace(Organization.objects.get(pk=request_.documents.api.scope.organization_id))
    status, wrong = CHECKS[number]
    wrong(request_)
    del request_.headers["X-Namespace"]
    assert request_.send().status_code == (status if number < [check[0] for check in CHECKS].index(400) else 400)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_body_of_another_place_comes_before_what_is_invalid_in_it(documents: Documents, method: str) -> None:
    made = documents.new()
    for url in (documents.url(made), f"/v1/documents/{made}"):
        for elsewhere in ({"document_id": "doc_other"}, {"collection_id": "col_other"}):
            assert documents.api.call(method, url, {**elsewhere, "_x": 1}).status_code == 400
    assert documents.post({"collection_id": "col_other", "_x": 1}).status_code == 400


def test_a_missing_resource_comes_before_an_invalid_body(api: Api, documents: Documents) -> None:
    assert api.post("/v1/collections/col_nowhere/documents", {"_x": 1}).status_code == 404
    assert api.post("/v1/collections/col_nowhere/documents/list", {"nonsense": 1}).status_code == 404
    assert documents.put("doc_nowhere", {"_x": 1}).status_code == 404
    assert api.delete(documents.url("doc_nowhere", "?on_children=x")).status_code == 404


def test_invalid_comes_before_taken(documents: Documents) -> None:
    documents.create({"document_id": "doc_1"})
    assert documents.post({"document_id": "doc_1", "_x": 1}).status_code == 422


def test_stale_comes_before_children_that_forbid_a_delete(documents: Documents) -> None:
    parent = documents.new()
    documents.create({"source_document_id": parent})
    assert documents.delete(parent, "?on_children=restrict", If_Match='"1"').status_code == 412
    assert documents.delete(parent, "?on_children=restrict").status_code == 409


# Shape ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(CHECKS)))
def test_every_error_has_the_one_shape(request_: Request, number: int) -> None:
    status, wrong = CHECKS[number]
    wrong(request_)
    answer = request_.send()
    body = answer.json()
    assert body.keys() == {"success", "status", "error"}
    assert (body["success"], body["status"], answer.status_code) == (False, status, status)
    assert body["error"].keys() == {"message", "type", "details"}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("wrong", "type_"),
    [
        (no_key, "UnauthorizedError"),
        (weak_key, "ForbiddenError"),
        (unknown_namespace, "NotFoundError"),
        (wrong_method, "MethodNotAllowedError"),
        (wrong_media_type, "UnsupportedMediaTypeError"),
        (too_large, "PayloadTooLargeError"),
        (not_json, "BadRequestError"),
        (invalid, "ValidationError"),
        (stale, "PreconditionFailedError"),
        (conflict, "ConflictError"),
    ],
)
def test_the_type_of_an_error_is_stable(request_: Request, wrong: Wrong, type_: str) -> None:
    wrong(request_)
    assert request_.send().error == type_


def test_a_validation_error_lists_what_is_wrong_and_where(documents: Documents) -> None:
    errors = documents.post({"document_blobs": [{"field": "f"}]}).json()["error"]["details"]["validation_errors"]
    assert [error.keys() for error in errors] == [{"type", "location", "message"}]
    assert errors[0]["location"] == ["body", "document_blobs", 0, "url"]


def test_an_error_nobody_foresaw_tells_nothing(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    from documents import queries

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("SELECT secret FROM somewhere")

    monkeypatch.setattr(queries, "document", broken)
    answer = send("GET", documents.url("doc_1"), headers_of(documents.api))
    assert (answer.status_code, answer.error) == (500, "InternalServerError")
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content


# Keys -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic sk_x", "sk_x", "Bearer sk_unknown", "Bearer sk_é"]
)
def test_without_a_good_key_it_is_401(documents: Documents, header: str | None) -> None:
    headers = headers_of(documents.api)
    del headers["Authorization"]
    if header is not None:
        headers["Authorization"] = header
    answer = send("GET", documents.path, headers)
    assert (answer.status_code, answer.error) == (401, "UnauthorizedError")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_read_in_any_case(documents: Documents, scheme: str) -> None:
    headers = {**headers_of(documents.api), "Authorization": f"{scheme}  {documents.api.token} "}
    assert send("GET", documents.path, headers).status_code == 200


@pytest.mark.parametrize("field_", ["revoked_at", "expires_at"])
def test_a_revoked_or_expired_key_is_401(documents: Documents, field_: str) -> None:
    key = documents.api.key(Permission.ADMIN)
    newest = ApiKey.objects.order_by("-id").values_list("id", flat=True)[0]
    ApiKey.objects.filter(id=newest).update(**{field_: "2020-01-01T00:00:00Z"})
    assert key.get(documents.path).status_code == 401


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        (Permission.READ, {"GET", "LIST", "LINEAGE"}),
        (Permission.WRITE, {"GET", "LIST", "LINEAGE", "POST", "PUT", "PATCH"}),
        (Permission.DELETE, {"GET", "LIST", "LINEAGE", "POST", "PUT", "PATCH", "DELETE"}),
        (Permission.ADMIN, {"GET", "LIST", "LINEAGE", "POST", "PUT", "PATCH", "DELETE"}),
    ],
)
def test_a_permission_includes_the_weaker(documents: Documents, permission: Permission, allowed: set[str]) -> None:
    api, made = documents.api.key(permission), documents.new()
    answers = {
        "GET": api.get(documents.url(made)),
        "LIST": api.post(f"{documents.path}/list"),
        "LINEAGE": api.get(documents.url(made, "/lineage")),
        "POST": api.post(documents.path, {}),
        "PUT": api.put(documents.url(made), {}),
        "PATCH": api.patch(documents.url(made), {}),
        "DELETE": api.delete(documents.url(made)),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 200} == allowed
    assert {answer.status_code for name, answer in answers.items() if name not in allowed} <= {403}


# Namespaces -----------------------------------------------------------------------------------------------------------


def test_a_namespace_is_named_by_id_or_name(documents: Documents) -> None:
    name = Namespace.objects.get(public_id=documents.api.namespace).name
    for named in (name, documents.api.namespace):
        assert send("GET", documents.path, {**headers_of(documents.api), "X-Namespace": str(named)}).status_code == 200


def test_a_name_may_be_of_any_language(documents: Documents) -> None:
    """Headers carry bytes; a server hands them over as Latin-1."""
    Namespace.objects.filter(public_id=documents.api.namespace).update(name="книги ü")
    headers = headers_of(documents.api) | {"X-Namespace": "книги ü".encode().decode("latin-1")}
    assert send("GET", documents.path, headers).status_code == 200


def test_without_the_header_the_only_namespace_is_meant(documents: Documents) -> None:
    headers = headers_of(documents.api)
    del headers["X-Namespace"]
    assert send("GET", documents.path, headers).status_code == 200
    cast.namespace(Organization.objects.get(pk=documents.api.scope.organization_id))
    assert send("GET", documents.path, headers).status_code == 400


def test_a_namespace_outside_the_keys_patterns_is_404_never_403(documents: Documents) -> None:
    api = documents.api
    inside = api.key(Permission.ADMIN, str(api.namespace)), api.key(Permission.ADMIN, "ns_*"), api.key(Permission.ADMIN, "*")
    outside = api.key(Permission.ADMIN, "ns_other"), api.key(Permission.ADMIN, "x*"), api.key(Permission.ADMIN, "ns%")
    assert [key.get(documents.path).status_code for key in inside] == [200, 200, 200]
    assert [key.get(documents.path).status_code for key in outside] == [404, 404, 404]


# HTTP -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "allow"),
    [
        ("", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/list", {"POST", "OPTIONS"}),
        ("/doc_1", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        ("/doc_1/lineage", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_405_and_says_what_is_allowed(documents: Documents, suffix: str, allow: set[str]) -> None:
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - allow:
        answer = send(method, documents.path + suffix, headers_of(documents.api), b"{}")
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == allow
    options = send("OPTIONS", documents.path + suffix, {})
    assert (options.status_code, options.content) == (204, b"")
    assert set(options.headers["Allow"].split(", ")) == allow


def test_head_is_get_without_the_body(documents: Documents) -> None:
    made = documents.new({"title": "é"})
    for url in (documents.url(made), documents.path, documents.url("doc_nowhere"), documents.url(made, "/lineage")):
        got, head = (send(method, url, headers_of(documents.api)) for method in ("GET", "HEAD"))
        assert head.content == b""
        for answer in (got, head):
            del answer.headers["X-Request-ID"]
        assert (head.status_code, head.headers) == (got.status_code, got.headers)
        assert int(head.headers["Content-Length"]) == len(got.content)


def test_a_trailing_slash_changes_nothing(documents: Documents) -> None:
    made = documents.new()
    headers = headers_of(documents.api)
    for method, url in (
        *(("GET", documents.url(made)), ("PUT", documents.url(made)), ("PATCH", f"/v1/documents/{made}")),
        *(("POST", documents.path), ("POST", f"{documents.path}/list"), ("GET", documents.url(made, "/lineage"))),
        ("GET", documents.path),
    ):
        assert send(method, url + "/", headers, b"{}").status_code == 200
    assert send("DELETE", documents.url(made) + "/", headers).status_code == 200


@pytest.mark.parametrize(
    "url", ["/v1", "/v1/", "/v1/nonsense", "/v1/documents", "/v1/collections/c/documents/d/x", "/v1//documents/x"]
)
def test_an_unknown_url_is_404_even_without_a_key(db: None, url: str) -> None:
    answer = send("GET", url, {})
    assert (answer.status_code, answer.error) == (404, "NotFoundError")


@pytest.mark.parametrize(
    ("media_type", "fine"),
    [
        *((None, True), ("application/json", True), ("application/json; charset=utf-8", True), ("application/json ; x=y", True)),
        *(('application/json; charset="utf-8"', True), ("APPLICATION/JSON;charset=UTF-8", True)),
        *(("text/plain", False), ("application/x-www-form-urlencoded", False), ("multipart/form-data; boundary=x", False)),
        *(
            ("application/json; charset=latin-1", False),
            ("application/json; charset=utf-16", False),
            ("application/jsonx", False),
        ),
        *(("application/merge-patch+json", False), ("*/*", False), ("json", False)),
    ],
)
def test_a_body_is_json_or_415(documents: Documents, media_type: str | None, fine: bool) -> None:
    headers = headers_of(documents.api) | ({} if media_type is None else {"Content-Type": media_type})
    for url in (documents.path, f"{documents.path}/list"):
        assert send("POST", url, headers, b"{}").status_code == (200 if fine else 415)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "compress"])
def test_a_compressed_body_is_415(documents: Documents, encoding: str) -> None:
    answer = send("POST", documents.path, {**headers_of(documents.api), "Content-Encoding": encoding}, b"{}")
    assert (answer.status_code, answer.error) == (415, "UnsupportedMediaTypeError")
    plain = {**headers_of(documents.api), "Content-Encoding": "identity"}
    assert send("POST", documents.path, plain, b"{}").status_code == 200


def test_an_empty_body_is_an_empty_query_and_no_document(documents: Documents) -> None:
    headers = headers_of(documents.api)
    for body in (None, b""):
        assert send("POST", f"{documents.path}/list", headers, body).status_code == 200
        assert send("POST", documents.path, headers, body).status_code == 400


def test_a_body_in_chunks_is_read_and_limited(documents: Documents, settings: Any) -> None:
    headers = {**headers_of(documents.api), "Transfer-Encoding": "chunked"}
    answer = send("POST", documents.path, headers, stream=io.BytesIO(b'{"a": 1}'))
    assert answer.json()["a"] == 1
    settings.MAX_BODY_BYTES = 100
    answer = send("POST", documents.path, headers, stream=io.BytesIO(b" " * 101))
    assert answer.status_code == 413


def test_a_body_that_says_it_is_too_large_is_not_read(documents: Documents) -> None:
    class Unreadable(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

    headers = {**headers_of(documents.api), "Content-Length": str(33 * 1024 * 1024)}
    answer = send("POST", documents.path, headers, stream=Unreadable())
    assert (answer.status_code, answer.error) == (413, "PayloadTooLargeError")


@pytest.mark.parametrize("sent", ["x", "r-1", "a b", "~" * 128, "!", "x=1; y"])
def test_a_decent_request_id_is_echoed(documents: Documents, sent: str) -> None:
    for url in (documents.path, "/v1/nonsense", documents.url("doc_nowhere")):
        assert send("GET", url, {**headers_of(documents.api), "X-Request-ID": sent}).headers["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 129, "é", "a\tb", "a\x7f", "a\x00"])
def test_another_one_is_replaced(documents: Documents, sent: str | None) -> None:
    headers = headers_of(documents.api) | ({} if sent is None else {"X-Request-ID": sent})
    given = {send("GET", documents.path, headers).headers["X-Request-ID"] for _ in range(2)}
    assert len(given) == 2
    assert all(one.isascii() and 1 <= len(one) <= 128 for one in given)


def test_answers_are_utf8_json_of_their_length(documents: Documents) -> None:
    answer = send("POST", documents.path, headers_of(documents.api), '{"é": "😀"}'.encode())
    assert answer.headers["Content-Type"] == "application/json"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert json.loads(answer.content.decode("utf-8"))["é"] == "😀"
