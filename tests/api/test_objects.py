"""/v1/buckets/{bucket}/objects"""

from decimal import Decimal

import pytest

from tests import cast
from tests.cast import Api

VIDEO = {"property": "video", "type": "video", "data": "s3://films/reel/0042.mp4", "metadata": {"fps": 24}}


@pytest.fixture
def bucket(api: Api) -> str:
    return cast.bucket(api, "films")


@pytest.fixture
def path(bucket: str) -> str:
    return f"/v1/buckets/{bucket}/objects"


def test_an_object_comes_back_as_it_was_sent(api: Api, bucket: str, path: str) -> None:
    sent = {
        "key_prefix": "/1926",
        "blobs": [VIDEO],
        "edges": [{"type": "sequel_of", "target_object_id": "obj_1"}],
        "source_details": [{"type": "bucket", "source_id": "bkt_1"}],
        "title": "The General",
        "metadata": {"year": 1926, "big": 2**64 + 1, "rating": Decimal("0.1000000000000000055"), "none": None},
    }
    made = api.post(path, sent)
    answer = made.json()
    assert made.headers["Location"] == f"{path}/{answer['object_id']}"
    assert {name: answer[name] for name in sent if name != "blobs"} == {name: sent[name] for name in sent if name != "blobs"}
    assert (answer["bucket_id"], answer["status"], answer["document_count"]) == (bucket, "PENDING", 0)
    assert api.get(made.headers["Location"]).json() == answer


def test_a_blob_is_unified_and_described(api: Api, path: str) -> None:
    [blob] = api.post(path, {"blobs": [VIDEO]}).json()["blobs"]
    assert blob.pop("blob_id").startswith("blob_")
    assert blob == {
        "property": "video",
        "key_prefix": None,
        "type": "video",
        "properties": {"url": "s3://films/reel/0042.mp4", "fps": 24},
        "details": {"filename": "0042.mp4", "size_bytes": None, "mime_type": "video/mp4", "hash": None},
    }


@pytest.mark.parametrize(
    ("data", "properties", "details"),
    [
        ("hé", {"data": "hé"}, {"size_bytes": 3}),
        ("http://[oops", {"url": "http://[oops"}, {"filename": None}),
        (17, {"data": 17}, {"size_bytes": None}),
        ([1], {"data": [1]}, {}),
    ],
)
def test_data_of_every_form(api: Api, path: str, data: object, properties: object, details: dict[str, object]) -> None:
    [blob] = api.post(path, {"blobs": [{"property": "x", "type": "text", "data": data}]}).json()["blobs"]
    assert blob["properties"] == (data if properties is None else properties)
    assert {name: blob["details"][name] for name in details} == details


def test_a_checksum_is_the_hash(api: Api, path: str) -> None:
    [blob] = api.post(path, {"blobs": [{**VIDEO, "checksum": "AB" * 32}]}).json()["blobs"]
    assert blob["details"]["hash"] == "sha256:" + "ab" * 32


def test_put_what_you_get_changes_nothing_but_the_time(api: Api, path: str) -> None:
    made = api.post(path, {"blobs": [VIDEO], "title": "x", "edges": [{"type": "e", "target_object_id": "o"}]}).json()
    put = api.put(f"{path}/{made['object_id']}", made).json()
    assert put.pop("updated_at") > made.pop("updated_at")
    assert put == made


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_set_what_is_named(api: Api, path: str, method: str) -> None:
    api.post(path, {"object_id": "clip", "title": "x", "metadata": {"a": 1}, "key_prefix": "/a", "error": "late"})
    changed = api.call(method, f"{path}/clip", {"metadata": {"b": 2}, "status": "COMPLETED", "error": None, "note": "n"}).json()
    assert (changed["title"], changed["metadata"], changed["note"]) == ("x", {"b": 2}, "n")
    assert (changed["status"], changed["error"], changed["key_prefix"]) == ("COMPLETED", None, "/a")
    assert "title" not in api.call(method, f"{path}/clip", {"title": None}).json()


def test_blobs_are_replaced_as_a_whole(api: Api, path: str) -> None:
    api.post(path, {"object_id": "clip", "blobs": [VIDEO, VIDEO]})
    assert len(api.put(f"{path}/clip", {"blobs": [VIDEO]}).json()["blobs"]) == 1
    assert api.patch(f"{path}/clip", {"blobs": None}).json()["blobs"] == []


