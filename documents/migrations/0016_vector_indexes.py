"""Declared vector indexes: the registry, and what writers of vectors ask of it (documents/vector_indexes/)."""

import django.db.models.deletion
from django.db import migrations, models

# A writer holds the lock until it commits, and the query inside sees what was committed before the lock was had: the function
# is volatile, so its queries take a snapshot of their own, which a query beside the lock would not. 0x564543 is "VEC".
FUNCTIONS = r"""
CREATE FUNCTION documents_declared_dimensions(namespace bigint, collections bigint[], names text[])
RETURNS TABLE (collection_id bigint, name text, dimensions integer)
LANGUAGE plpgsql VOLATILE STRICT AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock_shared(x'564543'::integer, namespace::integer);
    RETURN QUERY
        SELECT DISTINCT ON (c.id, v.name) c.id, v.name, v.dimensions
        FROM documents_vectorindex v JOIN unnest(collections) AS c (id) ON v.collection_id IS NULL OR v.collection_id = c.id
        WHERE v.namespace_id = namespace AND v.name = ANY(names)
        ORDER BY c.id, v.name, v.collection_id NULLS LAST;
END
$$;
COMMENT ON FUNCTION documents_declared_dimensions(bigint, bigint[], text[])
    IS 'The dimensions that vectors of these names must have, which can not change before this transaction ends';

CREATE FUNCTION documents_declaring_vectors(namespace bigint) RETURNS void
LANGUAGE sql VOLATILE STRICT
RETURN pg_advisory_xact_lock(x'564543'::integer, namespace::integer);
COMMENT ON FUNCTION documents_declaring_vectors(bigint)
    IS 'Waits for those who write vectors, and makes them wait until this transaction has ended';
"""
DROP_FUNCTIONS = """
DROP FUNCTION documents_declaring_vectors(bigint);
DROP FUNCTION documents_declared_dimensions(bigint, bigint[], text[]);
"""
# Declarations go with their place.
CASCADE = """
ALTER TABLE documents_vectorindex
    ADD CONSTRAINT vector_index_namespace FOREIGN KEY (namespace_id)
        REFERENCES namespaces_namespace (id) ON DELETE CASCADE,
    ADD CONSTRAINT vector_index_collection FOREIGN KEY (namespace_id, collection_id)
        REFERENCES namespaces_collection (namespace_id, id) ON DELETE CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0015_embeddings"), ("namespaces", "0006_staff_and_audit")]
    operations = [
        migrations.CreateModel(
            name="VectorIndex",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "of_namespace",
                    models.BooleanField(
                        db_default=False, default=False, help_text="Made by housekeeping for what the namespace declares."
                    ),
                ),
                ("name", models.TextField(db_collation="C", help_text="The vectors' name.")),
                ("dimensions", models.IntegerField()),
                ("metric", models.CharField(choices=[("cosine", "cosine"), ("l2", "l2"), ("dot", "dot")], max_length=6)),
                ("type", models.CharField(choices=[("hnsw", "hnsw"), ("exact", "exact")], max_length=5)),
                ("feature_uri", models.TextField(blank=True, db_collation="C", null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("building", "building"),
                            ("ready", "ready"),
                            ("failed", "failed"),
                        ],
                        db_default="pending",
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("error", models.TextField(blank=True, null=True)),
                ("attempts", models.IntegerField(db_default=0, default=0)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("built_at", models.DateTimeField(blank=True, null=True)),
                (
                    "collection",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="namespaces.collection",
                    ),
                ),
                (
                    "namespace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="namespaces.namespace",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "vector indexes",
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("namespace", "collection", "name"), name="vector_index_of_collection"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("collection", None)),
                        fields=("namespace", "name"),
                        name="vector_index_of_namespace",
                    ),
                ],
            },
        ),
        migrations.RunSQL(CASCADE, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
    ]
