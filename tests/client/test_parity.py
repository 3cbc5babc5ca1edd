"""What the client's code knows of each route, held against the published schema: nothing it sends or requires is missing."""

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import mixpeek
import pytest
from pydantic import BaseModel

from mixpeek_site.api.schema import document_text
from tests.client.filling import names

SCHEMA: dict[str, Any] = json.loads(document_text())
_PLACEHOLDER = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class Call:
    """A method of the client, as far as its generated code tells."""

    name: str
    method: str
    path: str
    query: frozenset[str]
    body: type[BaseModel] | None
    answer: type[BaseModel] | None

    @property
    def operation(self) -> dict[str, Any] | None:
        """The served route, if it is one of ours."""
        for path, methods in SCHEMA["paths"].items():
            if _PLACEHOLDER.sub("{}", path) == _PLACEHOLDER.sub("{}", self.path):
                found: dict[str, Any] | None = methods.get(self.method)
                return found
        return None


def calls() -> Iterator[Call]:
    for api_name in dir(mixpeek):
        api = getattr(mixpeek, api_name)
        for name, serialize in vars(api).items() if isinstance(api, type) and api_name.endswith("Api") else ():
            if name.startswith("_") and name.endswith("_serialize"):
                plain = name.removeprefix("_").removesuffix("_serialize")
                yield _call(api, plain, inspect.getsource(serialize))


def _call(api: type, name: str, source: str) -> Call:
    (path,) = re.findall(r"resource_path='([^']*)'", source)
    (method,) = re.findall(r"method='([^']*)'", source)
    answers = re.findall(r"'200': \"(\w+)\"", inspect.getsource(vars(api)[name]))
    body = next((_model(_camel(each)) for each in re.findall(r"_body_params = (\w+)$", source, re.M)), None)
    query = frozenset(re.findall(r"_query_params\.append\(\('(\w+)'", source))
    return Call(f"{api.__name__}.{name}", method.lower(), path, query, body, _model(answers[0]) if answers else None)


def _model(name: str) -> type[BaseModel] | None:
    found = getattr(mixpeek, name, None)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


SERVED = [call for call in calls() if call.operation]


def each(calls: Iterable[Call]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("call", calls, ids=lambda call: call.name)


each_call = each(SERVED)
# The client has models for these; it sends a body even with some GETs.
each_with_body = each([call for call in SERVED if call.body and call.operation and "requestBody" in call.operation])
# An export is the answer itself here, and not the address of a file.
each_with_answer = each([call for call in SERVED if call.answer and call.name != "CollectionsApi.export_collection"])


def component(content: dict[str, Any]) -> dict[str, Any]:
    reference: str = content["content"]["application/json"]["schema"]["$ref"]
    found: dict[str, Any] = SCHEMA["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def test_the_routes_that_the_client_knows_are_served() -> None:
    served = {call.name for call in SERVED}
    for api, methods in {
        "BucketsApi": "create_bucket get_bucket list_buckets list_buckets_get patch_bucket update_bucket delete_bucket",
        "BucketObjectsApi": "create_object_buckets create_objects_batch_buckets get_object_buckets list_objects_buckets"
        " list_objects_get_buckets patch_object_buckets update_object_buckets delete_object_buckets",
        "CollectionsApi": "create_collection get_collection list_collections list_collections_get update_collection"
        " delete_collection",
        "CollectionDocumentsApi": "create_document get_document list_documents list_documents_0 patch_document update_document"
        " delete_document batch_update batch_delete bulk_update aggregate_documents distinct_document_values count_documents"
        " get_document_ancestors get_document_descendants download_document_media",
        "DocumentsApi": "get_document_ns patch_document_ns update_document_ns list_documents_ns list_documents_batch batch_get",
        "DocumentLineageApi": "get_document_lineage get_documents_by_object get_decomposition_tree_objects",
        "NamespacesApi": "create_namespace get_namespace get_namespace_stats list_namespaces list_namespaces_get"
        " patch_namespace update_namespace delete_namespace",
        "AccountApi": "whoami_me",
        "BYODocumentsApi": "upsert_documents_byo_namespaces get_document_byo_namespaces",
        "HealthApi": "healthcheck_health liveness_health",
    }.items():
        assert not (missing := {f"{api}.{method}" for method in methods.split()} - served), missing


@each_call
def test_every_query_parameter_is_accepted(call: Call) -> None:
    assert call.operation is not None
    accepted = {each["name"] for each in call.operation.get("parameters", []) if each["in"] == "query"}
    assert call.query <= accepted


@each_with_body
def test_every_field_of_a_body_is_known(call: Call) -> None:
    assert call.body is not None
    assert call.operation is not None
    body = component(call.operation["requestBody"])
    if body.get("additionalProperties") is False:
        assert set(names(call.body).values()) <= set(body["properties"])


@each_with_answer
def test_every_field_that_an_answer_must_have_is_promised(call: Call) -> None:
    assert call.answer is not None
    assert call.operation is not None
    promised = component(call.operation["responses"]["200"])
    required = {names(call.answer)[name] for name, field in call.answer.model_fields.items() if field.is_required()}
    assert required <= set(promised["required"])


@each_with_answer
def test_every_field_of_an_answer_is_described(call: Call) -> None:
    """What the hosted service adds of its own search engine and of the limits of its tasks is not answered here."""
    assert call.answer is not None
    assert call.operation is not None
    described = set(component(call.operation["responses"]["200"])["properties"])
    not_ours = {"vector_hydration_incomplete", "searchable_at", "limits"}
    assert set(names(call.answer).values()) - not_ours <= described
