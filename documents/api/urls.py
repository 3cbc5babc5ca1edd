"""Routes of documents, below /v1/. A trailing slash changes nothing."""

from django.urls import re_path

from documents.api.views import DocumentViewSet

_COLLECTION = r"^collections/(?P<collection_identifier>[^/]+)/documents"
_DOCUMENT = r"/(?P<document_id>[^/]+)"

_one = DocumentViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"})
_twin = DocumentViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"})

urlpatterns = [
    re_path(rf"{_COLLECTION}/list/?$", DocumentViewSet.as_view({"post": "list_documents"}), name="documents-list-query"),
    re_path(rf"{_COLLECTION}{_DOCUMENT}/?$", _one, name="document"),
    re_path(rf"{_COLLECTION}/?$", DocumentViewSet.as_view({"post": "create", "get": "list_documents"}), name="documents"),
    re_path(rf"{_COLLECTION}{_DOCUMENT}/lineage/?$", DocumentViewSet.as_view({"get": "lineage"}), name="document-lineage"),
    re_path(rf"^documents{_DOCUMENT}/?$", _twin, name="document-anywhere"),
]
