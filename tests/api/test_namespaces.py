"""/v1/namespaces"""

import pytest

from namespaces.models import Permission
from tests import cast
from tests.cast import Api

EXTRACTOR = {"feature_extractor_name": "scene_detector", "version": "v2", "params": {"threshold": 0.25}}


def test_a_namespace_comes_back_as_it_was_sent(api: Api) -> None:
    sent = {
        "namespace_name": "media",
        "description": "Films",
        "feature_extractors": [EXTRACTOR],
        "payload_indexes": [{"field_name": "metadata.title", "type": "keyword"}],
        "infrastructure": {"max_workers": 2**70},
        "auto_create_indexes": True,
    }
    made = api.post("/v1/namespaces", sent)
    answer = made.json()
    assert made.status_code == 200
    assert answer["namespace_id"].startswith("ns_")
    assert made.headers["Location"] == f"/v1/namespaces/{answer['namespace_id']}"
    assert answer["feature_extractors"] == [{**EXTRACTOR, "feature_extractor_id": "scene_detector_v2"}]
    assert answer["payload_indexes"] == [{"field_name": "metadata.title", "type": "keyword", "status": "pending"}]
    others = sent.keys() - {"feature_extractors", "payload_indexes"}
    assert {name: answer[name] for name in others} == {name: sent[name] for name in others}
    assert answer["created_at"] == answer["updated_at"]


def test_a_namespace_is_found_by_id_and_by_name(api: Api) -> None:
    made = api.post("/v1/namespaces", {"namespace_name": "media"}).json()
    assert api.get("/v1/namespaces/media").json() == made
    assert api.get(f"/v1/namespaces/{made['namespace_id']}/").json() == made


def test_a_client_may_choose_the_id(api: Api) -> None:
    body = {"namespace_name": "media", "namespace_id": "ns_media"}
    assert api.post("/v1/namespaces", body).json()["namespace_id"] == "ns_media"
    assert api.post("/v1/namespaces", {**body, "namespace_name": "other"}).error == "AlreadyExistsError"
    assert api.post("/v1/namespaces", {**body, "namespace_id": "ns_other"}).status_code == 409


@pytest.mark.parametrize("chosen", ["media", "ns_a/b", "ns_" + "x" * 126, "ns_é", "", 7])
def test_ids_that_may_not_be_chosen(api: Api, chosen: object) -> None:
    response = api.post("/v1/namespaces", {"namespace_name": "media", "namespace_id": chosen})
    assert (response.status_code, response.faults) == (422, ["body.namespace_id"])


@pytest.mark.parametrize("name", ["", "x" * 256, "ns_media", 7, None, ["x"]])
def test_names_that_may_not_be(api: Api, name: object) -> None:
    response = api.post("/v1/namespaces", {"namespace_name": name})
    assert (response.status_code, response.faults) == (422, ["body.namespace_name"])


@pytest.mark.parametrize("name", ["x", "x" * 255, "Ünïcode / and % _ signs", " ", "NS_media", "col_1"])
def test_names_that_may_be(api: Api, name: str) -> None:
    made = api.post("/v1/namespaces", {"namespace_name": name}).json()
    assert api.get(f"/v1/namespaces/{made['namespace_id']}").json()["namespace_name"] == name


def test_all_faults_are_told_at_once(api: Api) -> None:
    response = api.post("/v1/namespaces", {"colour": 1, "payload_indexes": [{"type": "word"}]})
    assert sorted(response.faults) == [
        "body.colour",
        "body.namespace_name",
        "body.payload_indexes.0.field_name",
        "body.payload_indexes.0.type",
    ]
    assert "namespace_name" in str(response.json()["error"]["details"]["validation_errors"])


def test_at_most_64_payload_indexes(api: Api) -> None:
    indexes = [{"field_name": f"f{number}", "type": "keyword"} for number in range(65)]
    assert api.post("/v1/namespaces", {"namespace_name": "media", "payload_indexes": indexes}).status_code == 422


def test_null_is_absent(api: Api) -> None:
    body = {"namespace_name": "media", "description": None, "feature_extractors": None, "namespace_id": None}
    assert api.post("/v1/namespaces", body).json()["feature_extractors"] == []


def test_patch_and_put_set_what_is_named(api: Api) -> None:
    api.post("/v1/namespaces", {"namespace_name": "media", "description": "Films", "infrastructure": {"a": 1}})
    patched = api.patch("/v1/namespaces/media", {"infrastructure": {"b": 2}}).json()
    assert (patched["infrastructure"], patched["description"]) == ({"b": 2}, "Films")
    put = api.put("/v1/namespaces/media", {"namespace_name": "archive", "description": None}).json()
    assert (put["namespace_name"], put["description"], put["infrastructure"]) == ("archive", None, {"b": 2})
    assert put["updated_at"] > patched["updated_at"]


def test_renaming_to_a_taken_name_is_409(api: Api) -> None:
    api.post("/v1/namespaces", {"namespace_name": "one"})
    api.post("/v1/namespaces", {"namespace_name": "two"})
    assert api.patch("/v1/namespaces/two", {"namespace_name": "one"}).error == "AlreadyExistsError"


