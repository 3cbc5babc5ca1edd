"""Whatever arrives at any route, there is an answer in the one shape, and never a 5xx."""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from mixpeek_site.wsgi import application
from tests import cast, conformance
from tests.fuzz import garbage

QUIET: Any = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
ROUTES = sorted({path for _, path, _ in conformance.operations()})
ALLOWED = {path: [method for method, of, _ in conformance.operations() if of == path] for path in ROUTES}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X" * 300, ""]
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@pytest.fixture
def api(db: None) -> cast.Api:
    return cast.api()


ROOT = "s3://films/1"


@pytest.fixture
def ids(api: cast.Api) -> dict[str, str]:
    bucket, collection = cast.bucket(api), cast.collection(api)
    document = api.post(f"/v1/collections/{collection}/documents", {"title": "x", "source_object_id": ROOT}).json()
    return {
        "namespace_identifier": api.namespace or "",
        "bucket_identifier": bucket,
        "object_identifier": cast.bucket_object(api, bucket),
        "object_id": ROOT,
        "collection_identifier": collection,
        "document_id": document["document_id"],
    }


@pytest.mark.parametrize("route", [*ROUTES, "/v1/{anything}", "/v1/collections/{collection_identifier}/{anything}"])
@settings(max_examples=25, derandomize=True, **QUIET)
@given(data=st.data())
def test_some_garbage(route: str, data: st.DataObject, api: cast.Api, ids: dict[str, str]) -> None:
    throw(route, data, api, ids)


@pytest.mark.full
@pytest.mark.parametrize("route", [*ROUTES, "/v1/{anything}", "/v1/collections/{collection_identifier}/{anything}"])
@settings(max_examples=400, derandomize=True, **QUIET)
@given(data=st.data())
def test_much_garbage(route: str, data: st.DataObject, api: cast.Api, ids: dict[str, str]) -> None:
    throw(route, data, api, ids)


def _mostly(existing: str) -> st.SearchStrategy[str]:
    return st.integers(0, 3).flatmap(lambda number: st.just(existing) if number else garbage.anything)


def throw(route: str, data: st.DataObject, api: cast.Api, ids: dict[str, str]) -> None:
    path = _PLACEHOLDER.sub(lambda found: data.draw(_mostly(ids.get(found[1], "x"))), route)
    # As a server hands it over: percent-decoded, the bytes as Latin-1.
    raw = path.encode(errors="surrogatepass").decode("latin-1")
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in data.draw(garbage.queries).items())
    body = data.draw(garbage.bodies)
    method = data.draw(st.sampled_from(ALLOWED.get(route, METHODS)) | st.sampled_from(METHODS))
    environ = {
        **{"REQUEST_METHOD": method, "PATH_INFO": raw, "SCRIPT_NAME": ""},
        **{"QUERY_STRING": data.draw(st.just(query) | garbage.latin_1)},
        **{"SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1"},
        **{"wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "wsgi.version": (1, 0)},
        **{"wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False},
        **{"CONTENT_LENGTH": str(len(body)), "HTTP_AUTHORIZATION": f"Bearer {api.token}", "HTTP_X_NAMESPACE": api.namespace},
    }
    media_type = data.draw(garbage.media_types)
    if media_type is not None:
        environ["CONTENT_TYPE"] = media_type.encode(errors="replace").decode("latin-1")
    environ |= data.draw(garbage.headers)
    with unharmed(api):
        status, answered, content = send(environ)
    event(f"status {status}")
    where = f"{status} {answered} {content[:500]!r} to {environ}, body {body[:500]!r}"
    assert status < 500, where
    assert answered.get("X-Request-ID"), where
    if status >= 400 and method != "HEAD":
        assert answered["Content-Type"] == "application/json", where
        found = conformance.faults_of(json.loads(content), {"$ref": "#/components/schemas/ErrorResponse"})
        assert not found, where
    if raw.isascii() and raw.isprintable() and method.isupper():
        conformance.check(method, quote(raw), status, answered, content)


def _quoted(text: str) -> str:
    return quote(text, errors="surrogatepass")


def send(environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    caught: list[Any] = []
    response = application(environ, lambda status, headers, exc_info=None: caught.append((status, headers)))
    try:
        content = b"".join(response)
    finally:
        # As Django's own test client does: a stream's end would close the connection in the middle of the test's transaction.
        request_finished.disconnect(close_old_connections)
        getattr(response, "close", lambda: None)()
        request_finished.connect(close_old_connections)
    return int(caught[0][0].split()[0]), dict(caught[0][1]), content


@contextlib.contextmanager
def unharmed(api: cast.Api) -> Iterator[None]:
    """Undo what a request did, so that the next one finds everything in its place."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
