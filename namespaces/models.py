"""Where documents live and who may see them: organizations, keys, namespaces, collections, buckets and their objects.

Every tenant table carries `namespace`; every statement names it. `public_id` is the id that the API shows (`ns_…`,
`col_…`, …); the integer keys never leave the server.
"""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mixpeek_site import ids
from mixpeek_site.jsonio import ExactJSONField

ORGANIZATION_PREFIX, NAMESPACE_PREFIX, COLLECTION_PREFIX, BUCKET_PREFIX, OBJECT_PREFIX = (
    "org_",
    "ns_",
    "col_",
    "bkt_",
    "obj_",
)


def new_organization_id() -> str:
    return ids.new_id(ORGANIZATION_PREFIX)


def new_namespace_id() -> str:
    return ids.new_id(NAMESPACE_PREFIX)


def new_collection_id() -> str:
    return ids.new_id(COLLECTION_PREFIX)


def new_bucket_id() -> str:
    return ids.new_id(BUCKET_PREFIX)


def new_object_id() -> str:
    return ids.new_id(OBJECT_PREFIX)


class NamespacedModel(models.Model):
    """A row of a tenant table: `id` is what Django sees, `(id, namespace)` is the primary key in the database.

    `save`, `delete` and `refresh_from_db` name the namespace, and `save` never changes it.
    """

    class Meta:
        abstract = True

    namespace_id: int

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *args: Any) -> Any:
        kept = [value for value in values if value[0].name != "namespace"]
        return super()._do_update(base_qs.filter(**self._own_namespace()), using, pk_val, kept, *args)

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        rows = self.__class__._base_manager.using(using) if from_queryset is None else from_queryset
        super().refresh_from_db(using, fields, rows.filter(**self._own_namespace()))

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        rows = self.__class__._base_manager.using(using).filter(pk=self.pk, **self._own_namespace())
        count = rows._raw_delete(rows.db)  # no cascade in Python: the database has the keys
        return count, {self._meta.label: count}

    def _own_namespace(self) -> dict[str, int]:
        return {"namespace_id": self.namespace_id}


class Organization(models.Model):
    """A tenant: it owns namespaces and the keys to them."""

    public_id = models.CharField(max_length=128, default=new_organization_id, editable=False, unique=True)
    name = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Permission(models.TextChoices):
    """What a key may do; each includes the weaker (contract section 1)."""

    READ = "READ"
    WRITE = "WRITE"
    DELETE = "DELETE"
    ADMIN = "ADMIN"

    def includes(self, needed: "Permission") -> bool:
        order = list(Permission)
        return order.index(self) >= order.index(needed)


class ApiKey(models.Model):
    """A bearer key. Only its SHA-256 is stored; `prefix` is what people recognise it by."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    prefix = models.CharField(max_length=16, editable=False)
    permission = models.CharField(max_length=6, choices=Permission.choices, default=Permission.READ)
    namespace_patterns = ArrayField(
        models.CharField(max_length=255),
        default=list,
        blank=True,
        help_text="Ids or names of namespaces, or beginnings of them ending in *. Empty: every namespace.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ("organization", "name", "id")
        constraints = (models.CheckConstraint(condition=Q(permission__in=Permission.values), name="apikey_permission_known"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Namespace(models.Model):
    """An isolated space of collections, buckets and documents, inside an organization."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="namespaces")
    public_id = models.CharField("namespace id", max_length=128, default=new_namespace_id, db_collation="C")
    name = models.CharField(max_length=255, db_collation="C")
    description = models.TextField(blank=True, null=True)
    config = ExactJSONField(
        default=dict, blank=True, help_text="What clients sent for processing; stored and returned, not interpreted."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            # Both serve the lookup of X-Namespace, by id and by name, on every request.
            models.UniqueConstraint(
                fields=("organization", "public_id"), condition=Q(deleted_at=None), name="namespace_id_taken"
            ),
            models.UniqueConstraint(fields=("organization", "name"), condition=Q(deleted_at=None), name="namespace_name_taken"),
        )

    def __str__(self) -> str:
        return self.name


class Collection(models.Model):
    """A stage of decomposition: documents that one extractor made from one kind of source."""

    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="collections")
    public_id = models.CharField("collection id", max_length=128, default=new_collection_id, db_collation="C")
    name = models.CharField(max_length=255, db_collation="C")
    description = models.TextField(blank=True, null=True)
    feature_extractor_id = models.TextField(
        default="", blank=True, help_text="<name>_<version> of the configured extractor; written into derived chains."
    )
    config = ExactJSONField(
        default=dict, blank=True, help_text="What clients sent for processing; stored and returned, not interpreted."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            # Both serve the lookup of the collection in a path, by id and by name, on every request.
            models.UniqueConstraint(fields=("namespace", "public_id"), condition=Q(deleted_at=None), name="collection_id_taken"),
            models.UniqueConstraint(fields=("namespace", "name"), condition=Q(deleted_at=None), name="collection_name_taken"),
            # Target of the documents' composite foreign key: a document can't be in a foreign collection.
            models.UniqueConstraint(fields=("namespace", "id"), name="collection_of_namespace"),
        )

    def __str__(self) -> str:
        return self.name


