"""What the client's generated code does by itself, shown against what the server answered."""

import json

import pytest
from mixpeek import (
    ApiClient,
    CollectionDocumentsApi,
    CollectionsApi,
    CreateCollectionRequest,
    DocumentCreateRequest,
    FeatureModel,
    LogicalOperatorOutput,
    SourceConfigInput,
    SourceType,
)

from tests.client.checks import as_json


@pytest.fixture
def collections(client: ApiClient) -> CollectionsApi:
    return CollectionsApi(client)


def minimal(name: str) -> CreateCollectionRequest:
    source = SourceConfigInput(type=SourceType.BUCKET, bucket_ids=["bkt_somewhere"])
    return CreateCollectionRequest(collection_name=f"limits of {name}", source=source)


def test_parameters_of_an_extractor_unknown_to_the_client_are_kept(collections: CollectionsApi) -> None:
    """`Parameters` is "any of 15 models"; the client takes the first that parses, and the last of them is open."""
    sent = {"feature_extractor_name": "mine", "version": "v1", "parameters": {"extractor_type": "mine", "threshold": 0.5}}
    made = collections.create_collection(minimal("parameters"))
    changed = collections.update_collection_with_http_info(str(made.collection_id), {"feature_extractor": sent})
    assert json.loads(changed.raw_data)["feature_extractor"] == {**sent, "feature_extractor_id": "mine_v1"}
    assert as_json(changed.data.feature_extractor)["parameters"] == sent["parameters"]


@pytest.mark.pgvector
def test_a_sparse_vector_is_sent_as_a_plain_object(client: ApiClient) -> None:
    """`Vectors` is "any of an object, a SparseVector, …": the object, tried first, holds a sparse vector as well."""
    collection = str(CollectionsApi(client).create_collection(minimal("vectors")).collection_id)
    sparse = {"indices": [1, 5], "values": [0.5, 0.25]}
    sent = FeatureModel.from_dict({"feature_extractor_id": "splade_v1", "vectors": {"splade": sparse}})
    assert sent is not None
    documents = CollectionDocumentsApi(client)
    made = documents.create_document(collection, DocumentCreateRequest(features=[sent]))
    found = documents.get_document(collection, made.document_id, return_vectors=True)
    assert found.additional_properties["vectors"] == {"splade": sparse}


def test_a_condition_of_a_filter_is_parsed_as_a_group(collections: CollectionsApi) -> None:
    """`AndInner` is "a group or a condition", and the group, which allows any name, is tried first: no value is lost."""
    condition = {"field": "metadata.kind", "operator": "eq", "value": "film"}
    source = {"type": "bucket", "bucket_ids": ["bkt_somewhere"], "source_filters": {"filters": {"AND": [condition]}}}
    made = collections.create_collection(minimal("filters"))
    changed = collections.update_collection_with_http_info(str(made.collection_id), {"source": source})
    assert json.loads(changed.raw_data)["source"] == source
    filters = changed.data.source.source_filters
    assert filters is not None
    assert filters.filters is not None
    assert filters.filters.var_and is not None
    inner = filters.filters.var_and[0].actual_instance
    assert isinstance(inner, LogicalOperatorOutput)
    assert inner.additional_properties == condition
