"""…/impact of objects and documents: what a delete would orphan or take along (contract section 8)."""

from typing import Any

import pytest

from documents import services as verbs
from namespaces import services
from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.cast import Api

BLOB = {"field": "image", "url": "s3://films/1.png"}


@pytest.fixture
def bucket(api: Api) -> str:
    return cast.bucket(api)


@pytest.fixture
def film(api: Api, bucket: str) -> str:
    return cast.bucket_object(api, bucket, "obj_film")


@pytest.fixture
def scenes(api: Api) -> Documents:
    return Documents(api, cast.collection(api, "scenes"))


@pytest.fixture
def shots(api: Api) -> Documents:
    return Documents(api, cast.collection(api, "shots"))


@pytest.fixture
def scene(film: str, scenes: Documents, shots: Documents) -> str:
    """With two shots, of which the first has two of its own; beside another scene."""
    made = scenes.new({"source_object_id": film, "document_blobs": [BLOB, BLOB]})
    first, _ = (shots.new({"source_document_id": made, "document_blobs": [BLOB]}) for _ in range(2))
    for _ in range(2):
        shots.new({"source_document_id": first})
    scenes.new({"source_object_id": film})
    return made


def impact(api: Api, path: str) -> Any:
    response = api.get(f"/v1/{path}/impact")
    assert response.status_code == 200, response
    return response.json()


def shares(*expected: tuple[Documents, int, int]) -> list[Any]:
    return [{"collection_id": documents.collection, "tier": tier, "count": count} for documents, tier, count in expected]


def test_of_a_document(api: Api, scenes: Documents, shots: Documents, scene: str) -> None:
    expected = {
        "target": {"type": "document", "document_id": scene, "collection_id": scenes.collection},
        **{"documents": 5, "orphaned": 2, "blobs": 4},
        "by_collection": shares((scenes, 1, 1), (shots, 2, 2), (shots, 3, 2)),
    }
    for collection in (scenes.collection, "scenes"):
        assert impact(api, f"collections/{collection}/documents/{scene}") == expected
    assert impact(api, f"documents/{scene}") == expected


def test_of_an_object(api: Api, bucket: str, film: str, scenes: Documents, shots: Documents, scene: str) -> None:
    expected = {
        "target": {"type": "object", "object_id": film, "bucket_id": bucket},
        **{"documents": 6, "orphaned": 2, "blobs": 4},
        "by_collection": shares((scenes, 1, 2), (shots, 2, 2), (shots, 3, 2)),
    }
    assert impact(api, f"objects/{film}") == expected
    assert impact(api, f"buckets/{bucket}/objects/{film}") == expected


def test_of_an_object_that_is_only_referred_to(api: Api, scenes: Documents) -> None:
    scenes.new({"source_object_id": "obj_1"})
    found = impact(api, "objects/obj_1")
    assert (found["target"]["bucket_id"], found["documents"], found["orphaned"]) == (None, 1, 1)


def test_an_objects_own_blobs_are_counted(api: Api, bucket: str) -> None:
    blob = {"property": "video", "type": "video", "data": "s3://films/1.mp4"}
    made = api.post(f"/v1/buckets/{bucket}/objects", {"object_id": "obj_1", "blobs": [blob]}).json()
    assert impact(api, f"objects/{made['object_id']}")["blobs"] == 1


def test_of_what_stands_alone(api: Api, film: str, documents: Documents) -> None:
    alone = documents.new({"title": "no lineage"})
    found = impact(api, f"documents/{alone}")
    assert (found["documents"], found["orphaned"], found["blobs"]) == (1, 0, 0)
    assert found["by_collection"] == shares((documents, 1, 1))
    assert impact(api, f"objects/{film}") == {
        **{"target": {"type": "object", "object_id": film, "bucket_id": impact(api, f"objects/{film}")["target"]["bucket_id"]}},
        **{"documents": 0, "orphaned": 0, "blobs": 0, "by_collection": []},
    }


def test_children_of_a_document_without_lineage_are_its(api: Api, documents: Documents, shots: Documents) -> None:
    above = documents.new()
    shots.new({"source_document_id": above})
    found = impact(api, f"documents/{above}")
    assert (found["documents"], found["orphaned"]) == (2, 1)


