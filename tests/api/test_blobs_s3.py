"""Blobs in S3, over HTTP: the endpoint is OpenStack Swift's, which checks every signature itself (tests/s3_endpoint.py)."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixpeek_site import blob_stores
from mixpeek_site.blob_stores import Owner, configuration, sigv4
from mixpeek_site.blob_stores.s3 import S3Store
from mixpeek_site.errors import ServiceUnavailableError
from tests import cast
from tests.api.places import Documents
from tests.cast import Api

KEY, SECRET = "store:writer", "secret/+="
OWNER = Owner("org_a", "ns_a")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.s3_endpoint", KEY, SECRET, "films"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def films(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One store for all tests: its clients take longer to make than what they send."""
    url = f"s3://films?endpoint={endpoint}&style=path&credentials=FILMS"
    return configuration.read(url, tmp_path_factory.mktemp("blobs"))


@pytest.fixture(autouse=True)
def _in_films(films: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("FILMS_SECRET_ACCESS_KEY", SECRET)
    settings.BLOB_STORES = films


def fetched(url: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def put(key: str, content: bytes) -> str:
    url = f"s3://films/{key}"
    blob_stores.put(url, [content[:3], content[3:]], "text/plain")
    return url


def signed(url: str) -> str:
    found = blob_stores.sign(url, OWNER)
    assert found.url is not None, found
    return found.url


@pytest.mark.parametrize("key", ["a.txt", "a b+c/%25%//é文/~x(y)*!'", "x&y=z?q#r;,@:$", "/lead", "𝄞"])
def test_what_was_stored_is_fetched_through_its_signed_url(key: str) -> None:
    assert fetched(signed(put(key, key.encode()))) == (200, key.encode())


def test_a_tampered_url_is_refused() -> None:
    url, other = signed(put("a", b"secret a")), signed(put("b", b"secret b"))
    for wrong in (
        *(
            url.replace("/films/a", "/films/b"),
            other.replace("/films/b", "/films/a"),
            url.replace("Expires=3600", "Expires=7200"),
        ),
        *(url[:-1] + ("0" if url[-1] != "0" else "1"), url.replace("store%3Awriter", "store%3Areader"), url + "&x=1"),
    ):
        status, content = fetched(wrong)
        assert (status, b"secret" in content) == (403, False), wrong
    assert fetched(url.partition("?")[0])[0] == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_url_for_reading_does_nothing_else(method: str) -> None:
    url = signed(put("a", b"secret"))
    assert fetched(url, method)[0] == 403
    assert fetched(url) == (200, b"secret")


def test_an_expired_url_is_refused() -> None:
    put("a", b"secret")
    [store] = blob_stores.stores()
    assert isinstance(store, S3Store)
    address = store._address("films")
    keys = sigv4.Credentials(KEY, SECRET)
    assert fetched(sigv4.signed_url(address, "a", keys, 60, int(time.time()))) == (200, b"secret")
    status, content = fetched(sigv4.signed_url(address, "a", keys, 60, int(time.time()) - 90))
    assert (status, b"expired" in content) == (403, True)


def test_what_is_deleted_is_gone() -> None:
    url = put("a", b"x")
    blob_stores.delete(url)
    assert fetched(signed(url))[0] == 404
    blob_stores.delete(url)


def test_a_store_that_refuses_is_unavailable_and_says_so(settings: Any, endpoint: str, tmp_path: Path) -> None:
    for text in (f"s3://other?endpoint={endpoint}", "s3://films?endpoint=http://127.0.0.1:9"):
        settings.BLOB_STORES = configuration.read(f"{text}&style=path&credentials=FILMS", tmp_path)
        with pytest.raises(ServiceUnavailableError, match="does not answer as it should"):
            blob_stores.put(blob_stores.new_url(OWNER, "a", "text/plain"), [b"x"], "text/plain")


def test_uploads_and_bytes_in_bodies_go_to_the_bucket(api: Api) -> None:
    bucket = cast.bucket(api)
    made = api.call("POST", f"/v1/buckets/{bucket}/blobs?filename=a.txt", b"uploaded", content_type="text/plain").json()
    assert made["url"].startswith(f"s3://films/mixpeek/{api.scope.organization_public_id}/{api.namespace}/")
    inline = {"property": "i", "type": "text", "data": {"base64": "aW5saW5l"}}
    blobs = [inline, {"property": "u", "type": "text", "upload_id": made["upload_id"]}]
    made = api.post(f"/v1/buckets/{bucket}/objects", {"blobs": blobs}).json()
    shown = api.get(f"/v1/buckets/{bucket}/objects/{made['object_id']}?return_presigned_urls=true").json()["blobs"]
    assert [fetched(blob["presigned_url"]) for blob in shown] == [(200, b"inline"), (200, b"uploaded")]


def test_documents_blobs_in_the_bucket_are_signed_and_others_say_why(documents: Documents) -> None:
    put("reel/1.mp4", b"film")
    blobs = [{"field": name, "url": url} for name, url in (("a", "s3://films/reel/1.mp4"), ("b", "s3://books/1"))]
    made = documents.new({"document_blobs": blobs})
    answer = documents.list({"return_url": True, "schema_version": "v2"}).json()
    [shown] = answer["results"]
    assert fetched(shown["presigned_url"]) == (200, b"film")
    assert [each["object_key"] for each in shown["presigned_urls"]] == ["reel/1.mp4"]
    reason = "No blob store is configured for the bucket books."
    assert shown["document_blobs"][1]["unavailable_reason"] == reason
    assert answer["warnings"] == [f"Blobs of {made} have no presigned_url: {reason}"]
    location = documents.api.get(documents.url(made, "/download")).headers["Location"]
    assert fetched(location) == (200, b"film")
    assert documents.api.get(documents.url(made, "/download?field=b")).json()["error"]["details"]["reason"] == reason
