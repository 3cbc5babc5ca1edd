"""Every lineage route through the official client, for a tree of three collections."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from mixpeek import (
    ApiClient,
    BucketCreateRequest,
    BucketObjectsApi,
    BucketsApi,
    CollectionDocumentsApi,
    CollectionsApi,
    CreateCollectionRequest,
    CreateObjectRequest,
    DocumentCreateRequest,
    DocumentLineageApi,
    DocumentResponse,
    DocumentsApi,
)
from mixpeek.api_response import ApiResponse
from mixpeek.exceptions import NotFoundException
from pytest_django import DjangoDbBlocker

from namespaces.models import Namespace
from tests import cast
from tests.client.checks import as_json, typed
from tests.client.conftest import Session
from tests.client.filling import filled


class Tree:
    """An object; a film of it; its two scenes; three shots of the second. Each level is a collection."""

    def __init__(self, client: ApiClient) -> None:
        self.documents = CollectionDocumentsApi(client)
        self.lineage = DocumentLineageApi(client)
        self.bucket = str(BucketsApi(client).create_bucket(filled(BucketCreateRequest, unique_key=None)).bucket_id)
        self.object = str(BucketObjectsApi(client).create_object_buckets(self.bucket, CreateObjectRequest()).object_id)
        made = [CollectionsApi(client).create_collection(filled(CreateCollectionRequest)) for _ in range(3)]
        self.films, self.scenes, self.shots = (str(each.collection_id) for each in made)
        self.film = self.new(self.films, source_object_id=self.object)
        self.scene_1, self.scene_2 = (self.new(self.scenes, source_document_id=self.film) for _ in range(2))
        self.documents.patch_document(self.films, self.film, {"internal_metadata": {"ingestion_status": "COMPLETED"}})
        self.three_shots = [self.new(self.shots, source_document_id=self.scene_2) for _ in range(3)]

    def new(self, collection: str, **given: Any) -> str:
        made = self.documents.create_document(collection, DocumentCreateRequest(**given, additional_properties={"title": "ü"}))
        return str(made.document_id)


@pytest.fixture(scope="module")
def tree(client: ApiClient) -> Tree:
    return Tree(client)


def typed_list(response: ApiResponse[list[DocumentResponse]]) -> list[DocumentResponse]:
    """Each document as the model has it, with nothing that the server said lost or beside its typed field."""
    for raw, document in zip(json.loads(response.raw_data), response.data, strict=True):
        one = ApiResponse(status_code=200, headers=None, data=document, raw_data=json.dumps(raw).encode())
        typed(one)
        assert set(document.additional_properties) == {"title"}
        assert document.internal is not None
        assert document.internal.lineage is not None
    return response.data


def test_ancestors_are_typed_and_the_root_comes_first(tree: Tree) -> None:
    found = typed_list(tree.documents.get_document_ancestors_with_http_info(tree.shots, tree.three_shots[0]))
    assert [each.document_id for each in found] == [tree.film, tree.scene_2]
    assert found == [
        tree.documents.get_document(tree.films, tree.film),
        tree.documents.get_document(tree.scenes, tree.scene_2),
    ]


def test_descendants_are_typed_and_breadth_first(tree: Tree) -> None:
    found = typed_list(tree.documents.get_document_descendants_with_http_info(tree.films, tree.film))
    assert [each.document_id for each in found] == [tree.scene_1, tree.scene_2, *tree.three_shots]
    for each in found:
        assert each.internal is not None
        assert each.internal.lineage is not None
        assert each.internal.lineage.root_object_id == tree.object
        assert each.internal.lineage.root_bucket_id == tree.bucket


def test_lineage_is_typed_step_by_step(tree: Tree) -> None:
    answer = typed(tree.lineage.get_document_lineage_with_http_info(tree.shots, tree.three_shots[2]))
    assert (answer.depth, answer.total_steps, answer.message) == (3, 3, None)
    found = answer.lineage
    assert found is not None
    assert found.lineage_chain is not None
    assert (found.root_object_id, found.root_bucket_id) == (tree.object, tree.bucket)
    assert (found.source_type, found.source_document_id, found.source_collection_id) == (
        "collection",
        tree.scene_2,
        tree.scenes,
    )
    assert [step.collection_id for step in found.lineage_chain] == [tree.films, tree.scenes, tree.shots]
    assert [step.document_id for step in found.lineage_chain[:-1]] == [tree.film, tree.scene_2]
    assert all(step.feature_extractor_id and step.timestamp for step in found.lineage_chain)


def test_an_objects_documents(tree: Tree) -> None:
    answer: Any = tree.lineage.get_documents_by_object(tree.object)
    assert answer["root_object_id"] == tree.object
    assert answer["total"] == 6
    shown = [tree.film, tree.scene_1, tree.scene_2, *tree.three_shots]
    assert [each["document_id"] for each in answer["documents"]] == shown
    first = DocumentResponse.from_dict(answer["documents"][0])
    assert first is not None
    assert as_json(first) == as_json(tree.documents.get_document(tree.films, tree.film))


def test_an_object_whose_id_is_a_url(tree: Tree) -> None:
    made = tree.new(tree.films, source_object_id="s3://films/reel 1/documents")
    answer: Any = tree.lineage.get_documents_by_object("s3://films/reel 1/documents")
    assert [each["document_id"] for each in answer["documents"]] == [made]
    counted: Any = tree.lineage.get_decomposition_tree_objects("s3://films/reel 1/documents")
    assert counted["total_documents"] == 1


@pytest.mark.parametrize("with_ids", [None, True])
def test_the_decomposition_tree(tree: Tree, with_ids: bool | None) -> None:
    answer: Any = tree.lineage.get_decomposition_tree_objects(tree.object, include_document_ids=with_ids)
    assert (answer["root_object_id"], answer["root_bucket_id"]) == (tree.object, tree.bucket)
    assert (answer["total_documents"], answer["max_tier"]) == (6, 3)
    assert answer["object"]["object_id"] == tree.object
    stage, expected = answer["tree"], []
    while stage:
        (node,) = stage
        expected.append((node["collection_id"], node["tier"], node["document_count"], node["statuses"]))
        assert node["path"].startswith(f"{tree.bucket}/{tree.films}")
        assert node["feature_extractor_id"]
        assert ("document_ids" in node) == bool(with_ids)
        stage = node["children"]
    assert expected == [
        (tree.films, 1, 1, {"COMPLETED": 1}),
        (tree.scenes, 2, 2, {"UNKNOWN": 2}),
        (tree.shots, 3, 3, {"UNKNOWN": 3}),
    ]


@pytest.mark.parametrize("levels", [("scenes",), ("films", "shots"), ("films", "scenes", "shots")])
def test_an_objects_documents_of_some_collections(tree: Tree, levels: tuple[str, ...]) -> None:
    answer: Any = tree.lineage.get_documents_by_object(tree.object, collection_ids=[getattr(tree, name) for name in levels])
    assert answer["total"] == len(answer["documents"]) == sum({"films": 1, "scenes": 2, "shots": 3}[name] for name in levels)


def test_the_lineage_keywords_of_expand(tree: Tree, client: ApiClient) -> None:
    names = "parent,ancestors,children,root_object"
    for document in (
        tree.documents.get_document(tree.scenes, tree.scene_2, expand=names),
        DocumentsApi(client).get_document_ns(tree.scene_2, expand=names),
    ):
        found = document.additional_properties["_expanded"]
        assert found["parent"]["document_id"] == tree.film
        assert [each["document_id"] for each in found["ancestors"]] == [tree.film]
        assert [each["document_id"] for each in found["children"]] == tree.three_shots
        assert found["root_object"]["object_id"] == tree.object


def test_what_is_not_there_is_not_found(tree: Tree) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: tree.documents.get_document_ancestors(tree.films, "doc_nowhere"),
        lambda: tree.documents.get_document_descendants(tree.films, tree.scene_1),
        lambda: tree.lineage.get_document_lineage(tree.films, "doc_nowhere"),
        lambda: tree.lineage.get_documents_by_object("obj_nowhere"),
        lambda: tree.lineage.get_decomposition_tree_objects("obj_nowhere"),
    ]
    for call in calls:
        with pytest.raises(NotFoundException):
            call()


def test_another_namespaces_tree_is_not_found(tree: Tree, session: Session, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        other = cast.namespace(Namespace.objects.get(public_id=session.namespace).organization)
    elsewhere = session.client(namespace=other.public_id)
    with pytest.raises(NotFoundException):
        DocumentLineageApi(elsewhere).get_documents_by_object(tree.object)
    with pytest.raises(NotFoundException):
        CollectionDocumentsApi(elsewhere).get_document_descendants(tree.films, tree.film)