def test_seconds_to_live_become_a_time(api: Api) -> None:
    made = api.post("/v1/namespaces", {"namespace_name": "media", "ttl_seconds": 3600}).json()
    assert made["expires_at"] > made["created_at"]
    assert api.patch("/v1/namespaces/media", {"ttl_seconds": None}).json()["expires_at"] is None
    assert api.patch("/v1/namespaces/media", {"expires_at": "soon"}).faults == ["body.expires_at"]
    assert api.patch("/v1/namespaces/media", {"ttl_seconds": 10**30}).faults == ["body.ttl_seconds"]


@pytest.mark.parametrize(("sent", "stored"), [(True, {"enabled": True}), (False, None), ({"enabled": True}, {"enabled": True})])
def test_pinned_may_be_a_boolean(api: Api, sent: object, stored: object) -> None:
    api.post("/v1/namespaces", {"namespace_name": "media"})
    assert api.patch("/v1/namespaces/media", {"pinned": sent}).json()["pinned"] == stored


def test_a_deleted_namespace_is_gone_at_once_and_its_name_free(api: Api) -> None:
    made = api.post("/v1/namespaces", {"namespace_name": "media"}).json()
    assert api.delete("/v1/namespaces/media").json() == {"message": "Successfully deleted", "success": True}
    assert api.get(f"/v1/namespaces/{made['namespace_id']}").error == "NotFoundError"
    assert api.delete("/v1/namespaces/media").status_code == 404
    assert Api(api.token, made["namespace_id"]).post("/v1/collections/list").status_code == 404
    assert api.post("/v1/namespaces", {"namespace_name": "media"}).status_code == 200


def test_counts_are_of_what_is_there(api: Api) -> None:
    bucket = cast.bucket(api)
    cast.bucket_object(api, bucket)
    kept, dropped = cast.collection(api), cast.collection(api)
    for collection in (kept, dropped):
        api.post(f"/v1/collections/{collection}/documents", {"title": "x"})
    api.delete(f"/v1/collections/{dropped}")
    stats = api.get(f"/v1/namespaces/{api.namespace}/stats").json()
    assert stats == {
        "namespace_id": api.namespace,
        "document_count": 1,
        "document_count_complete": True,
        "bucket_count": 1,
        "collection_count": 1,
        "object_count": 1,
    }
    shown = api.get(f"/v1/namespaces/{api.namespace}").json()
    assert {name: shown[name] for name in stats} == stats


def test_making_and_deleting_needs_admin(api: Api) -> None:
    weaker = api.key(Permission.DELETE)
    assert weaker.post("/v1/namespaces", {"namespace_name": "media"}).error == "ForbiddenError"
    assert weaker.delete(f"/v1/namespaces/{api.namespace}").error == "ForbiddenError"
    assert weaker.patch(f"/v1/namespaces/{api.namespace}", {"description": "x"}).status_code == 200
    assert api.key(Permission.READ).patch(f"/v1/namespaces/{api.namespace}", {}).status_code == 403


def test_another_organizations_namespace_is_404(api: Api) -> None:
    foreign = cast.api()
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert api.call(method, f"/v1/namespaces/{foreign.namespace}", {}).status_code == 404
    assert api.get(f"/v1/namespaces/{foreign.namespace}/stats").status_code == 404
    listed = api.post("/v1/namespaces/list").json()
    assert [each["namespace_id"] for each in listed["results"]] == [api.namespace]


def test_a_limited_key_sees_and_makes_matching_namespaces_only(api: Api) -> None:
    api.post("/v1/namespaces", {"namespace_name": "team-a"})
    limited = api.key(Permission.ADMIN, "team-*")
    assert [each["namespace_name"] for each in limited.get("/v1/namespaces").json()["results"]] == ["team-a"]
    assert limited.get(f"/v1/namespaces/{api.namespace}").status_code == 404
    assert limited.delete(f"/v1/namespaces/{api.namespace}").status_code == 404
    assert limited.post("/v1/namespaces", {"namespace_name": "team-b"}).status_code == 200
    assert limited.post("/v1/namespaces", {"namespace_name": "other"}).error == "ForbiddenError"
    assert limited.patch("/v1/namespaces/team-a", {"namespace_name": "other"}).error == "ForbiddenError"
    assert limited.get("/v1/namespaces/team-a").status_code == 200


def test_a_pattern_is_not_a_like_pattern(api: Api) -> None:
    api.post("/v1/namespaces", {"namespace_name": "team-a"})
    assert api.key(Permission.READ, "team_*").get("/v1/namespaces").json()["total_count"] == 0


def test_the_summary_view_leaves_out_the_long_members(api: Api) -> None:
    [summary] = api.post("/v1/namespaces/list?view=summary").json()["results"]
    assert "payload_indexes" not in summary
    assert summary["payload_index_count"] == 0
    assert api.post("/v1/namespaces/list", {"view": "short"}).faults == ["body.view"]


@pytest.mark.parametrize("identifier", ["%00", "ns_%00", "%ED%A0%80", "x" * 5000, "..%2F", "%25"])
def test_identifiers_that_nothing_can_have_are_404(api: Api, identifier: str) -> None:
    assert api.get(f"/v1/namespaces/{identifier}").status_code == 404
    assert api.patch(f"/v1/namespaces/{identifier}", {"colour": 1}).status_code == 404


@pytest.mark.parametrize(
    "text", ['{"namespace_name": "a\\u0000"}', '{"namespace_name": "\\ud800"}', '{"description": "\\u0000"}']
)
def test_texts_that_can_not_be_stored_are_422(api: Api, text: str) -> None:
    assert api.post("/v1/namespaces", text).status_code == 422
