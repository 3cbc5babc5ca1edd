"""The client's search over several collections."""

import pytest
from mixpeek import (
    ApiClient,
    BYODocument,
    BYODocumentsApi,
    BYOUpsertRequest,
    CollectionsApi,
    CreateCollectionRequest,
    FeatureSearchApi,
    FeatureSearchQuery,
    FeatureSearchRequest,
    SourceConfigInput,
    SourceType,
    Vector,
    VectorsValue,
)

from tests.client.conftest import Session

pytestmark = pytest.mark.pgvector


def test_collections_are_searched_by_a_vector_and_by_words(client: ApiClient, session: Session) -> None:
    source = SourceConfigInput(type=SourceType.BUCKET, bucket_ids=["bkt_somewhere"])
    for name, vector in (("left", [1.0, 0.0]), ("right", [0.0, 1.0])):
        request = CreateCollectionRequest(collection_name=f"searched_{name}", source=source)
        made = CollectionsApi(client).create_collection(request)
        document = BYODocument(
            document_id=f"search:{name}", vectors={"embedding": VectorsValue(vector)}, payload={"title": f"To the {name}"}
        )
        upsert = BYOUpsertRequest(collection_id=str(made.collection_id), documents=[document])
        BYODocumentsApi(client).upsert_documents_byo_namespaces(session.namespace, upsert)

    def found(query: FeatureSearchQuery) -> list[str]:
        request = FeatureSearchRequest(query=query, collection_identifiers=["searched_left", "searched_right"], top_k=2)
        answer = FeatureSearchApi(client).feature_search(request)
        return [each["document_id"] for each in answer["results"]]  # type: ignore[index]

    assert found(FeatureSearchQuery(input_mode="vector", vector=Vector([0.1, 1]))) == ["search:right", "search:left"]
    assert found(FeatureSearchQuery(text="left")) == ["search:left"]
