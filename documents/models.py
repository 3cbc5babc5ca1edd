"""Documents and the lineage that says what each was made from."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast, Coalesce, Collate, Lower, Now

from mixpeek_site import ids
from mixpeek_site.jsonio import ExactJSONField
from namespaces.models import Collection, Namespace, NamespacedModel

DOCUMENT_PREFIX = "doc_"


def new_document_id() -> str:
    return ids.new_id(DOCUMENT_PREFIX)


class Document(NamespacedModel):
    """One stored document. The payload holds the user's fields; nothing is stored twice for a rendering's sake."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid7, editable=False)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    collection = models.ForeignKey(Collection, models.DO_NOTHING, related_name="documents", db_constraint=False, db_index=False)
    document_id = models.CharField(max_length=128, default=new_document_id, db_collation="C")
    payload = ExactJSONField(default=dict, blank=True, help_text="The user's fields: one JSON object.")
    internal_metadata = ExactJSONField(default=dict, blank=True, help_text="ingestion_status and the like.")
    system = ExactJSONField(
        default=dict,
        blank=True,
        help_text="modality, mime_type, size_bytes, content_hash, processing, source_details, enrichments.",
    )
    source_blobs = ExactJSONField(default=list, blank=True)
    document_blobs = ExactJSONField(default=list, blank=True)
    schema_version = models.CharField(
        max_length=2, null=True, blank=True, choices=[("v1", "v1"), ("v2", "v2")], help_text="Set at creation."
    )
    version = models.BigIntegerField(editable=False, help_text="Grows with every write; what an ETag compares.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            # Serves every route that names a document, and finds parents.
            models.UniqueConstraint(fields=("namespace", "document_id"), name="document_id_taken"),
            models.CheckConstraint(
                condition=Q(schema_version=None) | Q(schema_version__in=("v1", "v2")), name="document_schema_version_known"
            ),
        )
        indexes = (
            # Serves lists in the default order, their keyset cursors, and the purge of a collection.
            models.Index("namespace", "collection", "created_at", "id", name="document_collection_created"),
            models.Index("namespace", "collection", "updated_at", "id", name="document_collection_updated"),
        )

    def __str__(self) -> str:
        return self.document_id


class SourceType(models.TextChoices):
    BUCKET = "bucket"
    COLLECTION = "collection"


