"""The verbs that write: each takes keywords, is one transaction, returns the row, and raises domain errors only.

API, admin and commands call these same verbs.
"""

from namespaces.services.buckets import create_bucket, delete_bucket, update_bucket
from namespaces.services.collections import create_collection, delete_collection, update_collection
from namespaces.services.common import UNCHANGED
from namespaces.services.namespaces import create_namespace, delete_namespace, update_namespace
from namespaces.services.objects import (
    NewObject,
    ObjectResult,
    create_object,
    create_objects,
    delete_object,
    update_object,
)
from namespaces.services.organizations import create_api_key, create_organization, revoke_api_key
from namespaces.services.uploads import owner_of, store_upload

__all__ = [
    "UNCHANGED",
    "NewObject",
    "ObjectResult",
    "create_api_key",
    "create_bucket",
    "create_collection",
    "create_namespace",
    "create_object",
    "create_objects",
    "create_organization",
    "delete_bucket",
    "delete_collection",
    "delete_namespace",
    "delete_object",
    "owner_of",
    "revoke_api_key",
    "store_upload",
    "update_bucket",
    "update_collection",
    "update_namespace",
    "update_object",
]
