"""What the overview of the admin shows at once, at any size: failed documents, growth by day, what a walk found."""

import django.db.models.deletion
from django.db import migrations, models

KEYS = """
ALTER TABLE documents_namespaceday ADD CONSTRAINT namespace_day_namespace
    FOREIGN KEY (namespace_id) REFERENCES namespaces_namespace (id) ON DELETE CASCADE;
ALTER TABLE documents_namespacesurvey ADD CONSTRAINT namespace_survey_namespace
    FOREIGN KEY (namespace_id) REFERENCES namespaces_namespace (id) ON DELETE CASCADE;
"""
DROP_KEYS = """
ALTER TABLE documents_namespacesurvey DROP CONSTRAINT namespace_survey_namespace;
ALTER TABLE documents_namespaceday DROP CONSTRAINT namespace_day_namespace;
"""
# Failed documents are few: an index of them alone is small, and a page of them is found without reading the others.
FAILED = """
CREATE INDEX document_failed ON documents_document (namespace_id, collection_id, created_at, id)
    WHERE documents_status(internal_metadata) = 'FAILED';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0011_lineage_status"),
        ("namespaces", "0006_staff_and_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="DutyDone",
            fields=[
                ("duty", models.TextField(primary_key=True, serialize=False)),
                ("done_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "duties done",
            },
        ),
        migrations.CreateModel(
            name="NamespaceSurvey",
            fields=[
                (
                    "namespace",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="namespaces.namespace",
                    ),
                ),
                ("orphans", models.IntegerField(help_text="Documents whose parent is not stored, counted up to a bound.")),
                ("objects_held", models.BigIntegerField()),
                ("surveyed_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(help_text="When to walk again: the longer it took, the later.")),
            ],
        ),
        migrations.CreateModel(
            name="NamespaceDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("documents", models.BigIntegerField()),
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
                "ordering": ("id",),
                "constraints": [models.UniqueConstraint(fields=("namespace", "day"), name="namespace_day_once")],
            },
        ),
        migrations.RunSQL(KEYS, DROP_KEYS),
        migrations.RunSQL(FAILED, "DROP INDEX document_failed"),
    ]