class LineageStep(NamespacedModel):
    """A document's own step in its lineage: what it came from, and what follows from that (root, path, tier, chain).

    A narrow row of its own, because a move of a subtree rewrites it for every descendant (docs/decisions/0002).
    """

    document = models.OneToOneField(
        Document,
        models.DO_NOTHING,
        primary_key=True,
        db_column="id",
        db_constraint=False,
        related_name="lineage_step",
    )
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    collection = models.ForeignKey(Collection, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    source_type = models.CharField(max_length=10, null=True, blank=True, choices=SourceType.choices)
    source_object_id = models.TextField(null=True, blank=True, db_collation="C")
    source_collection_id = models.TextField(null=True, blank=True, db_collation="C")
    source_document_id = models.TextField(null=True, blank=True, db_collation="C")
    root_object_id = models.TextField(null=True, blank=True, db_collation="C")
    root_bucket_id = models.TextField(null=True, blank=True, db_collation="C")
    path = models.TextField(null=True, blank=True, db_collation="C")
    tier = models.IntegerField(default=1, help_text="Number of collections in the path.")
    chain = ExactJSONField(null=True, blank=True, help_text="The steps from the root, as sent or derived.")
    status = models.TextField(
        null=True,
        blank=True,
        db_collation="C",
        editable=False,
        help_text="The document's ingestion_status, its first 40 characters; a trigger keeps it.",
    )
    path_key = models.GeneratedField(
        expression=models.Func(
            Coalesce(
                "path",
                Cast(
                    models.Func("chain", models.Value("$[*].collection_id"), function="jsonb_path_query_array"),
                    models.TextField(),
                ),
            ),
            models.Value(0),
            function="hashtextextended",
        ),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
        help_text="Stands for the path, which may be too long for an index; without one, for the chain's collections.",
    )
    created_at = models.DateTimeField(editable=False, help_text="The document's, which never changes.")
    root_key = models.GeneratedField(
        expression=models.Func(Lower(Collate("root_object_id", "default")), models.Value(0), function="hashtextextended"),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
        help_text="Stands for the root object's id, which may be too long for an index, in whatever case.",
    )

    class Meta:
        ordering = ("pk",)
        indexes = (
            # Walks along the children of a document in creation order without visiting the rows.
            models.Index(
                "namespace",
                "source_document_id",
                "document",
                name="lineage_source_document",
                include=("collection",),
                condition=~Q(source_document_id=None),
            ),
            # Walks along the documents of a root object in each collection in creation order (docs/decisions/0022).
            models.Index(
                "namespace",
                "root_key",
                "collection",
                "created_at",
                "document",
                name="lineage_root_created",
                condition=~Q(root_key=None),
            ),
            # Counts a root object's tree by stage and status without visiting the rows.
            models.Index(
                "namespace",
                "root_object_id",
                "collection",
                "tier",
                "path_key",
                "status",
                name="lineage_root_stage",
                condition=~Q(root_object_id=None),
            ),
        )

    def __str__(self) -> str:
        return self.path or str(self.pk)


class Feature(NamespacedModel):
    """What an extractor found in a document: a payload, and at most one vector under its name.

    A row of its own, so that a document is read without its vectors at no cost. float32, as sent. Dense vectors are in the
    column `embedding`, which is not here: its type is pgvector's where PostgreSQL has it (documents/features/extension.py).
    """

    class Kind(models.TextChoices):
        DENSE = "dense"
        SPARSE = "sparse"
        MULTI = "multi"

    id = models.BigAutoField(primary_key=True)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    document = models.ForeignKey(Document, models.DO_NOTHING, related_name="features", db_constraint=False, db_index=False)
    collection = models.ForeignKey(Collection, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    name = models.TextField(db_collation="C", help_text="The vector's name; of a feature without one, its extractor's id.")
    feature_extractor_id = models.TextField(null=True, blank=True)
    payload = ExactJSONField(null=True, blank=True)
    kind = models.CharField(max_length=6, null=True, blank=True, choices=Kind.choices)
    numbers = ArrayField(
        models.FloatField(),
        null=True,
        blank=True,
        help_text="float32: a sparse vector's values, or the rows of a multi-vector.",
    )
    indices = ArrayField(models.BigIntegerField(), null=True, blank=True, help_text="Of a sparse vector.")

    class Meta:
        ordering = ("document", "name")
        constraints = (
            # Serves reading a document's vectors; one name, one vector.
            models.UniqueConstraint(fields=("namespace", "document", "name"), name="feature_name_taken"),
        )

    def __str__(self) -> str:
        return self.name


class DocumentCount(NamespacedModel):
    """Documents that a collection gained or lost: its count is the sum of its rows (documents/counting.py).

    Rows are only ever appended and folded, never changed, so that writers of one collection don't wait for one another.
    """

    id = models.BigAutoField(primary_key=True)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    collection = models.ForeignKey(Collection, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    delta = models.BigIntegerField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.delta:+}"


class BuiltBehind(models.Model):
    """How far housekeeping is with what it builds behind the requests (documents/index_building.py)."""

    error = models.TextField(null=True, blank=True)
    attempts = models.IntegerField(default=0, db_default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    built_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class PayloadIndex(BuiltBehind):
    """An index of PostgreSQL over one path of all documents' payloads, shared by the namespaces that declare it.

    Its name is its number's (documents/payload_indexes/expressions.py).
    """

    class Kind(models.TextChoices):
        ORDER = "order", "order"
        TIME = "time", "time"
        WORDS = "words", "words"

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        BUILDING = "building", "building"
        READY = "ready", "ready"
        FAILED = "failed", "failed"
        DROPPING = "dropping", "dropping"

    id = models.BigAutoField(primary_key=True)
    steps = ArrayField(models.TextField())
    kind = models.CharField(max_length=5, choices=Kind.choices)
    value = models.TextField(help_text="SQL of the value that the path reaches, as the index has it.")
    key = models.TextField(help_text="SQL of what is indexed of the value, as the index has it.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING, db_default=State.PENDING)

    class Meta:
        ordering = ("id",)
        constraints = (
            # Finds the index that another namespace declared.
            models.UniqueConstraint(fields=("steps", "kind"), name="payload_index_of_path"),
        )

    def __str__(self) -> str:
        return f"{'.'.join(self.steps)} ({self.kind})"


class PayloadIndexUse(NamespacedModel):
    """A namespace declares a payload index: it goes when nobody does."""

    id = models.BigAutoField(primary_key=True)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    payload_index = models.ForeignKey(PayloadIndex, models.DO_NOTHING, related_name="uses", db_constraint=False)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.namespace_id}: {self.payload_index_id}"


class VectorIndex(BuiltBehind, NamespacedModel):
    """A declaration of vectors under one name: of a collection, or (collection None) of all those of a namespace that have none.

    Of type hnsw there is an index of PostgreSQL, whose name is this row's number (documents/vector_indexes/expressions.py).
    """

    class Metric(models.TextChoices):
        COSINE = "cosine", "cosine"
        L2 = "l2", "l2"
        DOT = "dot", "dot"

    class Type(models.TextChoices):
        HNSW = "hnsw", "hnsw"
        EXACT = "exact", "exact"

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        BUILDING = "building", "building"
        READY = "ready", "ready"
        FAILED = "failed", "failed"

    id = models.BigAutoField(primary_key=True)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    collection = models.ForeignKey(
        Collection, models.DO_NOTHING, null=True, blank=True, related_name="+", db_constraint=False, db_index=False
    )
    of_namespace = models.BooleanField(
        default=False, db_default=False, help_text="Made by housekeeping for what the namespace declares."
    )
    name = models.TextField(db_collation="C", help_text="The vectors' name.")
    dimensions = models.IntegerField()
    metric = models.CharField(max_length=6, choices=Metric.choices)
    type = models.CharField(max_length=5, choices=Type.choices)
    feature_uri = models.TextField(null=True, blank=True, db_collation="C")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING, db_default=State.PENDING)

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "vector indexes"
        constraints = (
            # Both serve the check of every vector that is written.
            models.UniqueConstraint(fields=("namespace", "collection", "name"), name="vector_index_of_collection"),
            models.UniqueConstraint(fields=("namespace", "name"), condition=Q(collection=None), name="vector_index_of_namespace"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.dimensions}, {self.metric}, {self.type})"


class NamespaceDay(NamespacedModel):
    """How many documents a namespace held at the end of a day, today's so far; a day without a row changed nothing."""

    id = models.BigAutoField(primary_key=True)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    day = models.DateField()
    documents = models.BigIntegerField()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("namespace", "day"), name="namespace_day_once"),)

    def __str__(self) -> str:
        return f"{self.day}: {self.documents}"


