"""Routes of places, objects, the caller and health, below /v1/. A trailing slash changes nothing."""

from typing import Any

from django.urls import re_path

from namespaces.api.views.account import MeViewSet
from namespaces.api.views.buckets import BucketViewSet
from namespaces.api.views.collections import CollectionViewSet
from namespaces.api.views.health import HealthViewSet
from namespaces.api.views.namespaces import NamespaceViewSet
from namespaces.api.views.objects import ObjectViewSet
from namespaces.api.views.uploads import UploadViewSet

_NAMESPACE = r"^namespaces/(?P<namespace_identifier>[^/]+)"
_COLLECTION = r"^collections/(?P<collection_identifier>[^/]+)"
_BUCKET = r"^buckets/(?P<bucket_identifier>[^/]+)"
_OBJECT = rf"{_BUCKET}/objects/(?P<object_identifier>[^/]+)"

_MANY: dict[str, Any] = {"post": "create", "get": "list"}
_LIST: dict[str, Any] = {"post": "list", "get": "list"}
_ONE: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
_ONE_WITHOUT_PUT: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    re_path(r"^namespaces/?$", NamespaceViewSet.as_view(_MANY), name="namespaces"),
    re_path(r"^namespaces/list/?$", NamespaceViewSet.as_view(_LIST), name="namespaces-list"),
    re_path(rf"{_NAMESPACE}/?$", NamespaceViewSet.as_view(_ONE), name="namespace"),
    re_path(rf"{_NAMESPACE}/stats/?$", NamespaceViewSet.as_view({"get": "stats"}), name="namespace-stats"),
    re_path(r"^collections/?$", CollectionViewSet.as_view(_MANY), name="collections"),
    re_path(r"^collections/list/?$", CollectionViewSet.as_view(_LIST), name="collections-list"),
    re_path(rf"{_COLLECTION}/?$", CollectionViewSet.as_view(_ONE_WITHOUT_PUT), name="collection"),
    re_path(r"^buckets/?$", BucketViewSet.as_view(_MANY), name="buckets"),
    re_path(r"^buckets/list/?$", BucketViewSet.as_view(_LIST), name="buckets-list"),
    re_path(rf"{_BUCKET}/?$", BucketViewSet.as_view(_ONE), name="bucket"),
    re_path(rf"{_BUCKET}/objects/?$", ObjectViewSet.as_view(_MANY), name="objects"),
    re_path(rf"{_BUCKET}/objects/list/?$", ObjectViewSet.as_view(_LIST), name="objects-list"),
    re_path(rf"{_BUCKET}/objects/batch/?$", ObjectViewSet.as_view({"post": "create_batch"}), name="objects-batch"),
    re_path(rf"{_OBJECT}/?$", ObjectViewSet.as_view(_ONE), name="object"),
    re_path(rf"{_BUCKET}/blobs/?$", UploadViewSet.as_view({"post": "create"}), name="blobs"),
    re_path(r"^me/?$", MeViewSet.as_view({"get": "retrieve"}), name="me"),
    re_path(r"^health/?$", HealthViewSet.as_view({"get": "check"}), name="health"),
    re_path(r"^health/deep/?$", HealthViewSet.as_view({"get": "deep_check"}), name="health-deep"),
    re_path(r"^health/liveness/?$", HealthViewSet.as_view({"get": "liveness"}), name="liveness"),
]