def test_a_cascade_takes_just_these(api: Api, film: str, bucket: str, scenes: Documents, scene: str) -> None:
    before = impact(api, f"objects/{film}")
    said = impact(api, f"documents/{scene}")
    gone = verbs.delete_document(scope=api.scope, collection=None, document_id=scene, on_children="cascade")
    assert gone == said["documents"]
    left = impact(api, f"objects/{film}")
    assert left["documents"] == before["documents"] - said["documents"]
    assert api.delete(f"/v1/buckets/{bucket}/objects/{film}?cascade=true").status_code == 204
    assert api.get(f"/v1/objects/{film}/impact").status_code == 404


def test_a_detaching_delete_orphans_just_these(api: Api, scenes: Documents, shots: Documents, scene: str) -> None:
    said = impact(api, f"documents/{scene}")["orphaned"]
    scenes.delete(scene)
    assert shots.list({"filters": {"source_document_id": scene}, "include_total": True}).json()["total_documents"] == said


def test_deleted_collections_are_not_there(api: Api, film: str, scenes: Documents, shots: Documents, scene: str) -> None:
    """Neither they nor what was made from them: a cascade ends before them, too."""
    frames = Documents(api, cast.collection(api))
    frames.new({"source_document_id": shots.new({"source_document_id": scene})})
    services.delete_collection(scope=api.scope, collection_identifier=shots.collection)
    assert impact(api, f"documents/{scene}")["by_collection"] == shares((scenes, 1, 1))
    assert impact(api, f"objects/{film}")["by_collection"] == shares((scenes, 1, 2), (frames, 3, 1))
    gone = verbs.delete_document(scope=api.scope, collection=None, document_id=scene, on_children="cascade")
    assert gone == 1
    services.delete_collection(scope=api.scope, collection_identifier=scenes.collection)
    assert api.get(f"/v1/documents/{scene}/impact").status_code == 404


@pytest.mark.parametrize("name", ["nowhere", "%00", "%ff", "x" * 10_000])
def test_what_is_not_there_is_not_found(api: Api, bucket: str, film: str, scenes: Documents, scene: str, name: str) -> None:
    for path in (
        *(f"objects/{name}", f"buckets/{bucket}/objects/{name}", f"buckets/{name}/objects/{film}"),
        *(f"documents/{name}", f"collections/{scenes.collection}/documents/{name}", f"collections/{name}/documents/{scene}"),
    ):
        response = api.get(f"/v1/{path}/impact")
        assert (response.status_code, response.error) == (404, "NotFoundError"), path


def test_another_place_of_the_namespace_is_not_its(
    api: Api, bucket: str, film: str, scenes: Documents, shots: Documents, scene: str
) -> None:
    other = cast.bucket(api)
    scenes.new({"source_object_id": "obj_unregistered"})
    for path in (
        f"buckets/{other}/objects/{film}",
        f"buckets/{bucket}/objects/obj_unregistered",
        f"collections/{shots.collection}/documents/{scene}",
    ):
        assert api.get(f"/v1/{path}/impact").status_code == 404, path


def test_the_same_ids_in_another_namespace_are_not_counted(api: Api, film: str, scene: str) -> None:
    foreign = cast.api()
    cast.bucket_object(foreign, cast.bucket(foreign), film)
    Documents(foreign, cast.collection(foreign)).create({"document_id": scene, "source_object_id": film})
    assert impact(foreign, f"objects/{film}")["documents"] == 1
    assert impact(foreign, f"documents/{scene}")["documents"] == 1
    assert impact(api, f"documents/{scene}")["documents"] == 5


def test_a_query_that_means_nothing_is_refused(api: Api, bucket: str, film: str, scene: str) -> None:
    for path in (f"objects/{film}", f"buckets/{bucket}/objects/{film}", f"documents/{scene}"):
        response = api.get(f"/v1/{path}/impact?on_children=cascade")
        assert (response.status_code, response.faults) == (422, ["query.on_children"]), path
        assert api.get(f"/v1/{path}x/impact?on_children=cascade").status_code == 404, path


def test_reading_suffices(api: Api, film: str, scene: str) -> None:
    reader = api.key(Permission.READ)
    assert impact(reader, f"objects/{film}")
    assert impact(reader, f"documents/{scene}")
