"""Blobs of the local store: kept out of the row, shown with a signed URL, served to who has one and to nobody else."""

import base64
import hashlib
import io
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings

from mixpeek_site import blob_stores
from mixpeek_site.blob_stores import local
from mixpeek_site.blob_stores.configuration import LocalOptions
from namespaces.models import Organization
from tests import cast
from tests.api import wire
from tests.api.places import Documents
from tests.cast import Api

CONTENT = bytes(range(256)) * 5
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def bucket(api: Api) -> str:
    return cast.bucket(api, "films")


@pytest.fixture
def path(bucket: str) -> str:
    return f"/v1/buckets/{bucket}/objects"


def blob_of(api: Api, path: str, data: Any, **more: Any) -> Any:
    made = api.post(path, {"blobs": [{"property": "x", "type": "image", "data": data, **more}]})
    assert made.status_code == 200, made
    [blob] = api.get(f"{path}/{made.json()['object_id']}?return_presigned_urls=true").json()["blobs"]
    return blob


def upload(api: Api, bucket: str, content: bytes = CONTENT, query: str = "?filename=a.bin", **more: str) -> Any:
    made = api.call("POST", f"/v1/buckets/{bucket}/blobs{query}", content, content_type=more.pop("content_type", ""), **more)
    assert made.status_code == 200, made
    return made.json()


def url_of(api: Api, bucket: str, content: bytes = CONTENT, query: str = "?filename=a.bin", **more: str) -> str:
    """A signed URL, without the host."""
    made = upload(api, bucket, content, query, **more)
    signed = blob_stores.sign(made["url"], blob_stores.Owner(api.scope.organization_public_id, str(api.namespace))).url
    assert signed is not None
    return signed.removeprefix("http://testserver").removeprefix("http://localhost")


def files() -> list[Path]:
    [options] = settings.BLOB_STORES
    assert isinstance(options, LocalOptions)
    return [each for each in options.directory.rglob("*") if each.is_file()]


# What becomes of bytes in a body ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "content", "properties", "filename", "mime_type"),
    [
        ("data:image/png;base64,aGk=", b"hi", {}, None, "image/png"),
        ("data:,h%20i", b"h i", {}, None, "text/plain"),
        ({"base64": "aGk", "mime_type": "image/x-own", "filename": "a/b ü.x", "w": 1}, b"hi",
         {"mime_type": "image/x-own", "filename": "a/b ü.x", "w": 1}, "a/b ü.x", "image/x-own"),
        ("é" * 2049, "é".encode() * 2049, {}, None, "text/plain"),
    ],
)  # fmt: skip
def test_bytes_in_a_body_are_in_the_store_and_not_in_the_row(
    api: Api, path: str, data: Any, content: bytes, properties: Any, filename: str | None, mime_type: str
) -> None:
    blob = blob_of(api, path, data)
    url, signed = blob["properties"].pop("url"), blob.pop("presigned_url")
    assert url.startswith(f"local://{api.scope.organization_public_id}/{api.namespace}/")
    assert blob["properties"] == properties
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert blob["details"] == {"filename": filename, "size_bytes": len(content), "mime_type": mime_type, "hash": digest}
    served = api.get(signed.removeprefix("http://testserver"))
    assert (served.content, served.headers["Content-Type"].partition(";")[0]) == (content, mime_type)


@pytest.mark.parametrize("data", ["é" * 2048, 17, [1], {"a": 1}, "s3://a/b", "local://org/ns/00/1/x"])
def test_short_texts_json_and_urls_stay_as_they_are(api: Api, path: str, data: Any) -> None:
    before = files()
    properties = blob_of(api, path, data)["properties"]
    assert data in (properties, properties.get("data"), properties.get("url"))
    assert files() == before


@pytest.mark.parametrize("data", [{"base64": "!"}, {"base64": 1}, "data:image/png;base64,a*", {"base64": "data:;base64,é"}])
def test_what_is_not_base64_is_422_where_it_is(api: Api, path: str, data: Any) -> None:
    answer = api.post(path, {"blobs": [{"property": "y", "type": "text"}, {"property": "x", "type": "image", "data": data}]})
    assert (answer.status_code, answer.faults) == (422, ["body.blobs.1.data"])


