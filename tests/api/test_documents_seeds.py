"""The examples of the five public pages, recreated: every member comes out of its rendering with its value (section 4).

The facts are restated here. What a page leaves to the server (ids, times) is asserted where the page pins it down.
"""

from decimal import Decimal
from typing import Any

import pytest

from documents.models import Document
from namespaces.models import Organization
from tests import cast
from tests.api.places import Documents
from tests.cast import Api


@pytest.fixture
def articles(api: Api) -> Documents:
    """The collection `col_articles` of the pages, in `org_abc123` and `ns_xyz789`."""
    from namespaces.models import Collection, Namespace

    collection = cast.collection(api)
    Collection.objects.filter(public_id=collection).update(public_id="col_articles")
    Namespace.objects.filter(public_id=api.namespace).update(public_id="ns_xyz789")
    Organization.objects.filter(pk=api.scope.organization_id).update(public_id="org_abc123")
    here = cast.Api(api.token, "ns_xyz789")
    return Documents(here, "col_articles")


def holds(shown: Any, example: Any) -> bool:
    """Whether every member of the example is in what was shown, with its value."""
    if isinstance(example, dict):
        return isinstance(shown, dict) and all(name in shown and holds(shown[name], value) for name, value in example.items())
    return bool(shown == example)


T = "2025-10-31T10:00:00Z"
NATIVE: dict[str, Any] = {
    "document_id": "doc_f8966ff29c",
    "collection_id": "col_articles",
    "_internal": {
        "collection_id": "col_articles",
        "created_at": T,
        "document_id": "doc_f8966ff29c",
        "internal_id": "org_abc123",
        "lineage": {
            "path": "bkt_content/col_articles",
            "root_bucket_id": "bkt_content",
            "root_object_id": "obj_article_001",
            "source_object_id": "obj_article_001",
            "source_type": "bucket",
        },
        "metadata": {"ingestion_status": "COMPLETED"},
        "modality": "text",
        "namespace_id": "ns_xyz789",
        "updated_at": T,
    },
}


def test_the_native_pages(articles: Documents) -> None:
    """Update (000) and create (002): the server fills in path and root from the source object."""
    articles.create(
        {
            "document_id": "doc_f8966ff29c",
            "root_bucket_id": "bkt_content",
            "source_object_id": "obj_article_001",
            "_internal": {"metadata": {"ingestion_status": "COMPLETED"}, "modality": "text"},
        }
    )
    Document.objects.update(created_at=T, updated_at=T)
    assert holds(articles.get("doc_f8966ff29c"), NATIVE)


def test_a_put_of_the_native_page_answers_in_its_shape(articles: Documents) -> None:
    articles.create({"document_id": "doc_f8966ff29c"})
    shown = articles.put("doc_f8966ff29c", NATIVE).json()
    assert holds({**shown["_internal"], "created_at": T, "updated_at": T}, NATIVE["_internal"])


# The patch page (001), generation 2.
V1 = {
    "collection_id": "col_articles",
    "description": "Text document without artifacts (return_url=false)",
    "document_blobs": [],
    "document_id": "doc_f8966ff29c18e20c6b45e053",
    "internal_metadata": {"ingestion_status": "COMPLETED"},
    "lineage": {
        "root_bucket_id": "bkt_content",
        "root_object_id": "obj_article_001",
        "source_object_id": "obj_article_001",
        "source_type": "bucket",
    },
    "metadata": {"author": "Dr. Smith", "title": "AI in Healthcare"},
    "presigned_urls": [],
    "source_blobs": [{"blob_id": "blob_text_001", "blob_property": "content", "blob_type": "text"}],
}


def test_the_patch_page(articles: Documents) -> None:
    articles.create(V1)
    shown = articles.patch("doc_f8966ff29c18e20c6b45e053", {"metadata": {}}, "?schema_version=v1").json()
    assert holds(shown, V1)
    assert shown["document_schema_version"] == "v1"


@pytest.mark.parametrize(
    "lineage",
    [
        {
            "lineage_chain": [
                {
                    "collection_id": "col_frames",
                    "feature_extractor_id": "video_extractor_v1",
                    "timestamp": "2025-10-18T10:30:00Z",
                }
            ],
            "root_bucket_id": "bkt_marketing",
            "root_object_id": "obj_video123",
            "source_object_id": "obj_video123",
            "source_type": "bucket",
        },
        {
            "lineage_chain": [
                {
                    "collection_id": "col_frames",
                    "document_id": "doc_frame050",
                    "feature_extractor_id": "video_extractor_v1",
                    "timestamp": "2025-10-18T10:30:00Z",
                },
                {
                    "collection_id": "col_scenes",
                    "feature_extractor_id": "scene_detector_v1",
                    "timestamp": "2025-10-18T10:31:15Z",
                },
            ],
            "root_bucket_id": "bkt_marketing",
            "root_object_id": "obj_video123",
            "source_collection_id": "col_frames",
            "source_document_id": "doc_frame050",
            "source_type": "collection",
        },
    ],
)
def test_the_lineages_of_the_patch_page_read_back_equal(documents: Documents, lineage: Any) -> None:
    """First- and second-level processing; the upstream documents are not stored."""
    made = documents.new({"lineage": lineage, "document_schema_version": "v1"})
    assert documents.get(made)["lineage"] == lineage


