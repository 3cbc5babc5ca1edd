"""GET /v1/objects/{object_id}/decomposition-tree (contract section 8)."""

from typing import Any

import pytest

from documents.trees import stages
from documents.trees.scoping import scope_cte
from mixpeek_site import sql
from namespaces import services
from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.cast import Api

EXTRACTOR = {"feature_extractor_name": "scene_detector", "version": "v2"}


@pytest.fixture
def bucket(api: Api) -> str:
    return cast.bucket(api)


@pytest.fixture
def film(api: Api, bucket: str) -> str:
    """A registered object."""
    return cast.bucket_object(api, bucket, "obj_film", title="Metropolis", length=2**64 + 1)


@pytest.fixture
def scenes(api: Api) -> Documents:
    return Documents(api, cast.collection(api, "scenes", feature_extractor=EXTRACTOR))


@pytest.fixture
def shots(api: Api) -> Documents:
    return Documents(api, cast.collection(api, "shots"))


def tree(api: Api, object_id: str, query: str = "") -> Any:
    response = api.get(f"/v1/objects/{object_id}/decomposition-tree{query}")
    assert response.status_code == 200, response
    return response.json()


def status(word: object) -> dict[str, Any]:
    return {"internal_metadata": {"ingestion_status": word}}


def shape(nodes: list[Any]) -> list[Any]:
    """Each node as (collection's name, tier, documents, children)."""
    return [(each["collection_name"], each["tier"], each["document_count"], shape(each["children"])) for each in nodes]


def test_stages_are_nested_and_counted(api: Api, bucket: str, film: str, scenes: Documents, shots: Documents) -> None:
    parents = [scenes.new({"source_object_id": film, **status(word)}) for word in ("COMPLETED", "FAILED")]
    for parent in parents * 2:
        shots.new({"source_document_id": parent, **status("COMPLETED")})
    found = tree(api, film)
    path = f"{bucket}/{scenes.collection}"
    assert {name: value for name, value in found.items() if name not in ("object", "tree")} == {
        **{"root_object_id": film, "root_bucket_id": bucket, "total_documents": 6, "max_tier": 2},
    }
    assert found["object"]["length"] == 2**64 + 1
    assert (found["object"]["bucket_id"], found["object"]["document_count"]) == (bucket, 6)
    [top] = found["tree"]
    assert top == {
        **{"collection_id": scenes.collection, "collection_name": "scenes", "tier": 1, "path": path},
        **{"feature_extractor_id": "scene_detector_v2", "document_count": 2, "statuses": {"COMPLETED": 1, "FAILED": 1}},
        "children": [
            {
                **{"collection_id": shots.collection, "collection_name": "shots", "tier": 2},
                **{"path": f"{path}/{shots.collection}", "feature_extractor_id": "passthrough_extractor_v1"},
                **{"document_count": 4, "statuses": {"COMPLETED": 4}, "children": []},
            }
        ],
    }


@pytest.mark.parametrize("unknown", [{}, {"internal_metadata": {"x": 1}}, status(None), status(7), status("UNKNOWN")])
def test_a_missing_status_is_unknown(api: Api, scenes: Documents, unknown: Any) -> None:
    scenes.new({"source_object_id": "obj_1", **unknown})
    scenes.new({"source_object_id": "obj_1"})
    assert tree(api, "obj_1")["tree"][0]["statuses"] == {"UNKNOWN": 2}


def test_a_changed_status_is_counted_at_once(api: Api, scenes: Documents) -> None:
    made = scenes.new({"source_object_id": "obj_1", **status("PENDING")})
    scenes.patch(made, status("COMPLETED"))
    assert tree(api, "obj_1")["tree"][0]["statuses"] == {"COMPLETED": 1}


def test_one_collection_at_two_tiers_is_two_nodes(api: Api, scenes: Documents) -> None:
    top = scenes.new({"source_object_id": "obj_1"})
    scenes.new({"source_document_id": top})
    assert shape(tree(api, "obj_1")["tree"]) == [("scenes", 1, 1, [("scenes", 2, 1, [])])]


def test_one_collection_by_two_paths_is_two_nodes(api: Api, scenes: Documents, shots: Documents) -> None:
    faces = Documents(api, cast.collection(api, "faces"))
    for above in (scenes, shots):
        faces.new({"source_document_id": above.new({"source_object_id": "obj_1"})})
    assert shape(tree(api, "obj_1")["tree"]) == [("scenes", 1, 1, [("faces", 2, 1, [])]), ("shots", 1, 1, [("faces", 2, 1, [])])]


def test_orphans_hang_where_their_path_says(api: Api, scenes: Documents, shots: Documents) -> None:
    """Also where the stages between have no documents; without any of them they stand at the top."""
    scenes.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    lost = {"source_document_id": "doc_gone", "root_object_id": "obj_1", "root_bucket_id": "bkt_1"}
    shots.new(lost | {"lineage_path": f"bkt_1/{scenes.collection}/col_gone/{shots.collection}"})
    shots.new(lost | {"lineage_path": f"bkt_1/col_gone/{shots.collection}"})
    shots.new(lost)
    assert shape(tree(api, "obj_1")["tree"]) == [
        ("scenes", 1, 1, [("shots", 3, 1, [])]),
        ("shots", 1, 1, []),
        ("shots", 2, 1, []),
    ]


@pytest.mark.parametrize("path", ["/", "//", "a", "a/a/a", "/" * 5000, "\u00fc/\u2713"])
def test_any_path_that_was_sent_is_shown(api: Api, scenes: Documents, path: str) -> None:
    for each in (path, path + "/x"):
        scenes.new({"source_document_id": "doc_gone", "root_object_id": "obj_1", "lineage_path": each})
    found = tree(api, "obj_1")
    assert [found["tree"][0]["path"], found["tree"][0]["children"][0]["path"]] == [path, path + "/x"]