def test_what_a_refused_object_held_is_gone_at_once(api: Api, path: str) -> None:
    sent = {"object_id": "clip", "blobs": [{"property": "x", "type": "image", "data": {"base64": "aGk="}}]}
    assert api.post(path, sent).status_code == 200
    before = files()
    assert api.post(path, sent).status_code == 409
    assert api.patch(f"{path}/none", {"blobs": sent["blobs"]}).status_code == 404
    assert files() == before


def test_put_and_patch_store_bytes_too_and_put_what_you_get_stores_none(api: Api, path: str) -> None:
    made = api.post(path, {"object_id": "clip", "blobs": []}).json()
    sent = [{"property": "x", "type": "image", "data": {"base64": "aGk="}}]
    changed = api.patch(f"{path}/clip", {"blobs": sent}).json()
    assert changed["blobs"][0]["details"]["size_bytes"] == 2
    before = files()
    again = api.put(f"{path}/clip", api.get(f"{path}/clip?return_presigned_urls=true").json()).json()
    assert again["blobs"] == changed["blobs"]
    assert (files(), made["blobs"]) == (before, [])


def test_a_batch_stores_what_each_object_holds(api: Api, path: str) -> None:
    sent = [{"blobs": [{"property": "x", "type": "image", "data": {"base64": text}}]} for text in ("aGk=", "!", "aG8=")]
    answer = api.post(f"{path}/batch", {"objects": sent}).json()
    assert [each["object_index"] for each in answer["succeeded"]] == [0, 2]
    assert [each["error_type"] for each in answer["failed"]] == ["ValidationError"]


# Uploads ------------------------------------------------------------------------------------------------------------------


def test_an_upload_is_named_by_an_object(api: Api, bucket: str, path: str) -> None:
    made = upload(api, bucket, query="?filename=%C3%A9.mp4", content_type="video/mp4")
    assert made == {
        **{"upload_id": made["upload_id"], "url": made["url"], "size_bytes": 1280, "checksum": DIGEST},
        **{"content_type": "video/mp4", "filename": "é.mp4"},
    }
    assert re.fullmatch(r"upl_[0-9a-f]{24}", made["upload_id"])
    blob = blob_of(api, path, None, upload_id=made["upload_id"], checksum=DIGEST[7:].upper())
    assert blob["properties"] == {"url": made["url"], "upload_id": made["upload_id"]}
    assert blob["details"] == {"filename": "é.mp4", "size_bytes": 1280, "mime_type": "video/mp4", "hash": DIGEST}
    assert api.get(blob["presigned_url"].removeprefix("http://testserver")).content == CONTENT


def test_an_upload_that_is_unknown_foreign_or_another_one_is_422(api: Api, bucket: str, path: str) -> None:
    foreign = cast.api()
    theirs = upload(foreign, cast.bucket(foreign))["upload_id"]
    mine = upload(api, bucket)["upload_id"]
    for more in (
        *({"upload_id": theirs}, {"upload_id": "upl_1"}, {"upload_id": mine, "checksum": "0" * 64}),
        *({"upload_id": mine, "data": "s3://a/b"}, {"data": {"base64": "aGk="}, "checksum": "0" * 64}),
    ):
        answer = api.post(path, {"blobs": [{"property": "x", "type": "video", **more}]})
        assert (answer.status_code, answer.error) == (422, "ValidationError"), (more, answer)


@pytest.mark.parametrize("length", [None, 1280])
def test_an_upload_beyond_the_limit_is_413_and_leaves_nothing(api: Api, bucket: str, settings: Any, length: int | None) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    before = files()
    headers = wire.headers_of(api) | ({"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)})
    answer = wire.send("POST", f"/v1/buckets/{bucket}/blobs", headers, stream=io.BytesIO(CONTENT))
    assert (answer.status_code, answer.error) == (413, "PayloadTooLargeError")
    assert files() == before


def test_an_upload_that_ends_early_leaves_nothing(api: Api, bucket: str) -> None:
    before = files()
    headers = wire.headers_of(api) | {"Content-Length": "1281"}
    answer = wire.send("POST", f"/v1/buckets/{bucket}/blobs", headers, stream=io.BytesIO(CONTENT))
    assert (answer.status_code, answer.error) == (400, "BadRequestError")
    assert files() == before


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("?filename=" + "x" * 256, {}, 422),
        ("?filename=%00", {}, 422),
        ("?colour=1", {}, 422),
        ("", {"Content_Encoding": "gzip"}, 415),
    ],
)
def test_a_wrong_upload_is_refused(api: Api, bucket: str, query: str, headers: dict[str, str], status: int) -> None:
    assert api.call("POST", f"/v1/buckets/{bucket}/blobs{query}", b"x", **headers).status_code == status


