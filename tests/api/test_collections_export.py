"""POST /v1/collections/{c}/export: the whole of a collection as a stream, and how a stream ends that can't go on."""

import csv
import io
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import simplejson
from django.db import connection

from documents.api import exports
from documents.exporting import pipeline
from documents.exporting.formats import parquet
from mixpeek_site import sql
from mixpeek_site.errors import ServiceUnavailableError
from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.cast import Api, Response
from tests.server import remove_committed, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(collection: str) -> str:
    return f"/v1/collections/{collection}/export"


def lines(response: Response) -> list[Any]:
    assert response.status_code == 200, response
    assert response.headers["Content-Type"] == "application/x-ndjson"
    return [simplejson.loads(line, use_decimal=True) for line in response.content.splitlines()]


def test_every_document_is_a_line_as_the_api_shows_it(api: Api, documents: Documents, path: str) -> None:
    made = [api.post(documents.path, {"document_id": f"d{n}", "n": n, "exact": 2**64 + 1}).json() for n in range(450)]
    response = api.post(path)
    assert lines(response) == made
    assert response.content.endswith(b"\n")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{documents.collection}.jsonl"'


def test_an_empty_collection_is_an_empty_stream(api: Api, path: str) -> None:
    assert lines(api.post(path, {})) == []


def test_filters_select_and_limit_narrow_it(api: Api, documents: Documents, path: str) -> None:
    for n in range(6):
        api.post(documents.path, {"document_id": f"d{n}", "n": n, "metadata": {"even": n % 2 == 0}})
    body = {"filters": {"metadata.even": True}, "select": ["n"], "limit": 2}
    ids = {"collection_id": documents.collection}
    expected = [{**ids, "document_id": "d0", "n": 0}, {**ids, "document_id": "d2", "n": 2}]
    assert lines(api.post(path, body)) == expected
    hosted = {"filters": {"AND": [{"field": "metadata.even", "operator": "eq", "value": True}]}, "select_fields": ["n"]}
    assert lines(api.post(path, {**hosted, "sample_size": 2, "format": "json", "include_vectors": False})) == expected


@pytest.mark.pgvector
@pytest.mark.parametrize("schema_version", ["native", "v1", "v2"])
def test_every_rendering_is_the_answer_of_a_get(api: Api, documents: Documents, path: str, schema_version: str) -> None:
    api.post(documents.path, {"document_id": "d", "vectors": {"a": [0.5, 1]}, "metadata": {"a": None}, "modality": "x"})
    (line,) = lines(api.post(path, {"schema_version": schema_version, "return_vectors": True}))
    got = api.get(documents.url("d") + f"?schema_version={schema_version}&return_vectors=true").json()
    if schema_version == "native":  # which tells vectors from features, and names a vector once
        assert line.pop("features") == []
        got.pop("vector", None)
    assert line == got