def test_another_object_or_bucket_in_the_body_is_400(api: Api, path: str) -> None:
    api.post(path, {"object_id": "clip"})
    assert api.patch(f"{path}/clip", {"object_id": "other"}).error == "BadRequestError"
    assert api.post(path, {"bucket_id": "bkt_other"}).error == "BadRequestError"
    assert api.post(path, {"bucket_id": "films"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"object_id": "list"}, "body.object_id"),
        ({"object_id": "a b"}, "body.object_id"),
        ({"object_id": 7}, "body.object_id"),
        ({"blobs": [{"type": "video"}]}, "body.blobs.0.property"),
        ({"blobs": [{"property": "x", "type": "movie"}]}, "body.blobs.0.type"),
        ({"blobs": {}}, "body.blobs"),
        ({"status": "tired"}, "body.status"),
        ({"_internal": {}}, "body._internal"),
        ({"idempotency_key": ""}, "body.idempotency_key"),
    ],
)
def test_a_wrong_body_is_422_where_it_is_wrong(api: Api, path: str, body: dict[str, object], fault: str) -> None:
    response = api.post(path, body)
    assert (response.status_code, response.faults) == (422, [fault])


def test_a_taken_id_is_409_in_the_whole_namespace(api: Api, path: str) -> None:
    api.post(path, {"object_id": "clip"})
    other = cast.bucket(api)
    assert api.post(path, {"object_id": "clip"}).error == "AlreadyExistsError"
    assert api.post(f"/v1/buckets/{other}/objects", {"object_id": "clip"}).status_code == 409
    assert api.get(f"/v1/buckets/{other}/objects/clip").status_code == 404


def test_the_same_idempotency_key_finds_the_first_object(api: Api, path: str) -> None:
    first = api.post(path, {"idempotency_key": "k", "n": 1}).json()
    assert api.post(path, {"idempotency_key": "k", "n": 2}).json()["object_id"] == first["object_id"]
    assert "idempotency_key" not in first
    assert api.post(f"{path}/list?include_total=true").json()["pagination"]["total"] == 1


def test_one_bad_object_does_not_stop_a_batch(api: Api, path: str) -> None:
    api.post(path, {"object_id": "there", "idempotency_key": "k"})
    objects = [{"object_id": "a"}, {"object_id": "there"}, 3, {"blobs": 1}, {"bucket_id": "bkt_x"}, {"idempotency_key": "k"}]
    answer = api.post(f"{path}/batch?auto_process=true", {"objects": objects}).json()
    assert [(each["object_index"], each["object_id"], each["replayed"]) for each in answer["succeeded"]] == [
        (0, "a", False),
        (5, "there", True),
    ]
    assert [(each["object_index"], each["error_type"]) for each in answer["failed"]] == [
        (1, "AlreadyExistsError"),
        (2, "ValidationError"),
        (3, "ValidationError"),
        (4, "BadRequestError"),
    ]
    assert (answer["total_requested"], answer["succeeded_count"], answer["failed_count"]) == (6, 2, 4)


@pytest.mark.parametrize("body", [{}, {"objects": []}, {"objects": 1}, {"objects": [{}] * 101}, {"objects": [{}], "x": 1}])
def test_a_batch_holds_1_to_100_objects(api: Api, path: str, body: dict[str, object]) -> None:
    assert api.post(f"{path}/batch", body).status_code == 422


def test_deleting_keeps_the_documents_unless_they_are_to_go(api: Api, path: str) -> None:
    collection = cast.collection(api)
    documents = f"/v1/collections/{collection}/documents"
    for name in ("kept", "gone"):
        api.post(path, {"object_id": name})
        api.post(documents, {"document_id": name, "source_type": "bucket", "source_object_id": name})
    assert api.get(f"{path}/kept").json()["document_count"] == 1
    assert api.get(f"{path}/kept?include_document_count=false").json()["document_count"] is None
    deleted = api.delete(f"{path}/kept")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert api.delete(f"{path}/gone?cascade=true").status_code == 204
    assert api.get(f"{documents}/kept").status_code == 200
    assert api.get(f"{documents}/gone").status_code == 404
    assert api.delete(f"{path}/gone").status_code == 404


def test_lists_page_in_creation_order_by_cursor(api: Api, path: str) -> None:
    names = [f"clip-{number}" for number in range(7)]
    for name in names:
        api.post(path, {"object_id": name})
    found, cursor = [], None
    while True:
        page = api.post(f"{path}/list", {"limit": 3, "cursor": cursor}).json()
        found += [each["object_id"] for each in page["results"]]
        cursor = page["pagination"]["next_cursor"]
        assert page["pagination"]["next_page"] is None or len(found) == 3
        if cursor is None:
            break
    assert found == names