def test_a_store_that_cannot_be_written_is_503(api: Api, bucket: str, settings: Any) -> None:
    settings.BLOB_STORES = (LocalOptions(Path("/dev/null/blobs")),)
    answer = api.call("POST", f"/v1/buckets/{bucket}/blobs", b"x")
    assert (answer.status_code, answer.error) == (503, "ServiceUnavailableError")


# Serving ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("range_", "status", "part", "content_range"),
    [
        ("bytes=0-4", 206, CONTENT[:5], "bytes 0-4/1280"),
        ("bytes=1275-", 206, CONTENT[1275:], "bytes 1275-1279/1280"),
        ("bytes=1270-9999", 206, CONTENT[1270:], "bytes 1270-1279/1280"),
        ("bytes=-3", 206, CONTENT[-3:], "bytes 1277-1279/1280"),
        ("bytes=-9999", 206, CONTENT, "bytes 0-1279/1280"),
        ("bytes=1280-", 416, b"", "bytes */1280"),
        ("bytes=-0", 416, b"", "bytes */1280"),
        ("bytes=5-4", 200, CONTENT, None),
        ("bytes=0-1,4-5", 200, CONTENT, None),
        ("items=0-1", 200, CONTENT, None),
    ],
)
def test_a_range_is_served(api: Api, bucket: str, range_: str, status: int, part: bytes, content_range: str | None) -> None:
    served = api.get(url_of(api, bucket), Range=range_)
    assert (served.status_code, served.content, served.headers.get("Content-Range")) == (status, part, content_range)


def test_if_range_and_if_none_match_know_the_version(api: Api, bucket: str) -> None:
    url = url_of(api, bucket)
    first = api.get(url)
    for known in (first.headers["ETag"], first.headers["Last-Modified"]):
        assert api.get(url, Range="bytes=0-0", If_Range=known).status_code == 206
    for other in ('"x"', "Sat, 01 Jan 2000 00:00:00 GMT", "nonsense"):
        assert api.get(url, Range="bytes=0-0", If_Range=other).status_code == 200
    assert api.get(url, If_None_Match=first.headers["ETag"]).status_code == 304


def test_a_large_blob_is_streamed_whole_and_in_parts(api: Api, bucket: str) -> None:
    content = os.urandom(2**21 + 7)
    url = url_of(api, bucket, content)
    assert api.get(url).content == content
    assert api.get(url, Range=f"bytes=3-{2**20 + 10}").content == content[3 : 2**20 + 11]


def test_head_says_what_get_gives(api: Api, bucket: str) -> None:
    url = url_of(api, bucket)
    got, asked = wire.send("GET", url, {}), wire.send("HEAD", url, {})
    assert asked.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges"):
        assert asked.headers[name] == got.headers[name], name
    assert got.headers["Content-Length"] == "1280"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_blob_is_only_read(api: Api, bucket: str, method: str) -> None:
    url = url_of(api, bucket)
    refused = api.call(method, url, b"x")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert api.get(url).content == CONTENT


def test_an_expired_or_tampered_url_is_403(api: Api, bucket: str, settings: Any) -> None:
    url, other = url_of(api, bucket), url_of(api, bucket, b"other", "?filename=b.bin")
    path, _, query = url.partition("?")
    expires = re.findall(r"expires=(\d+)", query)[0]
    for wrong in (
        *(path, f"{path}?expires={expires}", f"{other.partition('?')[0]}?{query}", url[:-1] + ("0" if url[-1] != "0" else "1")),
        *(url.replace(f"expires={expires}", f"expires={int(expires) + 1}"), url.replace(expires, f"0{expires}"), url + "0"),
        *(f"{path}x?{query}", url.replace("expires=", "expires=-"), url.replace("signature=", "signature=%C3%A9")),
    ):
        assert api.get(wrong).status_code == 403, wrong
    settings.BLOB_URL_SECONDS = -1
    assert api.get(url_of(api, bucket)).status_code == 403
    settings.SECRET_KEY = "another"
    assert api.get(url).status_code == 403