def test_csv_and_parquet_have_the_same_rows(api: Api, documents: Documents, path: str) -> None:
    api.post(documents.path, {"document_id": "d1", "title": "a,b", "n": 1, "tags": ["x"]})
    api.post(documents.path, {"document_id": "d2", "n": 2})
    as_csv = api.post(path, {"format": "csv", "select": ["title", "n", "tags"]})
    assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(as_csv.content.decode(), newline="")))
    assert [(row["title"], row["n"], row["tags"]) for row in rows] == [("a,b", "1", '["x"]'), ("", "2", "")]
    table = pq.read_table(io.BytesIO(api.post(path, {"format": "parquet"}).content))
    assert table.select(["document_id", "title", "n"]).to_pylist() == [
        {"document_id": "d1", "title": "a,b", "n": 1},
        {"document_id": "d2", "title": None, "n": 2},
    ]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"sort": "n"}, "body.sort"),
        ({"format": "webdataset"}, "body.format"),
        ({"format": ["csv"]}, "body.format"),
        ({"schema_version": "v3"}, "body.schema_version"),
        ({"limit": 0}, "body.limit"),
        ({"sample_size": True}, "body.sample_size"),
        ({"select_fields": "n"}, "body.select_fields"),
        ({"select": ["n"] * 201}, "body.select"),
        ({"return_vectors": "yes"}, "body.return_vectors"),
        ({"include_media": True}, "body.include_media"),
        ({"destination": {"connection_id": "c"}}, "body.destination"),
        ({"filters": {"field": "n", "operator": "like", "value": 1}}, "body.filters.operator"),
        ({"filters": {"field": "n", "operator": "regex", "value": "("}}, "body.filters.value"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(api: Api, path: str, body: Any, place: str) -> None:
    response = api.post(path, body)
    assert (response.status_code, response.faults) == (422, [place])


def test_it_needs_the_permission_to_read_and_no_more(api: Api, path: str) -> None:
    assert api.key(Permission.READ).post(path).status_code == 200
    assert api.get(path).status_code == 405


def test_foreign_and_unknown_collections_are_404(api: Api, documents: Documents, path: str) -> None:
    documents.api.post(documents.path, {"title": "secret"})
    foreign = cast.api()
    assert foreign.post(path).status_code == 404
    assert foreign.post(path, {"format": "nonsense"}).status_code == 404
    assert api.post("/v1/collections/nowhere/export").status_code == 404
    narrow = api.key(Permission.READ, "other*")
    assert narrow.post(path).status_code == 404


# Streams that break off ------------------------------------------------------------------------------------------------


@pytest.fixture
def many(api: Api, documents: Documents) -> None:
    """More than a piece."""
    api.post(documents.path, {"document_id": "first"})
    for n in range(3):
        api.post(documents.path, {"document_id": f"d{n}", "text": "x" * 100_000})


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("format_", ["jsonl", "csv", "parquet"])
def test_a_stream_that_breaks_off_ends_in_what_no_parser_takes(
    api: Api, collection: str, format_: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "BYTES", 100_000)
    monkeypatch.setattr(pipeline, "PIECE_BYTES", 100)
    settings.EXPORT_SECONDS = -1
    content = b"".join(exports.Stream(api.scope, exports.read_export({"format": format_}, collection)))
    if format_ == "jsonl":
        *whole, last = content.split(b"\n")
        assert [json.loads(line)["document_id"] for line in whole][:1] == ["first"]
        assert b"took longer than" in last
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(last)
    elif format_ == "csv":
        with pytest.raises(csv.Error, match="unexpected end of data"):
            list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    else:
        with pytest.raises(pa.ArrowInvalid):
            pq.read_table(io.BytesIO(content))


@pytest.mark.usefixtures("many")
@pytest.mark.django_db(transaction=True)
def test_a_stream_whose_database_connection_is_lost_breaks_off_and_the_next_one_is_whole(
    api: Api, collection: str, path: str
) -> None:
    stream = exports.Stream(api.scope, exports.read_export({}, collection))
    first = next(stream)
    of = connection.settings_dict
    backend = connection.connection.info.backend_pid
    with psycopg.connect(
        dbname=of["NAME"],
        user=of["USER"],
        password=of["PASSWORD"],
        host=of["HOST"],
        port=of["PORT"],
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (backend,))
    content = first + b"".join(stream)
    assert b'{"_export_error":{"type":"ServiceUnavailableError"' in content.split(b"\n")[-1]
    assert len(lines(api.post(path))) == 4


def test_a_database_that_goes_before_the_first_byte_is_503(api: Api, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise ServiceUnavailableError("gone")

    monkeypatch.setattr(sql, "cursor", gone)
    assert api.post(path).status_code == 503


def test_more_exports_than_a_worker_serves_are_refused_and_ends_make_room(api: Api, documents: Documents, path: str) -> None:
    api.post(documents.path, {"document_id": "d"})
    asked = exports.read_export({}, documents.collection)
    under_way = [exports.Stream(api.scope, asked) for _ in range(2)]
    refused = api.post(path)
    assert (refused.status_code, refused.error) == (429, "TooManyRequestsError")
    assert int(refused.headers["Retry-After"]) > 0
    for stream in under_way:
        stream.close()
    assert len(lines(api.post(path))) == 1


# On a real server -------------------------------------------------------------------------------------------------------


@pytest.fixture
def strict_server(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[str]:
    """One worker that serves one export at a time, and waits two seconds for a client that takes nothing."""
    monkeypatch.setenv("EXPORTS_AT_ONCE", "1")
    monkeypatch.setenv("EXPORT_STALL_SECONDS", "2")
    with serving("--workers", "1", "--threads", "4") as url:
        yield url


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("client", ["stalls", "goes away", "is slow"])
def test_a_client_that_stops_reading_makes_room_and_a_slow_one_gets_everything(
    strict_server: str, api: Api, documents: Documents, path: str, client: str
) -> None:
    for n in range(40):
        api.post(documents.path, {"document_id": f"d{n}", "text": "x" * 500_000})
    address = urlsplit(strict_server)
    connection = socket.create_connection((str(address.hostname), address.port or 80), timeout=30)
    key = f"Authorization: Bearer {api.token}\r\nX-Namespace: {api.namespace}\r\nContent-Length: 0"
    connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{key}\r\n\r\n".encode())
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    headers = {"Authorization": f"Bearer {api.token}", "X-Namespace": str(api.namespace)}
    url = strict_server + path
    assert httpx.post(url, headers=headers).status_code == 429
    if client == "is slow":
        received = 0
        while received < 20_000_000:
            part = connection.recv(1 << 20)
            assert part, f"it ended after {received} bytes"
            received += len(part)
            time.sleep(0.1)
    elif client == "goes away":
        connection.close()
    ends = time.monotonic() + 20
    while httpx.post(url, headers=headers).status_code == 429:
        assert time.monotonic() < ends, "the export is still under way"
        time.sleep(0.2)
    connection.close()
    remove_committed()


def test_a_collection_whose_name_cannot_be_stored_is_not_found(api: Api) -> None:
    assert api.post("/v1/collections/%00/export", {}).status_code == 404
