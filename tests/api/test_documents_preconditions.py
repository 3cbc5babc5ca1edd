"""ETag, If-None-Match and If-Match (contract section 6)."""

from typing import Any

import pytest

from documents.models import Document
from tests.api.places import Documents
from tests.cast import Api


def etag(documents: Documents, document_id: str, query: str = "") -> str:
    return str(documents.api.get(documents.url(document_id, query)).headers["ETag"])


def test_every_answer_with_a_document_carries_its_etag(api: Api, documents: Documents) -> None:
    made = documents.post({"document_id": "doc_1"})
    assert made.headers["ETag"] == etag(documents, "doc_1")
    for response in (documents.put("doc_1", {}), documents.patch("doc_1", {}), api.patch("/v1/documents/doc_1", {})):
        assert response.headers["ETag"].startswith('"')
    assert response.headers["ETag"] == etag(documents, "doc_1") == api.get("/v1/documents/doc_1").headers["ETag"]


def test_every_write_changes_the_etag(documents: Documents) -> None:
    made = documents.new({"a": 1})
    tags = [etag(documents, made)]
    for _ in range(3):
        tags += [documents.put(made, {"a": 1}).headers["ETag"], documents.patch(made, {}).headers["ETag"]]
    assert len(set(tags)) == 7


@pytest.mark.pgvector
def test_the_etag_is_of_the_representation_too(documents: Documents) -> None:
    made = documents.new({"vectors": {"a": [1]}})
    queries = ("native", "v1", "v2", "v1&return_vectors=true", "v1&return_vector_names=true", "v1&return_url=true")
    assert len({etag(documents, made, f"?schema_version={query}") for query in queries}) == len(queries)


def test_versions_do_not_repeat_after_delete_and_create(documents: Documents) -> None:
    tags = set()
    for _ in range(5):
        tags.add(documents.post({"document_id": "doc_1"}).headers["ETag"])
        documents.delete("doc_1")
    assert len(tags) == 5


def test_version_and_updated_at_grow_even_when_the_clock_went_back(documents: Documents) -> None:
    made = documents.new()
    Document.objects.filter(document_id=made).update(version=2**60, updated_at="2099-01-01T00:00:00Z")
    before = etag(documents, made)
    times = [write(made, {}).json()["_internal"]["updated_at"] for write in (documents.patch, documents.put)]
    assert times == ["2099-01-01T00:00:00.000001Z", "2099-01-01T00:00:00.000002Z"]
    assert [before, etag(documents, made)] == [f'"{2**60}-native"', f'"{2**60 + 2}-native"']


# If-None-Match ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*", ' {} , "x"'])
def test_a_get_of_what_the_client_has_is_304(documents: Documents, form: str) -> None:
    made = documents.new()
    tag = etag(documents, made)
    for method in ("GET", "HEAD"):
        response = documents.api.call(method, documents.url(made), If_None_Match=form.format(tag))
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", tag)


def test_a_get_of_what_changed_is_200(documents: Documents) -> None:
    made = documents.new()
    tag = etag(documents, made)
    documents.patch(made, {})
    assert documents.api.get(documents.url(made), If_None_Match=tag).status_code == 200
    assert documents.api.get(documents.url(made, "?schema_version=v1"), If_None_Match=etag(documents, made)).status_code == 200


def test_an_answer_with_signed_urls_is_never_304(documents: Documents) -> None:
    made = documents.new()
    for flag in ("return_url", "return_urls", "return_presigned_urls"):
        url = documents.url(made, f"?{flag}=true")
        tag = documents.api.get(url).headers["ETag"]
        assert documents.api.get(url, If_None_Match=tag).status_code == 200
        assert documents.api.get(url, If_None_Match="*").status_code == 200


# If-Match -----------------------------------------------------------------------------------------------------------


def write(documents: Documents, method: str, document_id: str, tag: str) -> Any:
    content_type = "application/json-patch+json" if method == "JSON PATCH" else "application/json"
    body = [] if method == "JSON PATCH" else {"b": 2}
    return documents.api.call(method.split()[-1], documents.url(document_id), body, content_type=content_type, If_Match=tag)


WRITES = ["PUT", "PATCH", "JSON PATCH", "DELETE"]


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("form", ["{}", "*", '"1-native", {}'])
def test_a_write_of_what_the_client_has_is_done(documents: Documents, method: str, form: str) -> None:
    made = documents.new({"a": 1})
    assert write(documents, method, made, form.format(etag(documents, made))).status_code == 200


@pytest.mark.parametrize("method", WRITES)
def test_a_write_of_what_changed_is_refused_and_changes_nothing(documents: Documents, method: str) -> None:
    made = documents.new({"a": 1})
    stale = etag(documents, made)
    before = documents.patch(made, {}).json()
    for tag in (stale, f"W/{etag(documents, made)}", '"nonsense"', "nonsense", '"99999999999999999999-native"'):
        response = write(documents, method, made, tag)
        assert (response.status_code, response.error) == (412, "PreconditionFailedError")
    assert documents.get(made) == before


@pytest.mark.parametrize("method", WRITES)
def test_if_match_compares_the_version_only(documents: Documents, method: str) -> None:
    made = documents.new({"a": 1})
    assert write(documents, method, made, etag(documents, made, "?schema_version=v2&return_url=true")).status_code == 200


@pytest.mark.parametrize("method", WRITES)
def test_what_is_missing_is_404_before_any_precondition(documents: Documents, method: str) -> None:
    assert write(documents, method, "doc_nowhere", "*").status_code == 404
    assert write(documents, method, "doc_nowhere", '"1-native"').status_code == 404


def test_if_match_guards_lineage_too(documents: Documents) -> None:
    made = documents.new({"root_object_id": "obj_1"})
    stale = etag(documents, made)
    documents.patch(made, {})
    for body in ({"source_document_id": "doc_x"}, {"root_object_id": "obj_1"}):
        assert documents.patch(made, body, If_Match=stale).status_code == 412
        assert documents.put(made, body, If_Match=stale).status_code == 412
    assert documents.lineage(made) == {"root_object_id": "obj_1"}


@pytest.mark.parametrize("mode", ["detach", "restrict", "cascade"])
def test_a_delete_of_every_mode_takes_if_match(documents: Documents, mode: str) -> None:
    made = documents.new()
    assert documents.delete(made, f"?on_children={mode}", If_Match='"1-native"').status_code == 412
    assert documents.delete(made, f"?on_children={mode}", If_Match=etag(documents, made)).status_code == 200


def test_an_empty_header_means_no_precondition(documents: Documents) -> None:
    assert documents.put(documents.new(), {}, If_Match="").status_code == 200
