"""Routes of documents, below /v1/. A trailing slash changes nothing.

A root object may be called by a URL, `s3://bucket/key`. Servers decode %2F before they hand a path on, so its id is all
that stands between `objects/` and the last step of the path.
"""

from django.urls import re_path

from documents.api.aggregations import AggregationViewSet
from documents.api.decomposition import DecompositionViewSet
from documents.api.downloads import DownloadViewSet
from documents.api.exports import ExportViewSet
from documents.api.many import ManyDocumentsViewSet
from documents.api.searches import SearchViewSet
from documents.api.upserts import NamespaceDocumentsViewSet
from documents.api.views import DocumentViewSet
from documents.api.walks import ObjectDocumentsViewSet, WalkViewSet

_COLLECTION = r"^collections/(?P<collection_identifier>[^/]+)/documents"
_DOCUMENT = r"/(?P<document_id>[^/]+)"
_ROOT = r"^objects/(?P<object_id>[\s\S]+)"
_NAMESPACE = r"^namespaces/(?P<namespace_identifier>[^/]+)/documents"
_OBJECT = r"^buckets/(?P<bucket_identifier>[^/]+)/objects/(?P<object_identifier>[^/]+)"

_one = DocumentViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"})
_twin = DocumentViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"})

_count = AggregationViewSet.as_view({"get": "count", "post": "count_matching"})
_ancestors = WalkViewSet.as_view({"get": "ancestors"})
_descendants = WalkViewSet.as_view({"get": "descendants"})
_of_object = ObjectDocumentsViewSet.as_view({"get": "list_of_object"})
_tree = DecompositionViewSet.as_view({"get": "decomposition_tree"})
_object_impact = DecompositionViewSet.as_view({"get": "object_impact"})
_bucket_object_impact = DecompositionViewSet.as_view({"get": "bucket_object_impact"})
_document_impact = DecompositionViewSet.as_view({"get": "document_impact"})
_batch = ManyDocumentsViewSet.as_view({"post": "update_batch", "delete": "delete_batch"})

urlpatterns = [
    re_path(rf"{_COLLECTION}/count/?$", _count, name="documents-count"),
    re_path(rf"{_COLLECTION}/distinct/?$", AggregationViewSet.as_view({"post": "distinct"}), name="documents-distinct"),
    re_path(rf"{_COLLECTION}/aggregate/?$", AggregationViewSet.as_view({"post": "aggregate"}), name="documents-aggregate"),
    re_path(rf"{_COLLECTION}/list/?$", DocumentViewSet.as_view({"post": "list_documents"}), name="documents-list-query"),
    re_path(rf"{_COLLECTION}/search/?$", SearchViewSet.as_view({"post": "search_documents"}), name="documents-search"),
    re_path(r"^features/search/?$", SearchViewSet.as_view({"post": "search_features"}), name="features-search"),
    re_path(rf"{_COLLECTION}/batch/?$", _batch, name="documents-batch"),
    re_path(rf"{_COLLECTION}/bulk/?$", ManyDocumentsViewSet.as_view({"patch": "update_bulk"}), name="documents-bulk"),
    re_path(
        r"^collections/(?P<collection_identifier>[^/]+)/export/?$",
        ExportViewSet.as_view({"post": "export"}),
        name="collection-export",
    ),
    re_path(r"^documents/batch-get/?$", ManyDocumentsViewSet.as_view({"post": "get_many"}), name="documents-batch-get"),
    re_path(r"^documents/list/batch/?$", DocumentViewSet.as_view({"post": "list_several"}), name="documents-list-batch"),
    re_path(r"^documents/list/?$", DocumentViewSet.as_view({"post": "list_everywhere"}), name="documents-everywhere"),
    re_path(rf"{_COLLECTION}{_DOCUMENT}/?$", _one, name="document"),
    re_path(rf"{_COLLECTION}/?$", DocumentViewSet.as_view({"post": "create", "get": "list_documents"}), name="documents"),
    re_path(rf"{_COLLECTION}{_DOCUMENT}/lineage/?$", DocumentViewSet.as_view({"get": "lineage"}), name="document-lineage"),
    re_path(rf"{_COLLECTION}{_DOCUMENT}/download/?$", DownloadViewSet.as_view({"get": "download"}), name="document-download"),
    re_path(rf"{_COLLECTION}{_DOCUMENT}/ancestors/?$", _ancestors, name="document-ancestors"),
    re_path(rf"{_COLLECTION}{_DOCUMENT}/descendants/?$", _descendants, name="document-descendants"),
    re_path(rf"{_ROOT}/documents/?$", _of_object, name="object-documents"),
    re_path(rf"^documents{_DOCUMENT}/?$", _twin, name="document-anywhere"),
    re_path(rf"{_NAMESPACE}/upsert/?$", NamespaceDocumentsViewSet.as_view({"post": "upsert"}), name="documents-upsert"),
    re_path(rf"{_NAMESPACE}{_DOCUMENT}/?$", NamespaceDocumentsViewSet.as_view({"get": "retrieve"}), name="namespace-document"),
    re_path(rf"{_COLLECTION}{_DOCUMENT}/impact/?$", _document_impact, name="document-impact"),
    re_path(rf"^documents{_DOCUMENT}/impact/?$", _document_impact, name="document-impact-anywhere"),
    re_path(rf"{_ROOT}/decomposition-tree/?$", _tree, name="decomposition-tree"),
    re_path(rf"{_ROOT}/impact/?$", _object_impact, name="object-impact"),
    re_path(rf"{_OBJECT}/impact/?$", _bucket_object_impact, name="bucket-object-impact"),
]