@pytest.mark.parametrize(
    "key",
    [
        *("../../../etc/passwd", "/etc/passwd", "a/b/c/d/../../../../../../etc/passwd", "a/b/c/d/..", "a/b/c/d/.", "a//c/d/e"),
        *(
            "a/b/c/d/e\x00",
            "a\\b/c/d/e/f",
            "a/b/c/d/.type",
            "a/b/c/d",
            "a/b/c/d/" + "x" * 300,
            "a/b/c/d/e\n",
            "a/b/link/d/passwd",
        ),
        "a/b/c/d/link",
    ],
)
def test_no_key_leads_out_of_the_directory_though_it_were_signed(api: Api, settings: Any, tmp_path: Path, key: str) -> None:
    settings.BLOB_STORES = (LocalOptions(tmp_path / "blobs"),)
    outside = tmp_path / "outside" / "d"
    outside.mkdir(parents=True)
    (outside / "passwd").write_text("secret")
    inside = tmp_path / "blobs" / "a" / "b"
    (inside / "c" / "d").mkdir(parents=True)
    (inside / "link").symlink_to(outside.parent)
    (inside / "c" / "d" / "link").symlink_to(outside / "passwd")
    expires = 9_999_999_999
    url = f"{local.PATH}{quote(key)}?expires={expires}&signature={local.signature(key, expires)}"
    answer = api.get(url)
    assert answer.status_code in (403, 404), answer
    assert b"secret" not in answer.content


@pytest.mark.parametrize(
    ("filename", "content_type", "disposition"),
    [
        ("a.png", "image/png", 'inline; filename="a.png"'),
        ("a.mp4", "video/mp4", 'inline; filename="a.mp4"'),
        ("a.html", "text/html", 'attachment; filename="a.html"'),
        ("a.svg", "image/svg+xml", 'attachment; filename="a.svg"'),
        ("a.pdf", "application/pdf", 'attachment; filename="a.pdf"'),
        ('a".exe', "application/octet-stream", 'attachment; filename="a_.exe"'),
        ("é.png", "image/png", "inline; filename*=utf-8''%C3%A9.png"),
    ],
)
def test_nothing_that_was_uploaded_runs_on_this_origin(
    api: Api, bucket: str, filename: str, content_type: str, disposition: str
) -> None:
    served = api.get(url_of(api, bucket, b"<script>", f"?filename={quote(filename)}", content_type=content_type))
    assert served.headers["Content-Disposition"] == disposition
    assert served.headers["Content-Type"] == content_type
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_too_many_large_downloads_at_once_are_refused_and_ended_ones_make_room(api: Api, bucket: str, settings: Any) -> None:
    from mixpeek_site.api import blobs

    settings.BLOB_DOWNLOADS_AT_ONCE = 1
    blobs._slots.cache_clear()
    url = url_of(api, bucket, bytes(2**20 + 1))
    held = api._client.get(url)
    assert api.get(url).error == "TooManyRequestsError"
    held.close()
    assert len(api.get(url).content) == 2**20 + 1
    blobs._slots.cache_clear()


# Documents ----------------------------------------------------------------------------------------------------------------


def with_blobs(documents: Documents, *urls: str, **more: Any) -> str:
    return documents.new({"document_blobs": [{"field": f"f{n}", "url": url} for n, url in enumerate(urls)], **more})


def test_a_documents_blob_is_signed_on_every_read(api: Api, bucket: str, documents: Documents) -> None:
    made = with_blobs(documents, upload(api, bucket)["url"], source_object_id="obj_1")
    child = documents.new({"source_document_id": made})
    ways = [
        documents.get(made, "?return_url=true"),
        documents.list({"return_urls": True, "filters": {"document_id": made}}).json()["results"][0],
        api.post("/v1/documents/batch-get", {"document_ids": [made]}).json()["documents"][0],
        documents.get(child, "?expand=parent&return_url=true")["_expanded"]["parent"],
        api.get(documents.url(child, "/ancestors?return_url=true")).json()[0],
        api.get("/v1/objects/obj_1/documents?return_url=true").json()["documents"][0],
    ]
    for shown in ways:
        signed = shown["document_blobs"][0]["presigned_url"]
        assert api.get(signed.removeprefix("http://testserver")).content == CONTENT


