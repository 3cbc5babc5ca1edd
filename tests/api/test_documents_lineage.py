"""Lineage: derived from a stored parent, kept as sent without one, and read by …/lineage (contract section 8)."""

from typing import Any

import pytest

from tests import cast
from tests.api.places import Documents
from tests.cast import Api

STEP = {"collection_id": "col_a", "feature_extractor_id": "a_v1", "document_id": "doc_a", "timestamp": "2025-10-18T10:30:00Z"}
EXTRACTOR = {"feature_extractor_name": "scene_detector", "version": "v2"}


@pytest.fixture
def frames(api: Api) -> Documents:
    return Documents(api, cast.collection(api))


@pytest.fixture
def scenes(api: Api) -> Documents:
    """A collection with an extractor configured."""
    return Documents(api, cast.collection(api, feature_extractor=EXTRACTOR))


def lineage_of(documents: Documents, document_id: str) -> Any:
    response = documents.api.get(documents.url(document_id, "/lineage"))
    assert response.status_code == 200, response
    return response.json()


# Of a bucket ----------------------------------------------------------------------------------------------------------


def test_a_source_object_is_the_root_and_gives_the_path(frames: Documents) -> None:
    made = frames.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    assert frames.lineage(made) == {
        **{"source_type": "bucket", "source_object_id": "obj_1", "root_object_id": "obj_1", "root_bucket_id": "bkt_1"},
        "path": f"bkt_1/{frames.collection}",
    }


def test_a_registered_object_gives_its_bucket(api: Api, frames: Documents) -> None:
    bucket = cast.bucket(api)
    thing = cast.bucket_object(api, bucket)
    made = frames.new({"source_object_id": thing})
    assert frames.lineage(made)["root_bucket_id"] == bucket
    assert frames.lineage(made)["path"] == f"{bucket}/{frames.collection}"


def test_another_bucket_than_the_registered_one_is_refused(api: Api, frames: Documents) -> None:
    thing = cast.bucket_object(api, cast.bucket(api))
    body = {"source_object_id": thing, "root_bucket_id": "bkt_other"}
    made = frames.new({"source_object_id": "obj_x"})
    for response in (frames.post(body), frames.put(made, body), frames.patch(made, body)):
        assert (response.status_code, response.faults) == (422, ["body.root_bucket_id"])


@pytest.mark.parametrize(
    "body",
    [
        {"source_object_id": "obj_1", "root_object_id": "obj_2"},
        {"source_type": "bucket", "source_document_id": "doc_1"},
        {"source_type": "bucket", "source_collection_id": "col_1"},
    ],
)
def test_a_lineage_that_contradicts_itself_is_refused(frames: Documents, body: Any) -> None:
    made = frames.new({})
    assert frames.post(body).status_code == frames.put(made, body).status_code == frames.patch(made, body).status_code == 422


def test_a_patch_of_the_root_alone_may_not_contradict_the_stored_source(frames: Documents) -> None:
    made = frames.new({"source_object_id": "obj_1"})
    assert frames.patch(made, {"root_object_id": "obj_2"}).status_code == 422
    assert frames.put(made, {"root_object_id": "obj_2"}).status_code == 422


def test_another_root_bucket_begins_another_path(frames: Documents) -> None:
    made = frames.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    frames.patch(made, {"root_bucket_id": "bkt_2"})
    assert frames.lineage(made)["path"] == f"bkt_2/{frames.collection}"
    assert frames.lineage(made)["source_object_id"] == "obj_1"


def test_a_document_of_a_bucket_without_a_chain_shows_none_and_lineage_lists_its_step(scenes: Documents) -> None:
    made = scenes.create({"source_object_id": "obj_1"})
    assert "chain" not in made["_internal"]["lineage"]
    assert scenes.get(made["document_id"], "?schema_version=v2")["lineage_chain"] == []
    answer = lineage_of(scenes, made["document_id"])
    assert answer["lineage"]["lineage_chain"] == [
        {
            **{"collection_id": scenes.collection, "feature_extractor_id": "scene_detector_v2"},
            "timestamp": made["_internal"]["created_at"],
        }
    ]
    assert (answer["depth"], answer["total_steps"]) == (1, 1)


# Of a document --------------------------------------------------------------------------------------------------------


