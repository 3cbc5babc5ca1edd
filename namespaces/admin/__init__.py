"""Staff's pages of organizations, keys, namespaces, collections, buckets and objects. Every write is a service's verb."""

from namespaces.admin.history import AuditEntryAdmin
from namespaces.admin.keys import ApiKeyAdmin
from namespaces.admin.objects import BucketObjectAdmin
from namespaces.admin.places import BucketAdmin, CollectionAdmin, NamespaceAdmin, OrganizationAdmin
from namespaces.admin.staff import StaffAdmin, StaffGroupAdmin

__all__ = [
    "ApiKeyAdmin",
    "AuditEntryAdmin",
    "BucketAdmin",
    "BucketObjectAdmin",
    "CollectionAdmin",
    "NamespaceAdmin",
    "OrganizationAdmin",
    "StaffAdmin",
    "StaffGroupAdmin",
]
