"""Answers of places and objects against their published components, and what the official client makes of them."""

import json
from importlib import import_module
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from documents.api.openapi import COMPONENTS as OF_DOCUMENTS
from mixpeek_site.jsonio import dumps
from namespaces.api.openapi import COMPONENTS
from tests import cast
from tests.cast import Api

EVERYTHING = {"components": {"schemas": {**OF_DOCUMENTS, **COMPONENTS}}}
EXTRACTOR = {"feature_extractor_name": "text_extractor", "version": "v1", "params": {"a": 1}, "input_mappings": {"text": "t"}}
SOURCE = {"type": "bucket", "bucket_ids": ["bkt_films"]}

Call = tuple[str, str, Any]
ANSWERS: list[tuple[str, Call]] = [
    ("NamespaceModel", ("POST", "/v1/namespaces", {"namespace_name": "other"})),
    (
        "NamespaceModel",
        (
            "POST",
            "/v1/namespaces",
            {
                "namespace_name": "full",
                "feature_extractors": [{"feature_extractor_name": "a", "version": "v1", "params": {}}],
                "payload_indexes": [{"field_name": "x", "type": "keyword"}],
                "ttl_seconds": 100,
                "infrastructure": {"max_workers": 5},
                "mode": "standard",
                "spend_budget": {"daily_usd": 5},
                "vector_configs": [{"name": "v", "dimension": 3}],
                "tiering": {},
            },
        ),
    ),
    ("NamespaceModel", ("GET", "/v1/namespaces/{namespace}", None)),
    ("NamespaceModel", ("PATCH", "/v1/namespaces/{namespace}", {"pinned": True})),
    ("NamespaceStatsResponse", ("GET", "/v1/namespaces/{namespace}/stats", None)),
    ("ListNamespacesResponse", ("POST", "/v1/namespaces/list?include_total=true", {})),
    ("ListNamespacesResponse", ("POST", "/v1/namespaces/list?view=summary", {})),
    ("CollectionResponse", ("POST", "/v1/collections", {"collection_name": "new", "source": SOURCE})),
    (
        "CollectionResponse",
        ("POST", "/v1/collections", {"collection_name": "new", "source": SOURCE, "feature_extractor": EXTRACTOR}),
    ),
    ("CollectionResponse", ("GET", "/v1/collections/scenes", None)),
    ("CollectionResponse", ("PATCH", "/v1/collections/scenes", {"description": "x"})),
    ("ListCollectionsResponse", ("GET", "/v1/collections", None)),
    ("BucketResponse", ("POST", "/v1/buckets", {"bucket_name": "new", "bucket_schema": cast.SCHEMA})),
    (
        "BucketResponse",
        ("POST", "/v1/buckets", {"bucket_name": "new", "bucket_schema": cast.SCHEMA, "unique_key": {"fields": ["a"]}}),
    ),
    ("BucketResponse", ("PUT", "/v1/buckets/films", {"storage_class": "archive", "metadata": {"a": 1}})),
    ("BucketResponse", ("GET", "/v1/buckets/films", None)),
    ("ListBucketsResponse", ("POST", "/v1/buckets/list", None)),
    (
        "ObjectResponse",
        ("POST", "/v1/buckets/films/objects", {"blobs": [{"property": "v", "type": "video", "data": "https://a/b.mp4"}]}),
    ),
    ("ObjectResponse", ("GET", "/v1/buckets/films/objects/clip?return_presigned_urls=true", None)),
    ("ObjectResponse", ("PATCH", "/v1/buckets/films/objects/clip", {"status": "FAILED", "error": "x", "title": "t"})),
    ("CreateObjectsBatchResponse", ("POST", "/v1/buckets/films/objects/batch", {"objects": [{}, {"object_id": "clip"}, 3]})),
    ("ListObjectsResponse", ("POST", "/v1/buckets/films/objects/list?return_url=1", {})),
    ("GenericDeleteResponse", ("DELETE", "/v1/collections/scenes", None)),
    ("MeResponse", ("GET", "/v1/me", None)),
    ("HealthCheckResponse", ("GET", "/v1/health?deep=true", None)),
    ("LivenessResponse", ("GET", "/v1/health/liveness", None)),
]
NAMES = [f"{component} {call[0]} {call[1]}" for component, call in ANSWERS]


@pytest.fixture
def answer(api: Api, request: pytest.FixtureRequest) -> Any:
    """The answer to a call in a namespace with a collection, a bucket and an object."""
    method, path, body = request.param
    cast.collection(api, "scenes", feature_extractor=EXTRACTOR, input_schema=cast.SCHEMA)
    bucket = cast.bucket(api, "films")
    blob = {"property": "video", "type": "video", "data": "https://films.test/a.mp4"}
    api.post(f"/v1/buckets/{bucket}/objects", {"object_id": "clip", "blobs": [blob], "metadata": {"year": 1926}})
    response = api.call(method, path.format(namespace=api.namespace), body)
    assert response.status_code == 200, response
    return response.json()


@pytest.mark.parametrize(("component", "answer"), ANSWERS, indirect=["answer"], ids=NAMES)
def test_answers_have_the_published_shape(component: str, answer: Any) -> None:
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{component}", **EVERYTHING})
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer)] == []


@pytest.mark.parametrize(
    ("component", "answer"),
    [(component, call) for component, call in ANSWERS if component != "LivenessResponse"],
    indirect=["answer"],
    ids=[name for name in NAMES if "Liveness" not in name],
)
def test_the_official_client_reads_every_member(component: str, answer: Any) -> None:
    """Its typed model takes the answer and knows each of its members with its value."""
    model = getattr(import_module("mixpeek"), component).from_dict(json.loads(dumps(answer)))
    require_known(model.model_dump(mode="json", by_alias=True), json.loads(dumps(answer)), component)
    assert set(getattr(model, "additional_properties", {})) <= {"metadata", "title"}, "user fields only"


OURS = {"NamespaceModel.payload_indexes.status", "ListNamespacesResponse.results.payload_indexes.status"}
"""What answers have beyond the official client's model, which passes over it."""


def require_known(read: Any, sent: Any, place: str) -> None:
    """Every member of `sent` is in `read`, as a member of the model, or in the extra ones of a part that is open."""
    if isinstance(read, dict) and "actual_instance" in read:
        read = read["actual_instance"]
    if isinstance(sent, dict):
        extra = read.get("additional_properties", {})
        for name, value in sent.items():
            if value is not None and f"{place}.{name}" not in OURS:
                assert name in read or name in extra, f"{place}.{name}"
                require_known(read[name] if name in read else extra[name], value, f"{place}.{name}")
    elif isinstance(sent, list):
        assert len(read) == len(sent), place
        for one, other in zip(read, sent, strict=True):
            require_known(one, other, place)
    else:
        assert read == sent, place


def test_every_component_is_valid_json_schema_and_every_reference_leads_somewhere() -> None:
    for name, schema in COMPONENTS.items():
        Draft202012Validator.check_schema(schema)
        for target in references(schema):
            assert target in EVERYTHING["components"]["schemas"], name


def references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [found for item in schema for found in references(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"].rpartition("/")[2]] if isinstance(schema.get("$ref"), str) else []
    return own + [found for member in schema.values() for found in references(member)]