def test_a_stored_parent_gives_root_path_and_chain(frames: Documents, scenes: Documents) -> None:
    chain = [{**STEP, "collection_id": frames.collection}]
    parent = frames.create({"source_object_id": "obj_1", "root_bucket_id": "bkt_1", "lineage_chain": chain})
    made = scenes.create({"source_document_id": parent["document_id"]})
    assert made["_internal"]["lineage"] == {
        **{"root_object_id": "obj_1", "root_bucket_id": "bkt_1", "source_type": "collection"},
        **{"source_document_id": parent["document_id"], "source_collection_id": frames.collection},
        "path": f"bkt_1/{frames.collection}/{scenes.collection}",
        "chain": [
            {**STEP, "collection_id": frames.collection, "document_id": parent["document_id"]},
            {
                **{"collection_id": scenes.collection, "feature_extractor_id": "scene_detector_v2"},
                "timestamp": made["_internal"]["created_at"],
            },
        ],
    }


def test_the_lineage_route_tells_depth_and_steps(frames: Documents, scenes: Documents) -> None:
    parent = frames.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    made = scenes.new({"source_document_id": parent})
    answer = lineage_of(scenes, made)
    assert answer.keys() == {"document_id", "collection_id", "lineage", "depth", "total_steps", "message"}
    assert (answer["document_id"], answer["collection_id"]) == (made, scenes.collection)
    assert (answer["depth"], answer["total_steps"]) == (2, 2)
    assert [step["collection_id"] for step in answer["lineage"]["lineage_chain"]] == [frames.collection, scenes.collection]
    assert answer["lineage"]["lineage_chain"][0]["document_id"] == parent
    assert answer["lineage"]["root_object_id"] == "obj_1"


def test_no_lineage_is_null_with_a_message(frames: Documents) -> None:
    answer = lineage_of(frames, frames.new())
    assert (answer["lineage"], answer["depth"], answer["total_steps"]) == (None, 0, 0)
    assert answer["message"]


def test_the_lineage_route_takes_no_parameters(frames: Documents) -> None:
    assert frames.api.get(frames.url(frames.new(), "/lineage?depth=1")).status_code == 422


def test_the_own_step_that_was_sent_is_kept(frames: Documents, scenes: Documents) -> None:
    parent = frames.new({"source_object_id": "obj_1"})
    own = {"collection_id": scenes.collection, "feature_extractor_id": "other_v9", "timestamp": "2025-01-01T00:00:00Z"}
    made = scenes.new({"source_document_id": parent, "lineage_chain": [{**STEP, "collection_id": frames.collection}, own]})
    assert scenes.lineage(made)["chain"][-1] == own
    assert len(scenes.lineage(made)["chain"]) == 2


@pytest.mark.parametrize("name", ["root_object_id", "root_bucket_id"])
def test_a_root_that_differs_from_the_stored_parents_is_refused(frames: Documents, scenes: Documents, name: str) -> None:
    parent = frames.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    response = scenes.post({"source_document_id": parent, name: "other"})
    assert (response.status_code, response.faults) == (422, [f"body.{name}"])
    assert scenes.list().json()["results"] == []


def test_a_source_collection_that_is_not_the_parents_is_refused(frames: Documents, scenes: Documents) -> None:
    parent = frames.new({"source_object_id": "obj_1"})
    response = scenes.post({"source_document_id": parent, "source_collection_id": scenes.collection})
    assert (response.status_code, response.faults) == (422, ["body.source_collection_id"])
    assert scenes.post({"source_document_id": parent, "source_collection_id": frames.collection}).status_code == 200


def test_a_parent_that_is_not_stored_is_accepted_and_what_was_sent_read_back(scenes: Documents) -> None:
    sent = {
        **{"root_object_id": "obj_9", "root_bucket_id": "bkt_9", "source_type": "collection", "source_document_id": "doc_a"},
        **{"source_collection_id": "col_a", "path": "bkt_9/col_a/col_b", "chain": [STEP, {**STEP, "collection_id": "col_b"}]},
    }
    made = scenes.new({"_internal": {"lineage": sent}})
    assert scenes.lineage(made) == sent
    assert lineage_of(scenes, made)["lineage"]["lineage_chain"] == sent["chain"]
    assert lineage_of(scenes, made)["depth"] == 2


