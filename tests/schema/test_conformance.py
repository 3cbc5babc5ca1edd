"""The check that every answer of the API's tests passes (tests/conformance.py) finds what it is for."""

import json
from typing import Any

import pytest

from tests import conformance

HEADERS = {"X-Request-ID": "r", "Content-Type": "application/json", "ETag": '"1"', "Location": "/"}
DOCUMENT = {"document_id": "d", "collection_id": "c", "document_blobs": [], "anything": 1}
ME = {
    "organization_id": "org_1",
    "account_type": "x",
    "key": {"name": "k", "key_type": "s", "permissions": [], "expires_at": None},
}
ERROR = {"success": False, "status": 404, "error": {"message": "m", "type": "NotFoundError", "details": {}}}


def check(method: str, path: str, status: int, body: Any, headers: dict[str, str] = HEADERS) -> None:
    conformance.check(method, path, status, headers, b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/v1/documents/d?schema_version=v1", 200, DOCUMENT),
        ("GET", "/v1/documents/d/", 304, None),
        ("HEAD", "/v1/documents/d", 200, None),
        ("GET", "/v1/me", 200, ME),
        ("GET", "/v1/nowhere", 404, ERROR),
        ("POST", "/v1/me", 405, {**ERROR, "status": 405}),
        ("DELETE", "/v1/buckets/b/objects/o", 204, None),
    ],
)
def test_what_is_described_passes(method: str, path: str, status: int, body: Any) -> None:
    check(method, path, status, body)


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/v1/me", 418, ME),
        ("GET", "/v1/me", 200, {**ME, "more": 1}),
        ("GET", "/v1/me", 200, {**ME, "key": {**ME["key"], "more": 1}}),  # type: ignore[dict-item]
        ("GET", "/v1/me", 200, {"organization_id": "org_1"}),
        ("GET", "/v1/documents/d", 200, {**DOCUMENT, "_internal": {}}),
        ("GET", "/v1/me", 404, {**ERROR, "status": 400}),
        ("GET", "/v1/me", 404, {"detail": "Not found."}),
        ("GET", "/v1/nowhere", 200, {}),
        ("POST", "/v1/me", 200, ME),
        ("DELETE", "/v1/buckets/b/objects/o", 204, {}),
        ("HEAD", "/v1/documents/d", 200, DOCUMENT),
    ],
)
def test_what_is_not_described_fails(method: str, path: str, status: int, body: Any) -> None:
    with pytest.raises(AssertionError):
        check(method, path, status, body)


@pytest.mark.parametrize("missing", ["X-Request-ID", "Content-Type", "ETag"])
def test_a_missing_header_fails(missing: str) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != missing}
    with pytest.raises(AssertionError):
        check("GET", "/v1/documents/d", 200, DOCUMENT, headers)