def test_an_expanded_object_has_signed_blobs(api: Api, bucket: str, path: str, documents: Documents) -> None:
    made = upload(api, bucket)["upload_id"]
    api.post(path, {"object_id": "clip", "blobs": [{"property": "v", "type": "video", "upload_id": made}]})
    document = documents.new({"source_object_id": "clip", "root_bucket_id": bucket})
    shown = documents.get(document, "?expand=root_object&return_url=true")["_expanded"]["root_object"]["blobs"][0]
    assert api.get(shown["presigned_url"].removeprefix("http://testserver")).content == CONTENT


def test_a_blob_of_another_namespace_is_not_signed(api: Api, documents: Documents) -> None:
    for foreign in (cast.api(), cast.api(Organization.objects.get(pk=api.scope.organization_id))):
        url = upload(foreign, cast.bucket(foreign))["url"]
        made = with_blobs(documents, url)
        [blob] = documents.get(made, "?return_url=true")["document_blobs"]
        assert "presigned_url" not in blob
        assert blob["unavailable_reason"] == "It belongs to another namespace."
        answer = documents.list({"return_url": True, "filters": {"document_id": made}}).json()
        assert answer["warnings"] == [f"Blobs of {made} have no presigned_url: It belongs to another namespace."]
        assert api.get(documents.url(made, "/download")).status_code == 409


def test_blobs_keep_every_member_exactly(documents: Documents) -> None:
    blob = {"field": 'é"', "url": "https://host/é?a=1#b", "n": 2**64 + 1, "x": {"y": [None, "\u2028"]}, "object_key": None}
    made = documents.new({"document_blobs": [blob, {"field": "g", "url": "gs://a/b", "object_key": "k"}]})
    shown = documents.get(made, "?return_url=true&schema_version=v2")
    assert shown["document_blobs"][0] == {**blob, "presigned_url": blob["url"]}
    assert shown["presigned_urls"] == [{"key_name": 'é"', "object_key": "é", "presigned_url": blob["url"]}]


def test_a_host_that_is_not_ours_gets_no_urls_that_lead_to_it(api: Api, bucket: str, documents: Documents) -> None:
    made = with_blobs(documents, upload(api, bucket)["url"])
    headers = wire.headers_of(api) | {"Host": "evil.example"}
    [blob] = wire.send("GET", documents.url(made, "?return_url=true"), headers).json()["document_blobs"]
    assert "PUBLIC_URL" in blob["unavailable_reason"]


# Download -----------------------------------------------------------------------------------------------------------------


def test_a_download_leads_to_the_bytes(api: Api, bucket: str, documents: Documents) -> None:
    made = with_blobs(documents, upload(api, bucket)["url"], "https://host/é b?x=1")
    answer = api.get(documents.url(made, "/download"), Accept="*/*")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
    assert api.get(answer.headers["Location"].removeprefix("http://testserver")).content == CONTENT
    other = api.get(documents.url(made, "/download?field=f1"), Accept="text/html,*/*;q=0.8")
    assert other.headers["Location"] == "https://host/%C3%A9%20b?x=1"


def test_a_client_that_asks_for_json_is_told_the_url(api: Api, documents: Documents) -> None:
    made = with_blobs(documents, "https://host/a", start_time=1.5, metadata={"end_time": 3, "start_time": 9})
    answer = api.get(documents.url(made, "/download"), Accept="application/json")
    assert answer.json() == {"download_url": "https://host/a", "cached": False, "start_time": 1.5, "end_time": 3}


@pytest.mark.parametrize(
    ("urls", "query", "status"),
    [
        ((), "", 404),
        (("https://host/a",), "?field=none", 404),
        (("https://host/a",), "?colour=1", 422),
        (("gs://a/b",), "", 409),
        (("nothing",), "", 409),
        (("https://host/" + "x" * 9000,), "", 409),
        (("http://[",), "", 302),
        (("https://host/a\r\nSet-Cookie: x=1",), "", 302),
    ],
)
def test_what_can_not_be_downloaded_says_why(documents: Documents, urls: tuple[str, ...], query: str, status: int) -> None:
    answer = documents.api.get(documents.url(with_blobs(documents, *urls), f"/download{query}"))
    assert answer.status_code == status, answer
    assert "Set-Cookie" not in answer.headers


def test_base64_of_any_size_is_stored_as_it_is(api: Api, path: str) -> None:
    content = os.urandom(3 * 2**20)
    blob = blob_of(api, path, {"base64": base64.b64encode(content).decode()})
    assert api.get(blob["presigned_url"].removeprefix("http://testserver")).content == content
