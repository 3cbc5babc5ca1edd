"""Bytes that nothing names are deleted, and no others."""

from typing import Any

import pytest
from django.conf import settings

from documents import housekeeping
from mixpeek_site import sql
from mixpeek_site.blob_stores.configuration import LocalOptions, S3Options
from namespaces import services
from tests import cast
from tests.api.places import Documents
from tests.cast import Api


@pytest.fixture
def api(db: None) -> Api:
    return cast.api()


@pytest.fixture
def bucket(api: Api) -> str:
    return cast.bucket(api)


def upload(api: Api, bucket: str) -> Any:
    made = api.call("POST", f"/v1/buckets/{bucket}/blobs", b"bytes", content_type="image/png")
    assert made.status_code == 200, made
    return made.json()


def is_there(url: str) -> bool:
    [options] = settings.BLOB_STORES
    assert isinstance(options, LocalOptions)
    return (options.directory / url.removeprefix("local://")).exists()


def later() -> list[str]:
    """Housekeeping's round when everything is due."""
    sql.run("UPDATE namespaces_storedblob s SET check_at = now() - interval '1 minute' WHERE s.namespace_id > 0")
    return list(housekeeping.purge_blobs(lambda: False))


def test_an_upload_that_was_never_used_goes_after_a_day(api: Api, bucket: str) -> None:
    made = upload(api, bucket)
    assert list(housekeeping.purge_blobs(lambda: False)) == []
    assert is_there(made["url"])
    assert later() == ["Deleted 1 blob that nothing named."]
    assert not is_there(made["url"])
    answer = api.post(
        f"/v1/buckets/{bucket}/objects", {"blobs": [{"property": "x", "type": "image", "upload_id": made["upload_id"]}]}
    )
    assert (answer.status_code, answer.faults) == (422, ["body.blobs.0.upload_id"])


def test_what_an_object_names_stays_until_it_does_not(api: Api, bucket: str) -> None:
    made, path = upload(api, bucket), f"/v1/buckets/{bucket}/objects"
    named = [{"property": "x", "type": "image", "upload_id": made["upload_id"]}]
    for object_id in ("first", "second"):
        api.post(path, {"object_id": object_id, "blobs": named})
    assert later() == []
    api.delete(f"{path}/second")
    assert later() == []
    assert is_there(made["url"])
    api.patch(f"{path}/first", {"blobs": []})
    assert later() == ["Deleted 1 blob that nothing named."]
    assert not is_there(made["url"])


@pytest.mark.parametrize("place", ["document_blobs", "source_blobs"])
def test_what_a_document_names_outlives_its_object(api: Api, bucket: str, place: str) -> None:
    made, documents = upload(api, bucket), Documents(api, cast.collection(api))
    document = documents.new({place: [{"field": "x", "url": made["url"]}]})
    assert later() == []
    assert is_there(made["url"])
    documents.delete(document)
    assert later() == ["Deleted 1 blob that nothing named."]


def test_a_foreign_namespaces_document_keeps_nothing(api: Api, bucket: str) -> None:
    made, foreign = upload(api, bucket), cast.api()
    Documents(foreign, cast.collection(foreign)).new({"document_blobs": [{"field": "x", "url": made["url"]}]})
    assert later() == ["Deleted 1 blob that nothing named."]


def test_a_deleted_namespaces_blobs_go_whatever_names_them(api: Api, bucket: str) -> None:
    made = upload(api, bucket)
    named = [{"property": "x", "type": "image", "upload_id": made["upload_id"]}]
    api.post(f"/v1/buckets/{bucket}/objects", {"blobs": named})
    services.delete_namespace(scope=api.scope)
    assert later() == ["Deleted 1 blob that nothing named."]
    assert not is_there(made["url"])


def test_a_blob_whose_store_is_gone_waits(api: Api, bucket: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = upload(api, bucket)
    local = settings.BLOB_STORES
    monkeypatch.setenv("K_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("K_SECRET_ACCESS_KEY", "k")
    settings.BLOB_STORES = (S3Options(("films",), credentials="K"),)
    assert later() == []
    settings.BLOB_STORES = local
    assert is_there(made["url"])
    assert later() == ["Deleted 1 blob that nothing named."]