class Bucket(models.Model):
    """Where root objects are registered."""

    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="buckets")
    public_id = models.CharField("bucket id", max_length=128, default=new_bucket_id, db_collation="C")
    name = models.CharField(max_length=255, db_collation="C")
    description = models.TextField(blank=True, null=True)
    config = ExactJSONField(
        default=dict, blank=True, help_text="What clients sent for processing; stored and returned, not interpreted."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            # Both serve the lookup of the bucket in a path, by id and by name.
            models.UniqueConstraint(fields=("namespace", "public_id"), name="bucket_id_taken"),
            models.UniqueConstraint(fields=("namespace", "name"), name="bucket_name_taken"),
            # Target of the objects' composite foreign key.
            models.UniqueConstraint(fields=("namespace", "id"), name="bucket_of_namespace"),
        )

    def __str__(self) -> str:
        return self.name


class BucketObject(NamespacedModel):
    """A registered root: the video, book or file that a tree of documents was made from."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid7, editable=False)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    bucket = models.ForeignKey(Bucket, models.DO_NOTHING, related_name="held_objects", db_constraint=False, db_index=False)
    object_id = models.CharField(max_length=128, default=new_object_id, db_collation="C")
    key_prefix = models.TextField(blank=True, null=True)
    fields = ExactJSONField(default=dict, blank=True, help_text="The object's user fields.")
    blobs = ExactJSONField(default=list, blank=True)
    system = ExactJSONField(default=dict, blank=True, help_text="Source details, edges, status, error.")
    size_bytes = models.BigIntegerField(default=0, db_default=0, help_text="Of its blobs together, as far as known.")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True, editable=False, db_collation="C")
    unique_key = models.CharField(
        max_length=64, null=True, blank=True, editable=False, db_collation="C", help_text="Digest of its bucket's key fields."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            # Serves GET …/objects/{object_id} and the roots that lineage points to.
            models.UniqueConstraint(fields=("namespace", "object_id"), name="object_id_taken"),
            # Finds the object that an earlier, lost answer of the same create was about.
            models.UniqueConstraint(
                fields=("namespace", "bucket", "idempotency_key"),
                condition=~Q(idempotency_key=None),
                name="object_idempotency_key_used",
            ),
            # Finds the object that has the same key fields, in buckets that declare a unique key.
            models.UniqueConstraint(
                fields=("namespace", "bucket", "unique_key"), condition=~Q(unique_key=None), name="object_unique_key_taken"
            ),
        )
        indexes = (
            # Serves …/objects/list: creation order within a bucket.
            models.Index("namespace", "bucket", "created_at", "id", name="object_bucket_created"),
        )

    def __str__(self) -> str:
        return self.object_id


class StoredBlob(NamespacedModel):
    """Bytes that this server put into a blob store: an upload, or what an object's body held. Written before the bytes are,
    deleted after them, so that no bytes are forgotten.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid7, editable=False)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    upload_id = models.CharField(max_length=28, db_collation="C")
    url = models.TextField(db_collation="C", help_text="s3://… or local://…")
    filename = models.TextField(null=True)
    content_type = models.TextField()
    size_bytes = models.BigIntegerField(null=True, help_text="Null: the bytes are not there, or not all of them.")
    checksum = models.TextField(null=True, help_text="sha256:…")
    held_by = models.UUIDField(null=True, help_text="The object that was the last to name it.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    check_at = models.DateTimeField(help_text="When housekeeping asks whether anything still names it.")
    doomed = models.BooleanField(default=False, db_default=False, help_text="Its bytes are being deleted.")

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("namespace", "upload_id"), name="storedblob_upload_id"),)
        indexes = (
            # Finds what is due for housekeeping.
            models.Index("namespace", "check_at", name="storedblob_due"),
        )

    def __str__(self) -> str:
        return self.upload_id


class StaffBinding(models.Model):
    """Limits a member of staff to chosen namespaces. Who has none reaches all; superusers always do."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="staff_binding")
    namespaces = models.ManyToManyField(Namespace, through="StaffNamespace", related_name="+")

    class Meta:
        verbose_name = "limit to namespaces"
        verbose_name_plural = "limits to namespaces"

    def __str__(self) -> str:
        return f"Limit of {self.user}"


class StaffNamespace(models.Model):
    """A namespace that a bound member of staff reaches. It goes with the namespace's purge."""

    binding = models.ForeignKey(StaffBinding, models.CASCADE, related_name="reached")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="+", db_constraint=False)  # see migration 0006

    class Meta:
        constraints = (models.UniqueConstraint(fields=("binding", "namespace"), name="staff_namespace_once"),)

    def __str__(self) -> str:
        return str(self.namespace_id)


class AuditEntry(models.Model):
    """What a member of staff did in the admin. Rows are only ever added, and outlive user and namespace."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    user_number = models.BigIntegerField(null=True)
    username = models.TextField()
    namespace_number = models.BigIntegerField(null=True)
    namespace_name = models.TextField(null=True, help_text="As it was then.")
    kind = models.TextField()
    subject = models.TextField(db_collation="C", help_text="The id that people know the thing by.")
    action = models.TextField()
    changes = ExactJSONField(default=dict, help_text="What changed, by name; no values of payloads, no secrets.")

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit"
        ordering = ("-id",)
        default_permissions = ("view",)
        indexes = (
            # The history of one thing, and the newest of a namespace, a user, a kind.
            models.Index("subject", "id", name="audit_subject"),
            models.Index("namespace_number", "id", name="audit_namespace"),
            models.Index("username", "id", name="audit_username"),
            models.Index("kind", "id", name="audit_kind"),
            models.Index("at", name="audit_at"),
        )

    def __str__(self) -> str:
        return f"{self.username} {self.action} {self.kind} {self.subject}"