def test_a_long_chain_in_one_collection_is_as_deep(api: Api, scenes: Documents) -> None:
    above = scenes.new({"source_object_id": "obj_1"})
    for _ in range(59):
        above = scenes.new({"source_document_id": above})
    found = tree(api, "obj_1")
    assert (found["total_documents"], found["max_tier"]) == (60, 60)
    node, depth = found["tree"][0], 1
    while node["children"]:
        [node], depth = node["children"], depth + 1
    assert (depth, node["tier"]) == (60, 60)


# Ids ------------------------------------------------------------------------------------------------------------------


def test_ids_are_listed_when_asked_for(api: Api, scenes: Documents, shots: Documents) -> None:
    made = [scenes.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"}) for _ in range(3)]
    below = shots.new({"source_document_id": made[1]})
    scenes.new({"source_document_id": "doc_gone", "root_object_id": "obj_1"})
    first, pathless = sorted(tree(api, "obj_1", "?include_document_ids=true")["tree"], key=lambda node: node["path"] is None)
    assert (first["document_ids"], first["document_ids_truncated"]) == (made, False)
    assert first["children"][0]["document_ids"] == [below]
    assert len(pathless["document_ids"]) == 1
    assert "document_ids" not in tree(api, "obj_1", "?include_document_ids=false")["tree"][0]


def test_ids_are_bounded_and_it_is_said(api: Api, scenes: Documents, shots: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "MAX_STAGE_IDS", 2)
    monkeypatch.setattr(stages, "MAX_TREE_IDS", 3)
    stages._tree_sql.cache_clear()
    made = [scenes.new({"source_object_id": "obj_1"}) for _ in range(3)]
    below = [shots.new({"source_document_id": made[0]}) for _ in range(2)]
    [top] = tree(api, "obj_1", "?include_document_ids=true")["tree"]
    stages._tree_sql.cache_clear()
    [under] = top["children"]
    assert (top["document_ids"], top["document_ids_truncated"], top["document_count"]) == (made[:2], True, 3)
    assert (under["document_ids"], under["document_ids_truncated"]) == (below[:1], True)


# What there is --------------------------------------------------------------------------------------------------------


def test_a_registered_object_without_documents_is_empty(api: Api, bucket: str, film: str) -> None:
    found = tree(api, film)
    assert found.pop("object")["object_id"] == film
    assert found == {"root_object_id": film, "root_bucket_id": bucket, "total_documents": 0, "max_tier": 0, "tree": []}


def test_an_object_that_is_only_referred_to_is_known(api: Api, scenes: Documents) -> None:
    scenes.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    found = tree(api, "obj_1")
    assert (found["object"], found["root_bucket_id"], found["total_documents"]) == (None, "bkt_1", 1)


@pytest.mark.parametrize("name", ["obj_nowhere", "%00", "%ff", "x" * 10_000, "a%2Fb"])
def test_an_unknown_object_is_not_found(api: Api, scenes: Documents, name: str) -> None:
    scenes.new({"source_object_id": "obj_1"})
    response = api.get(f"/v1/objects/{name}/decomposition-tree")
    assert (response.status_code, response.error) == (404, "NotFoundError")


def test_deleted_collections_are_not_there(api: Api, scenes: Documents, shots: Documents) -> None:
    shots.new({"source_document_id": scenes.new({"source_object_id": "obj_1"})})
    services.delete_collection(scope=api.scope, collection_identifier=scenes.collection)
    found = tree(api, "obj_1", "?include_document_ids=true")
    assert (found["total_documents"], shape(found["tree"])) == (1, [("shots", 2, 1, [])])
    services.delete_collection(scope=api.scope, collection_identifier=shots.collection)
    assert api.get("/v1/objects/obj_1/decomposition-tree").status_code == 404


def test_the_same_object_in_another_namespace_is_another(api: Api, scenes: Documents) -> None:
    scenes.new({"source_object_id": "obj_1"})
    foreign = cast.api()
    assert foreign.get("/v1/objects/obj_1/decomposition-tree").status_code == 404
    Documents(foreign, cast.collection(foreign)).new({"source_object_id": "obj_1"})
    for client in (api, foreign):
        assert tree(client, "obj_1")["total_documents"] == 1


@pytest.mark.parametrize(("query", "fault"), [("?ids=1", "query.ids"), ("?include_document_ids=x", "query.include_document_ids")])
def test_a_query_that_means_nothing_is_refused(api: Api, film: str, query: str, fault: str) -> None:
    response = api.get(f"/v1/objects/{film}/decomposition-tree{query}")
    assert (response.status_code, response.faults) == (422, [fault])
    assert api.get(f"/v1/objects/obj_nowhere/decomposition-tree{query}").status_code == 404


def test_reading_suffices(api: Api, film: str) -> None:
    assert tree(api.key(Permission.READ), film)["root_object_id"] == film


def test_counts_and_statuses_come_from_the_index_alone(api: Api, scenes: Documents) -> None:
    scenes.new({"source_object_id": "obj_1"})
    cte = scope_cte(api.scope)
    sql.run("SET LOCAL enable_seqscan = off")
    plan = sql.rows(f"EXPLAIN WITH {cte.text}, {stages.COUNTED} SELECT * FROM counted", (*cte.params, "obj_1"))
    assert any("Index Only Scan using lineage_root_stage" in line for (line,) in plan), plan
