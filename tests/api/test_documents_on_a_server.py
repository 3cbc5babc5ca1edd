"""What only a real server can show: bodies in pieces, bodies too large, connections kept alive."""

import http.client
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from namespaces import credentials
from namespaces.models import ApiKey, Permission
from tests.api.places import Documents
from tests.api.racing import Racer

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1024 * 1024


@pytest.fixture
def racer(server: str, documents: Documents) -> Racer:
    return Racer([server], documents.api)


def raw(racer: Racer, head: str, *pieces: bytes, wait: float = 10) -> tuple[str, float]:
    """The status line that the server answers with, and after how many seconds; the connection is not ended by us."""
    netloc = urlsplit(racer.servers[0])
    started = time.monotonic()
    with socket.create_connection((str(netloc.hostname), netloc.port or 80), timeout=wait) as connection:
        key = f"Authorization: Bearer {racer.api.token}\r\nX-Namespace: {racer.api.namespace}"
        connection.sendall(f"{head}\r\nHost: localhost\r\n{key}\r\n".encode())
        for piece in pieces:
            connection.sendall(piece)
        return connection.recv(4096).decode(errors="replace").split("\r\n")[0], time.monotonic() - started


def test_a_body_that_announces_more_than_32_mib_is_refused_before_it_comes(racer: Racer, documents: Documents) -> None:
    for method, path in (("POST", documents.path), ("PATCH", documents.url("doc_1")), ("POST", f"{documents.path}/list")):
        status, seconds = raw(racer, f"{method} {path} HTTP/1.1", f"Content-Length: {33 * MIB}\r\n\r\n{{".encode())
        assert status.startswith("HTTP/1.1 413")
        assert seconds < 5


def test_an_endless_body_in_chunks_is_refused_at_the_limit(racer: Racer, documents: Documents) -> None:
    chunk = b"100000\r\n" + b" " * MIB + b"\r\n"
    head = f"POST {documents.path} HTTP/1.1\r\nTransfer-Encoding: chunked"
    status, _ = raw(racer, head, b"\r\n", *[chunk] * 33, wait=30)
    assert status.startswith("HTTP/1.1 413")


def test_a_body_in_chunks_is_one_body(racer: Racer, documents: Documents) -> None:
    netloc = urlsplit(racer.servers[0]).netloc
    connection = http.client.HTTPConnection(netloc, timeout=10)
    headers = {"Authorization": f"Bearer {racer.api.token}", "X-Namespace": str(racer.api.namespace)}
    connection.request("POST", documents.path, iter([b'{"a": "', b"x" * 100_000, b'"}']), headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


def test_a_document_of_16_mib_goes_in_and_out(racer: Racer, documents: Documents) -> None:
    fields = {"text": "é" * (8 * MIB - 100)}
    made = racer.call("POST", documents.path, fields)
    assert made.status == 200
    assert racer.call("GET", documents.url(made.body["document_id"])).body["text"] == fields["text"]


def test_one_connection_serves_many_requests_of_every_outcome(racer: Racer, documents: Documents) -> None:
    connection = http.client.HTTPConnection(urlsplit(racer.servers[0]).netloc, timeout=10)
    headers = {"Authorization": f"Bearer {racer.api.token}", "X-Namespace": str(racer.api.namespace)}
    made = documents.new({"a": 1})
    wanted: list[tuple[str, str, Any, int]] = [
        ("GET", documents.url(made), None, 200),
        ("HEAD", documents.url(made), None, 200),
        ("GET", documents.url("doc_nowhere"), None, 404),
        ("HEAD", documents.url("doc_nowhere"), None, 404),
        ("POST", documents.path, b"{", 400),
        ("OPTIONS", documents.path, None, 204),
        ("DELETE", documents.path, None, 405),
        ("PATCH", documents.url(made), b'{"b": 2}', 200),
    ]
    for method, url, body, status in wanted:
        connection.request(method, url, body, headers)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_an_abyss_and_a_bomb_do_not_end_the_server(racer: Racer, documents: Documents) -> None:
    connection = http.client.HTTPConnection(urlsplit(racer.servers[0]).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {racer.api.token}", "X-Namespace": str(racer.api.namespace)}
    for body in (b"[" * 1_000_000, b'{"a":' * 200_000 + b"1" + b"}" * 200_000, b"[" + b"1e999," * 100_000 + b"1]", b"9" * MIB):
        connection.request("POST", documents.path, body, headers)
        response = connection.getresponse()
        response.read()
        assert 400 <= response.status < 500
    connection.close()
    assert racer.call("GET", documents.path).status == 200


def test_a_revoked_key_ends_within_five_seconds_where_it_is_known(racer: Racer, documents: Documents) -> None:
    key = documents.api.key(Permission.READ)
    known = Racer(racer.servers, key)
    assert known.call("GET", documents.path).status == 200
    ApiKey.objects.filter(digest=credentials.digest(str(key.token))).update(revoked_at="2020-01-01T00:00:00Z")
    until = time.monotonic() + 5
    while known.call("GET", documents.path).status == 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert known.call("GET", documents.path).status == 401