def test_when_the_parent_arrives_the_subtree_links_up(frames: Documents, scenes: Documents) -> None:
    child = scenes.new({"source_document_id": "doc_parent", "root_object_id": "obj_sent", "lineage_path": "what/was/sent"})
    grandchild = scenes.new({"source_document_id": child})
    frames.create({"document_id": "doc_parent", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    for document, path in ((child, f"{scenes.collection}"), (grandchild, f"{scenes.collection}/{scenes.collection}")):
        shown = scenes.lineage(document)
        assert (shown["root_object_id"], shown["root_bucket_id"]) == ("obj_1", "bkt_1")
        assert shown["path"] == f"bkt_1/{frames.collection}/{path}"
    assert [step.get("document_id") for step in scenes.lineage(grandchild)["chain"]] == ["doc_parent", child, None]


def test_a_parent_without_lineage_is_a_parent(frames: Documents, scenes: Documents) -> None:
    parent = frames.new({})
    made = scenes.new({"source_document_id": parent})
    assert scenes.lineage(made)["source_collection_id"] == frames.collection
    assert [step["collection_id"] for step in scenes.lineage(made)["chain"]] == [frames.collection, scenes.collection]


# Moves ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_move_takes_the_subtree_along(frames: Documents, scenes: Documents, method: str) -> None:
    old = frames.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    new = frames.new({"source_object_id": "obj_2", "root_bucket_id": "bkt_2"})
    child = scenes.new({"source_document_id": old})
    grandchild = scenes.new({"source_document_id": child})
    answer = scenes.api.call(method, scenes.url(child), {"source_document_id": new})
    assert answer.json()["_internal"]["lineage"]["root_object_id"] == "obj_2"
    shown = scenes.lineage(grandchild)
    assert (shown["root_object_id"], shown["root_bucket_id"]) == ("obj_2", "bkt_2")
    assert shown["path"] == f"bkt_2/{frames.collection}/{scenes.collection}/{scenes.collection}"
    assert shown["chain"][0]["document_id"] == new


def test_a_move_below_a_parent_without_a_root_leaves_no_old_root_behind(frames: Documents, scenes: Documents) -> None:
    child = scenes.new({"source_document_id": frames.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})})
    grandchild = scenes.new({"source_document_id": child})
    scenes.patch(child, {"source_document_id": frames.new({})})
    for document in (child, grandchild):
        assert scenes.lineage(document).keys() == {"source_type", "source_document_id", "source_collection_id", "chain"}


def test_a_move_to_a_bucket_begins_anew(frames: Documents, scenes: Documents) -> None:
    child = scenes.new({"source_document_id": frames.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})})
    scenes.patch(child, {"source_object_id": "obj_2", "source_type": "bucket"})
    assert scenes.lineage(child) == {"source_type": "bucket", "source_object_id": "obj_2", "root_object_id": "obj_2"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_cycle_is_refused(frames: Documents, method: str) -> None:
    first = frames.new({})
    second = frames.new({"source_document_id": first})
    third = frames.new({"source_document_id": second})
    for below in (first, second, third):
        response = frames.api.call(method, frames.url(first), {"source_document_id": below, "title": "new"})
        assert (response.status_code, response.faults) == (422, ["body.source_document_id"])
    assert frames.lineage(first) is None
    assert frames.fields(first) == {}


def test_a_document_is_not_its_own_parent(frames: Documents) -> None:
    assert frames.post({"document_id": "doc_1", "source_document_id": "doc_1"}).status_code == 422


def test_an_arrival_that_would_close_a_cycle_is_refused(frames: Documents) -> None:
    frames.create({"document_id": "doc_b", "source_document_id": "doc_a"})
    frames.create({"document_id": "doc_c", "source_document_id": "doc_b"})
    assert frames.post({"document_id": "doc_a", "source_document_id": "doc_c"}).status_code == 422
    assert frames.post({"document_id": "doc_a"}).status_code == 200


def test_a_move_writes_the_other_fields_of_its_body_too(frames: Documents, scenes: Documents) -> None:
    made = scenes.new({"a": 1, "source_document_id": frames.new()})
    scenes.patch(made, {"b": 2, "internal_metadata": {"x": 1}, "lineage": {"source_document_id": frames.new()}})
    assert scenes.fields(made) == {"a": 1, "b": 2}
    assert scenes.internal(made)["metadata"] == {"x": 1}


def test_null_lineage_changes_nothing(frames: Documents, scenes: Documents) -> None:
    made = scenes.new({"source_document_id": frames.new({"source_object_id": "obj_1"})})
    before = scenes.lineage(made)
    for body in ({"lineage": None}, {"source_document_id": None}, {"root_object_id": None}, {"_internal": {"lineage": None}}):
        assert scenes.patch(made, body).status_code == scenes.put(made, body).status_code == 200
    assert scenes.lineage(made) == before


def test_an_id_like_no_other_is_a_reference_too(frames: Documents) -> None:
    strange = "parent ä % _ \\ '"
    made = frames.new({"source_document_id": strange, "source_collection_id": strange})
    assert frames.lineage(made)["source_document_id"] == strange
    assert frames.post({"source_document_id": "x" * 513}).status_code == 422
