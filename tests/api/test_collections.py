"""/v1/collections"""

from decimal import Decimal

import pytest

from namespaces.models import Permission
from tests import cast
from tests.cast import Api

SOURCE = {"type": "bucket", "bucket_ids": ["bkt_films"]}
EXTRACTOR = {
    "feature_extractor_name": "scene_detector",
    "version": "v2",
    "params": {"threshold": Decimal("0.1000000000000000055")},
    "input_mappings": {"video": "payload.video"},
    "field_passthrough": [{"source_path": "title"}],
}


def test_a_collection_comes_back_as_it_was_sent(api: Api) -> None:
    sent = {
        "collection_name": "scenes",
        "description": "Cuts",
        "source": SOURCE,
        "feature_extractor": EXTRACTOR,
        "input_schema": cast.SCHEMA,
        "metadata": {"team": "archive", "n": 2**64 + 1},
        "schedule": {"trigger_type": "cron", "schedule_config": {"cron": "0 * * * *"}},
        "taxonomy_applications": [{"taxonomy_id": "tax_1"}],
        "cluster_applications": [{"cluster_id": "cl_1"}],
    }
    made = api.post("/v1/collections", sent)
    answer = made.json()
    assert made.headers["Location"] == f"/v1/collections/{answer['collection_id']}"
    extractor = {**EXTRACTOR, "feature_extractor_id": "scene_detector_v2"}
    assert {name: answer[name] for name in sent} == {**sent, "feature_extractor": extractor}
    assert (answer["taxonomy_count"], answer["document_count"], answer["enabled"]) == (1, 0, True)


def test_without_an_extractor_it_passes_through(api: Api) -> None:
    answer = api.post("/v1/collections", {"collection_name": "scenes", "source": SOURCE}).json()
    assert answer["feature_extractor"]["feature_extractor_id"] == "passthrough_extractor_v1"
    assert (answer["input_schema"], answer["output_schema"]) == ({"properties": {}}, {"properties": {}})


def test_a_collection_is_found_by_id_and_by_name(api: Api) -> None:
    made = api.post("/v1/collections", {"collection_name": "scenes", "source": SOURCE}).json()
    assert api.get("/v1/collections/scenes").json() == made
    assert api.get(f"/v1/collections/{made['collection_id']}").json() == made


def test_a_taken_name_or_id_is_409(api: Api) -> None:
    body = {"collection_name": "scenes", "source": SOURCE, "collection_id": "col_scenes"}
    assert api.post("/v1/collections", body).json()["collection_id"] == "col_scenes"
    assert api.post("/v1/collections", {**body, "collection_id": None}).error == "AlreadyExistsError"
    assert api.post("/v1/collections", {**body, "collection_name": "other"}).error == "AlreadyExistsError"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"collection_name": "col_1"}, "body.collection_name"),
        ({"source": None}, "body.source"),
        ({"source": {}}, "body.source.type"),
        ({"source": {"type": "moon"}}, "body.source.type"),
        ({"feature_extractor": {"version": "v1"}}, "body.feature_extractor.feature_extractor_name"),
        ({"input_schema": {"properties": {"x": {"type": "vidio"}}}}, "body.input_schema.properties.x.type"),
        ({"enabled": "yes"}, "body.enabled"),
        ({"metadata": []}, "body.metadata"),
        ({"colour": 1}, "body.colour"),
        ({"collection_id": "scenes"}, "body.collection_id"),
    ],
)
def test_a_wrong_body_is_422_where_it_is_wrong(api: Api, change: dict[str, object], fault: str) -> None:
    response = api.post("/v1/collections", {"collection_name": "scenes", "source": SOURCE} | change)
    assert (response.status_code, response.faults) == (422, [fault])


def test_the_source_is_required(api: Api) -> None:
    assert api.post("/v1/collections", {"collection_name": "scenes"}).faults == ["body.source"]


def test_patch_replaces_named_fields_and_null_removes(api: Api) -> None:
    collection = cast.collection(api, "scenes", metadata={"a": 1, "b": 2}, enabled=False)
    patched = api.patch(
        f"/v1/collections/{collection}", {"metadata": {"a": 3}, "enabled": None, "collection_name": "cuts"}
    ).json()
    assert (patched["metadata"], patched["enabled"], patched["collection_name"]) == ({"a": 3}, True, "cuts")
    assert api.get("/v1/collections/scenes").status_code == 404


