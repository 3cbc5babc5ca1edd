"""/v1/buckets"""

import pytest

from tests import cast
from tests.cast import Api

BODY = {"bucket_name": "films", "bucket_schema": cast.SCHEMA}


def test_a_bucket_comes_back_as_it_was_sent(api: Api) -> None:
    sent = {
        **BODY,
        "description": "Everything before 1930",
        "unique_key": {"fields": ["title"], "default_policy": "upsert"},
        "metadata": {"team": "archive", "n": 2**64 + 1},
        "storage_class": "archive",
        "destination": {"connection_id": "conn_1", "prefix": "out/"},
    }
    made = api.post("/v1/buckets", sent)
    answer = made.json()
    assert made.headers["Location"] == f"/v1/buckets/{answer['bucket_id']}"
    assert {name: answer[name] for name in sent} == sent
    assert (answer["object_count"], answer["total_size_bytes"], answer["status"]) == (0, 0, "ACTIVE")


def test_types_of_every_generation_are_accepted(api: Api) -> None:
    properties = {"a": {"type": "document"}, "b": {"type": "excel"}, "c": {"type": "array", "items": {"type": "string"}}}
    assert api.post("/v1/buckets", {**BODY, "bucket_schema": {"properties": properties}}).status_code == 200


def test_a_bucket_is_found_by_id_and_by_name(api: Api) -> None:
    made = api.post("/v1/buckets", {**BODY, "bucket_id": "bkt_films"}).json()
    assert api.get("/v1/buckets/films").json() == api.get("/v1/buckets/bkt_films").json() == made


def test_a_taken_name_or_id_is_409(api: Api) -> None:
    api.post("/v1/buckets", {**BODY, "bucket_id": "bkt_films"})
    assert api.post("/v1/buckets", BODY).error == "AlreadyExistsError"
    assert api.post("/v1/buckets", {**BODY, "bucket_name": "other", "bucket_id": "bkt_films"}).status_code == 409


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"bucket_name": "bkt_1"}, "body.bucket_name"),
        ({"bucket_schema": {}}, "body.bucket_schema.properties"),
        ({"bucket_schema": {"properties": {"x": {"type": "text", "items": 3}}}}, "body.bucket_schema.properties.x.items"),
        ({"unique_key": {}}, "body.unique_key.fields"),
        ({"storage_class": "attic"}, "body.storage_class"),
        ({"colour": 1}, "body.colour"),
    ],
)
def test_a_wrong_body_is_422_where_it_is_wrong(api: Api, change: dict[str, object], fault: str) -> None:
    assert api.post("/v1/buckets", BODY | change).faults == [fault]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_set_what_is_named(api: Api, method: str) -> None:
    bucket = cast.bucket(api, "films", metadata={"a": 1}, storage_class="archive")
    changed = api.call(method, f"/v1/buckets/{bucket}", {"metadata": {"b": 2}, "bucket_name": "old films"}).json()
    assert (changed["metadata"], changed["bucket_name"]) == ({"b": 2}, "old films")
    assert (changed["storage_class"], changed["bucket_schema"]) == ("archive", cast.SCHEMA)
    assert (
        api.call(method, f"/v1/buckets/{bucket}?force_schema_break=true", {"storage_class": None}).json()["storage_class"] is None
    )


def test_sizes_and_states_of_its_objects(api: Api) -> None:
    bucket = cast.bucket(api, "films")
    blob = {"property": "title", "type": "text", "data": "12345"}
    for body in ({"blobs": [blob, blob]}, {"status": "FAILED"}):
        api.post(f"/v1/buckets/{bucket}/objects", body)
    answer = api.get("/v1/buckets/films").json()
    assert (answer["object_count"], answer["failed_object_count"], answer["total_size_bytes"]) == (2, 1, 10)
    assert answer["storage_stats"] == {"total_size_bytes": 10, "avg_size_bytes": 5, "max_size_bytes": 10, "min_size_bytes": 0}
    assert answer["last_upload_at"] is not None


def test_a_bucket_with_objects_is_deleted_only_by_force(api: Api) -> None:
    bucket = cast.bucket(api, "films")
    cast.bucket_object(api, bucket, "clip")
    assert api.delete("/v1/buckets/films").error == "ConflictError"
    assert api.delete("/v1/buckets/films?force_foreclose=true").json() == {"message": "Successfully deleted", "success": True}
    assert api.delete("/v1/buckets/films").status_code == 404
    assert api.get(f"/v1/buckets/{bucket}/objects/clip").status_code == 404


def test_an_empty_bucket_is_simply_deleted(api: Api) -> None:
    assert api.delete(f"/v1/buckets/{cast.bucket(api)}").status_code == 200


def test_a_foreign_namespaces_bucket_is_404(api: Api) -> None:
    foreign = cast.bucket(cast.api(), "films")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        for identifier in (foreign, "films"):
            assert api.call(method, f"/v1/buckets/{identifier}", {}).status_code == 404
    assert api.get("/v1/buckets").json()["total_count"] == 0


def test_stats_of_the_page(api: Api) -> None:
    bucket = cast.bucket(api, "films")
    cast.bucket(api, "books")
    cast.bucket_object(api, bucket)
    listed = api.post("/v1/buckets/list").json()
    assert [each["object_count"] for each in listed["results"]] == [1, 0]
    assert compare(listed["stats"]) == {
        "total_objects": 1,
        "total_size_bytes": 0,
        "avg_objects_per_bucket": 0.5,
        "avg_size_per_bucket": 0,
    }


def compare(stats: dict[str, object]) -> dict[str, float]:
    return {name: float(str(value)) for name, value in stats.items()}


@pytest.mark.parametrize(("depth", "status"), [(5, 200), (30, 200), (31, 422), (500, 422), (100_000, 422)])
def test_deeply_nested_schemas_are_stored_or_refused(api: Api, depth: int, status: int) -> None:
    field = '{"type":"object","properties":{"x":' * depth + '{"type":"string"}' + "}}" * depth
    text = f'{{"bucket_name":"films","bucket_schema":{{"properties":{{"x":{field}}}}}}}'
    assert api.post("/v1/buckets", text).status_code == status