class NamespaceSurvey(models.Model):
    """What housekeeping found by walking through a namespace: too much to look for while a page is waited for."""

    namespace = models.OneToOneField(Namespace, models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False)
    orphans = models.IntegerField(help_text="Documents whose parent is not stored, counted up to a bound.")
    objects_held = models.BigIntegerField()
    surveyed_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="When to walk again: the longer it took, the later.")

    def __str__(self) -> str:
        return f"{self.namespace_id}: {self.orphans} orphans"


class DutyDone(models.Model):
    """When housekeeping last did a duty that it doesn't do in every round; the newest says whether it runs."""

    duty = models.TextField(primary_key=True)
    done_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "duties done"

    def __str__(self) -> str:
        return f"{self.duty}: {self.done_at}"


class ImportRun(models.Model):
    """An import of files into a collection: what it was told, and how far it is (documents/importing/resuming.py)."""

    id = models.BigAutoField(primary_key=True)
    namespace = models.ForeignKey(Namespace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    collection = models.ForeignKey(
        Collection, models.DO_NOTHING, null=True, blank=True, related_name="+", db_constraint=False, db_index=False
    )
    names = ArrayField(models.TextField(), help_text="Absolute names of the files.")
    files = models.JSONField(help_text="Their names, sizes and the hashes of their beginnings.")
    options = models.JSONField(help_text="Those that decide what a line becomes.")
    epoch = models.IntegerField(help_text="Grows when another process goes on with the run.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index("namespace", "collection", "id", name="import_run_place"),)

    def __str__(self) -> str:
        return ", ".join(self.names)


class ImportedBatch(models.Model):
    """Lines that one transaction of a run brought in, and what became of them."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, models.DO_NOTHING, related_name="batches", db_constraint=False, db_index=False)
    first_line = models.BigIntegerField(help_text="From 0.")
    end_line = models.BigIntegerField(help_text="The first line after them.")
    checksum = models.BigIntegerField(help_text="CRC-32 of the lines.")
    files = models.JSONField(help_text="By file: lines, and how many of them failed.")
    imported = models.IntegerField()
    replaced = models.IntegerField()
    merged = models.IntegerField()
    skipped = models.IntegerField()
    failed = models.IntegerField()

    class Meta:
        ordering = ("run", "first_line")
        verbose_name_plural = "imported batches"
        constraints = (models.UniqueConstraint(fields=("run", "first_line"), name="imported_batch_once"),)

    def __str__(self) -> str:
        return f"{self.first_line} to {self.end_line}"


class ImportFailure(models.Model):
    """A line that did not get in, as the errors file has it; kept until its run is finished."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, models.DO_NOTHING, related_name="failures", db_constraint=False, db_index=False)
    line_place = models.BigIntegerField(help_text="From 0.")
    line = models.BinaryField()

    class Meta:
        ordering = ("run", "line_place")
        constraints = (models.UniqueConstraint(fields=("run", "line_place"), name="import_failure_once"),)

    def __str__(self) -> str:
        return str(self.line_place)