def test_a_new_extractor_is_the_collections_from_then_on(api: Api) -> None:
    collection = cast.collection(api, "scenes")
    patched = api.patch(f"/v1/collections/{collection}", {"feature_extractor": EXTRACTOR}).json()
    assert patched["feature_extractor"]["feature_extractor_id"] == "scene_detector_v2"


def test_an_extractor_just_read_can_be_sent_back(api: Api) -> None:
    collection = cast.collection(api, "scenes", feature_extractor=EXTRACTOR)
    extractor = api.get(f"/v1/collections/{collection}").json()["feature_extractor"]
    assert api.patch(f"/v1/collections/{collection}", {"feature_extractor": extractor}).json()["feature_extractor"] == extractor


def test_there_is_no_put(api: Api) -> None:
    response = api.put(f"/v1/collections/{cast.collection(api)}", {})
    assert (response.status_code, response.headers["Allow"]) == (405, "DELETE, GET, HEAD, PATCH, OPTIONS")


def test_a_deleted_collection_hides_its_documents(api: Api) -> None:
    collection = cast.collection(api, "scenes")
    document = api.post("/v1/collections/scenes/documents", {"title": "x"}).json()["document_id"]
    assert api.delete("/v1/collections/scenes").json() == {"message": "Successfully deleted", "success": True}
    assert api.get(f"/v1/collections/{collection}").status_code == 404
    assert api.get(f"/v1/collections/{collection}/documents/{document}").status_code == 404
    assert api.delete("/v1/collections/scenes").status_code == 404
    assert api.get(f"/v1/namespaces/{api.namespace}").json()["document_count"] == 0
    cast.collection(api, "scenes")


def test_document_counts(api: Api) -> None:
    collection = cast.collection(api, "scenes")
    cast.collection(api, "empty")
    for _ in range(3):
        api.post(f"/v1/collections/{collection}/documents", {})
    listed = api.post("/v1/collections/list").json()
    assert [each["document_count"] for each in listed["results"]] == [3, 0]
    assert listed["stats"]["total_documents"] == 3
    assert listed["stats"]["avg_documents_per_collection"] == Decimal("1.5")


def test_a_foreign_namespaces_collection_is_404(api: Api) -> None:
    foreign = cast.collection(cast.api(), "scenes")
    for method in ("GET", "PATCH", "DELETE"):
        assert api.call(method, f"/v1/collections/{foreign}", {}).status_code == 404
    assert api.get("/v1/collections/scenes").status_code == 404
    assert api.post("/v1/collections/list").json()["total_count"] == 0


def test_an_unknown_namespace_is_404_before_anything_about_the_collection(api: Api) -> None:
    lost = Api(api.token, "ns_nowhere")
    for response in (
        lost.get("/v1/collections/scenes"),
        lost.post("/v1/collections", {"colour": 1}),
        lost.post("/v1/collections/list", {"colour": 1}),
        lost.put("/v1/collections/scenes", {}),
        lost.post("/v1/collections", "{"),
    ):
        assert response.json()["error"]["details"] == {"resource": "namespace", "id": "ns_nowhere"}


def test_permissions(api: Api) -> None:
    collection = cast.collection(api)
    reader, writer = api.key(Permission.READ), api.key(Permission.WRITE)
    assert reader.post("/v1/collections/list").status_code == 200
    assert reader.post("/v1/collections", {}).status_code == 403
    assert writer.patch(f"/v1/collections/{collection}", {}).status_code == 200
    assert writer.delete(f"/v1/collections/{collection}").error == "ForbiddenError"


def test_a_404_comes_before_a_422(api: Api) -> None:
    assert api.patch("/v1/collections/nowhere", {"colour": 1}).status_code == 404
    assert api.get("/v1/collections/nowhere?colour=1").status_code == 404
    assert api.patch(f"/v1/collections/{cast.collection(api)}", {"colour": 1}).status_code == 422