def test_a_cursor_is_bound_to_its_list(api: Api, path: str) -> None:
    for _ in range(3):
        api.post(path, {})
    cursor = api.get(f"{path}?limit=1").json()["pagination"]["next_cursor"]
    assert api.get(f"{path}/list?limit=2&after={cursor}").status_code == 200
    other = cast.bucket(api)
    assert api.get(f"/v1/buckets/{other}/objects?cursor={cursor}").error == "BadRequestError"
    assert api.post(f"{path}/list", {"cursor": cursor, "search": "x"}).status_code == 400
    assert api.post(f"{path}/list", {"cursor": cursor, "sort": {"field": "object_id"}}).status_code == 400
    assert api.get(f"{path}?cursor=nonsense").status_code == 400


def test_filters_sort_and_search(api: Api, path: str) -> None:
    api.post(path, {"object_id": "a", "kind": "Film", "metadata": {"year": 1926}, "status": "COMPLETED"})
    api.post(path, {"object_id": "b", "kind": "film", "metadata": {"year": 1927}})
    api.post(path, {"object_id": "c", "kind": "book"})

    def found(**body: object) -> list[str]:
        response = api.post(f"{path}/list", body)
        assert response.status_code == 200, response
        return [each["object_id"] for each in response.json()["results"]]

    assert found(filters={"kind": "FILM"}) == ["a", "b"]
    assert found(filters={"kind": "film"}, case_sensitive=True) == ["b"]
    assert found(filters={"metadata.year": Decimal("1926.0")}) == ["a"]
    assert found(filters={"AND": [{"field": "kind", "operator": "in", "value": ["book", "film"]}, {"status": "PENDING"}]}) == [
        "b",
        "c",
    ]
    assert found(filters={"metadata": None}) == ["c"]
    assert found(sort={"field": "object_id", "direction": "desc"}) == ["c", "b", "a"]
    assert found(search="BOO") == ["c"]
    assert found(filters={}, sort=None, search="") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "body",
    [
        {"filters": {"OR": [{"kind": "film"}]}},
        {"filters": {"kind": {"a": 1}}},
        {"filters": {"field": "kind", "operator": "gt", "value": 1}},
        {"sort": {"field": "kind"}},
        {"sort": {"field": "object_id", "direction": "up"}},
        {"colour": 1},
        {"limit": 0},
        {"limit": True},
        {"offset": 10001},
    ],
)
def test_what_a_list_does_not_support_is_422(api: Api, path: str, body: dict[str, object]) -> None:
    assert api.post(f"{path}/list", body).status_code == 422


def test_select_keeps_the_ids(api: Api, bucket: str, path: str) -> None:
    api.post(path, {"object_id": "a", "metadata": {"x": 1, "y": 2, "z": {"q": 3}}, "title": "t"})
    [found] = api.post(f"{path}/list", {"select": ["metadata.x", "metadata.z.q", "nothing.here", "status"]}).json()["results"]
    assert found == {"object_id": "a", "bucket_id": bucket, "metadata": {"x": 1, "z": {"q": 3}}, "status": "PENDING"}


@pytest.mark.parametrize("parameter", ["return_presigned_urls", "return_urls", "return_url"])
def test_public_urls_are_their_own_download_urls(api: Api, path: str, parameter: str) -> None:
    api.post(path, {"object_id": "a", "blobs": [{"property": "v", "type": "video", "data": "https://films.test/a.mp4"}]})
    [blob] = api.get(f"{path}/a?{parameter}=true").json()["blobs"]
    assert blob["presigned_url"] == "https://films.test/a.mp4"
    assert api.post(f"{path}/list", {parameter: True}).json()["results"][0]["blobs"] == [blob]
    assert "presigned_url" not in api.get(f"{path}/a").json()["blobs"][0]


def test_a_foreign_object_is_404_everywhere(api: Api, path: str) -> None:
    foreign = cast.api()
    there = cast.bucket(foreign, "films")
    cast.bucket_object(foreign, there, "clip")
    for holder in (there, "films"):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            assert api.call(method, f"/v1/buckets/{holder}/objects/clip", {}).status_code == 404
    for route in ("", "/list", "/batch"):
        assert api.post(f"/v1/buckets/{there}/objects{route}", {}).status_code == 404


@pytest.mark.parametrize("object_id", ["%00", "x" * 4000, "%ED%A0%80", "é"])
def test_ids_that_nothing_can_have_are_404(api: Api, path: str, object_id: str) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        assert api.call(method, f"{path}/{object_id}", {"a": 1}).status_code == 404
