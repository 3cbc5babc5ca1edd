"""The published schema: valid, complete, and the same as what is served."""

import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.conformance import faults_of, operations, resolved, schema

OPERATIONS = list(operations())
COMPONENTS: dict[str, Any] = schema()["components"]["schemas"]
each_operation = pytest.mark.parametrize(
    "operation", [each[2] for each in OPERATIONS], ids=[f"{method} {path}" for method, path, _ in OPERATIONS]
)
each_component = pytest.mark.parametrize("name", COMPONENTS)


def test_it_is_a_valid_openapi_3_1() -> None:
    assert schema()["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(schema()).validate()


def test_making_it_prints_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    GENERATOR_STATS.emit_summary()
    assert (*capsys.readouterr(),) == ("", "")


def test_it_is_served_to_anyone() -> None:
    response = Client().get("/v1/openapi.json")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == schema()


def test_operation_ids_are_distinct() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert sorted(ids) == sorted(set(ids))


@each_operation
def test_each_operation_is_described(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert len(operation["tags"]) == 1
    for parameter in operation["parameters"]:
        assert resolved(parameter)["description"], parameter["name"]
    for status, response in operation["responses"].items():
        assert response["description"], status


@each_operation
def test_parameters_are_distinct(operation: dict[str, Any]) -> None:
    found = [(parameter["in"], parameter["name"]) for parameter in operation["parameters"]]
    assert len(found) == len(set(found))


@each_operation
def test_each_body_has_an_example(operation: dict[str, Any]) -> None:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        assert resolved(content["schema"]).get("examples"), media_type


@each_operation
def test_each_error_has_the_one_shape(operation: dict[str, Any]) -> None:
    errors = {status: response for status, response in operation["responses"].items() if int(status) >= 400}
    assert {"405", "500", "503"} <= set(errors)
    for response in errors.values():
        assert response["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}


@each_operation
def test_each_key_is_asked_for_where_it_is_needed(operation: dict[str, Any]) -> None:
    open_to_anyone = operation["tags"] == ["Health"]
    assert operation.get("security", []) == ([] if open_to_anyone else [{"bearer": []}])
    assert ("401" in operation["responses"]) is not open_to_anyone


@each_component
def test_each_example_fits_its_component(name: str) -> None:
    for example in COMPONENTS[name].get("examples", []):
        assert not faults_of(example, {"$ref": f"#/components/schemas/{name}"})


@each_component
def test_each_object_says_whether_it_is_open(name: str) -> None:
    """What is neither described nor allowed is not answered: so a body without `additionalProperties` is an oversight."""
    for node in _nodes(COMPONENTS[name]):
        if node.get("type") == "object" and "properties" in node:
            assert "additionalProperties" in node


def test_references_lead_somewhere_and_every_component_is_used() -> None:
    found = {node["$ref"] for node in _nodes(schema()) if isinstance(node.get("$ref"), str)}
    assert found == {f"#/components/schemas/{name}" for name in COMPONENTS}


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    assert {(method, path) for method, path, _ in OPERATIONS} == set(_routes())


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for name, value in node.items():
            if name not in ("examples", "example"):
                yield from _nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from _nodes(item)


def _routes() -> Iterator[tuple[str, str]]:
    """Method and path of what the resolver serves below /v1/."""
    for path, callback in _patterns(get_resolver(), ""):
        if path.startswith("/v1/") and path != "/v1/openapi.json":
            for method in callback.actions:
                if method != "head":  # which each GET brings along, once it was asked
                    yield method.upper(), path


def _patterns(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
    for each in resolver.url_patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _patterns(each, path)
        elif isinstance(each, URLPattern):
            plain = re.sub(r"\(\?P(<\w+>)\[[^)]+\+\)", r"\1", path).replace("^", "").removesuffix("$").removesuffix("/?")
            yield "/" + re.sub(r"<(\w+)>", r"{\1}", plain), each.callback
