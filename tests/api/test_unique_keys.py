"""Buckets that declare a unique key: insert, update and upsert of their objects."""

from decimal import Decimal
from typing import Any

import pytest

from tests import cast
from tests.cast import Api


@pytest.fixture
def path(api: Api) -> str:
    key = {"fields": ["sku", "metadata.region"], "default_policy": "insert"}
    return f"/v1/buckets/{cast.bucket(api, 'goods', unique_key=key)}/objects"


def body(sku: Any = "a", region: Any = "eu", **more: Any) -> dict[str, Any]:
    return {"sku": sku, "metadata": {"region": region}, **more}


def test_insert_refuses_the_same_key(api: Api, path: str) -> None:
    api.post(path, body())
    assert api.post(path, body(n=2)).error == "AlreadyExistsError"
    assert api.post(path, body(region="us")).status_code == 200


def test_upsert_makes_one_and_then_changes_it(api: Api, path: str) -> None:
    first = api.post(f"{path}?policy=upsert", body(n=1, note="kept")).json()
    second = api.post(f"{path}?policy=upsert", body(n=2)).json()
    assert (second["object_id"], second["n"], second["note"]) == (first["object_id"], 2, "kept")
    assert api.get("/v1/buckets/goods").json()["object_count"] == 1


def test_update_wants_one_to_be_there(api: Api, path: str) -> None:
    assert api.post(f"{path}?policy=update", body()).error == "NotFoundError"
    made = api.post(path, body()).json()
    assert api.post(f"{path}?policy=update", body(n=2)).json()["object_id"] == made["object_id"]


def test_another_id_for_the_same_key_is_a_conflict(api: Api, path: str) -> None:
    api.post(path, body(object_id="one"))
    assert api.post(f"{path}?policy=upsert", body(object_id="two")).status_code == 409
    assert api.post(f"{path}?policy=upsert", body(object_id="one", n=3)).json()["n"] == 3


@pytest.mark.parametrize(
    ("one", "other"), [(1, Decimal("1.0")), (Decimal("1.50"), Decimal("1.5")), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
)
def test_equal_values_are_one_key(api: Api, path: str, one: Any, other: Any) -> None:
    assert api.post(path, body(one)).status_code == 200
    assert api.post(path, body(other)).status_code == 409


@pytest.mark.parametrize(("one", "other"), [("1", 1), (True, 1), ("A", "a"), ([1, 2], [2, 1])])
def test_different_values_are_two(api: Api, path: str, one: Any, other: Any) -> None:
    assert api.post(path, body(one)).status_code == 200
    assert api.post(path, body(other)).status_code == 200


def test_a_missing_part_is_422(api: Api, path: str) -> None:
    assert api.post(path, {"metadata": {"region": None}}).faults == ["body.sku", "body.metadata.region"]
    made = api.post(path, body()).json()["object_id"]
    assert api.patch(f"{path}/{made}", {"sku": None}).status_code == 422
    assert api.get(f"{path}/{made}").json()["sku"] == "a"


def test_the_key_follows_a_patch(api: Api, path: str) -> None:
    one = api.post(path, body("a")).json()["object_id"]
    api.post(path, body("b"))
    assert api.patch(f"{path}/{one}", {"sku": "b"}).error == "AlreadyExistsError"
    assert api.patch(f"{path}/{one}", {"sku": "c"}).status_code == 200
    assert api.post(path, body("a")).status_code == 200
    assert api.post(path, body("c")).status_code == 409


def test_in_a_batch_each_has_its_own_result(api: Api, path: str) -> None:
    api.post(path, body("a"))
    answer = api.post(f"{path}/batch", {"objects": [body("a"), body("b"), body("b"), {}]}).json()
    assert [each["object_index"] for each in answer["succeeded"]] == [1]
    assert [each["error_type"] for each in answer["failed"]] == ["AlreadyExistsError", "AlreadyExistsError", "ValidationError"]
    upserted = api.post(f"{path}/batch?policy=upsert", {"objects": [body("a", n=1), body("c")]}).json()
    assert [each["sku"] for each in upserted["succeeded"]] == ["a", "c"]


def test_without_any_policy_one_must_be_said(api: Api) -> None:
    path = f"/v1/buckets/{cast.bucket(api, unique_key={'fields': ['sku']})}/objects"
    assert api.post(path, {"sku": 1}).error == "BadRequestError"
    assert api.post(f"{path}?policy=insert", {"sku": 1}).status_code == 200
    assert api.post(f"{path}?policy=replace", {"sku": 1}).status_code == 422


def test_its_fields_are_fixed_once_there_are_objects(api: Api, path: str) -> None:
    def change(fields: list[str] | None) -> int:
        key = None if fields is None else {"fields": fields, "default_policy": "upsert"}
        status: int = api.patch("/v1/buckets/goods", {"unique_key": key}).status_code
        return status

    assert change(["sku", "x"]) == 200
    api.post(path, {"sku": 1, "x": 2})
    assert change(["sku", "x"]) == 200
    assert change(["x"]) == 422
    assert change(None) == 422
    assert api.patch("/v1/buckets/films", {"unique_key": None}).status_code == 404


def test_buckets_do_not_share_keys(api: Api, path: str) -> None:
    api.post(path, body())
    other = cast.bucket(api, unique_key={"fields": ["sku"], "default_policy": "insert"})
    assert api.post(f"/v1/buckets/{other}/objects", body()).status_code == 200
