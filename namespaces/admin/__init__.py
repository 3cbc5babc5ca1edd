"""Staff's pages of organizations, keys, namespaces, collections, buckets and objects. Every write is a service's verb."""

from namespaces.admin.keys import ApiKeyAdmin
from namespaces.admin.objects import BucketObjectAdmin
from namespaces.admin.places import BucketAdmin, CollectionAdmin, NamespaceAdmin, OrganizationAdmin

__all__ = ["ApiKeyAdmin", "BucketAdmin", "BucketObjectAdmin", "CollectionAdmin", "NamespaceAdmin", "OrganizationAdmin"]