def test_the_flat_page(documents: Documents) -> None:
    """Create (003), generation 3: the fields that the page names, with its examples."""
    flat = {
        "root_object_id": "obj_video123",
        "root_bucket_id": "bkt_marketing",
        "source_type": "collection",
        "source_collection_id": "col_frames",
        "source_document_id": "doc_frame_050",
        "lineage_path": "bkt_marketing/col_frames/col_scenes",
        "lineage_chain": [
            {"collection_id": "col_frames", "feature_extractor_id": "video_extractor_v1", "document_id": "doc_frame_050"},
            {"collection_id": "col_scenes", "feature_extractor_id": "scene_detector_v1", "timestamp": "2025-10-18T10:31:15Z"},
        ],
    }
    made = documents.new({**flat, "document_schema_version": "v2", "brand_name": "Acme", "metadata": {"any": 1}})
    assert holds(
        documents.get(made), {**flat, "brand_name": "Acme", "metadata": {"any": 1}, "lineage_path": flat["lineage_path"]}
    )


def test_the_flat_page_for_a_document_of_a_bucket(documents: Documents) -> None:
    flat = {"source_type": "bucket", "source_object_id": "obj_video_123", "root_bucket_id": "bkt_marketing"}
    shown = documents.create({**flat, "document_schema_version": "v2"})
    derived = {"root_object_id": "obj_video_123", "lineage_path": f"bkt_marketing/{documents.collection}", "lineage_chain": []}
    assert holds(
        shown, {**flat, **derived, "source_blobs": [], "internal_metadata": {}, "document_blobs": [], "presigned_urls": []}
    )


# The create page (004), generation 1.
SOURCE_DETAILS = [
    {
        "type": "bucket",
        "source_id": "bkt_products",
        "object_id": "obj_1",
        "feature_extractor_task_id": "task_1",
        "object_task_id": "task_2",
        "source_blobs": [
            {
                "blob_id": "blob_1",
                "property": "image",
                "key_prefix": "products/",
                "type": "string",
                "data": "s3://products/1.jpg",
                "metadata": {},
                "details": {
                    "filename": "1.jpg",
                    "size_bytes": 123,
                    "mime_type": "image/jpeg",
                    "hash": "abc",
                    "s3_object_key": "products/1.jpg",
                },
            }
        ],
        "feature_extractor_id": "image_extractor_v1",
        "batch_id": "batch_1",
        "batch_task_id": "task_3",
    }
]
ENRICHMENTS: dict[str, Any] = {
    "clusters": [
        {
            "cluster_id": "cluster_001",
            "coordinates": [Decimal(number) for number in ("0.12", "0.23", "0.34", "0.45", "0.56")],
            "distance_to_centroid": Decimal("0.15"),
            "document_id": "doc_123",
            "features": {"category": "electronics", "product_name": "Widget A"},
            "source_details": {"source_id": "col_products_v1", "type": "collection"},
        }
    ],
    "taxonomies": [
        {
            "label": "Mobile Phones",
            "node_id": "node_electronics_phones",
            "path": ["products", "electronics", "phones"],
            "score": Decimal("0.87"),
            "taxonomy_id": "tax_products",
        }
    ],
}


@pytest.mark.pgvector
def test_the_first_create_page(documents: Documents) -> None:
    asked = {"collection_id": documents.collection, "source_details": SOURCE_DETAILS, "metadata": {}}
    made = documents.create(
        {
            **asked,
            "features": [{"feature_extractor_id": "image_extractor_v1", "payload": {}, "vectors": {"image": [123]}}],
            "enrichments": ENRICHMENTS,
            "source_blobs": [{}],
            "document_blobs": [{"field": "image", "url": "https://host/1.jpg"}],
        }
    )
    shown = documents.get(made["document_id"], "?schema_version=v1&return_url=true&return_vectors=true")
    expected = {
        **asked,
        "document_id": made["document_id"],
        "enrichments": ENRICHMENTS,
        "source_blobs": [{}],
        "internal_metadata": {},
        "vector": [123],
        "presigned_url": "https://host/1.jpg",
    }
    assert holds(shown, expected)


def test_source_details_give_root_and_source(documents: Documents) -> None:
    lineage = documents.create({"source_details": SOURCE_DETAILS})["_internal"]["lineage"]
    assert lineage == {
        "root_object_id": "obj_1",
        "root_bucket_id": "bkt_products",
        "source_type": "bucket",
        "source_object_id": "obj_1",
        "path": f"bkt_products/{documents.collection}",
    }


def test_source_details_of_a_collection_give_the_parent(documents: Documents) -> None:
    details = [*SOURCE_DETAILS, {"type": "collection", "source_id": "col_frames", "object_id": "doc_frame"}]
    lineage = documents.create({"source_details": details})["_internal"]["lineage"]
    assert lineage["source_type"] == "collection"
    assert (lineage["source_collection_id"], lineage["source_document_id"]) == ("col_frames", "doc_frame")
    assert (lineage["root_bucket_id"], lineage["root_object_id"]) == ("bkt_products", "obj_1")
