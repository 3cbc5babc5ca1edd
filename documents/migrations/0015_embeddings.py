"""Dense vectors move into a column that pgvector can index; a feature says which collection its document is in.

The column is `real[]` here, on every server: `migrate` ends with documents/features/extension.py, which makes it pgvector's
`vector` where that extension can be had. It is not in Django's model, because its type is the server's affair.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
SET LOCAL statement_timeout = 0;
ALTER TABLE documents_feature ADD COLUMN collection_id bigint, ADD COLUMN embedding real[];
ALTER TABLE documents_feature ALTER COLUMN embedding SET STORAGE EXTERNAL;
UPDATE documents_feature f SET collection_id = d.collection_id,
    embedding = CASE f.kind WHEN 'dense' THEN f.numbers END,
    numbers = CASE f.kind WHEN 'dense' THEN NULL ELSE f.numbers END
FROM documents_document d WHERE d.namespace_id = f.namespace_id AND d.id = f.document_id;
ALTER TABLE documents_feature ALTER COLUMN collection_id SET NOT NULL;
"""
BACKWARD = """
SET LOCAL statement_timeout = 0;
UPDATE documents_feature f SET numbers = f.embedding::real[] WHERE f.embedding IS NOT NULL;
ALTER TABLE documents_feature DROP COLUMN embedding, DROP COLUMN collection_id;
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0014_import_runs"), ("namespaces", "0006_staff_and_audit")]
    operations = [
        migrations.RunSQL(
            FORWARD,
            BACKWARD,
            state_operations=[
                migrations.AddField(
                    model_name="feature",
                    name="collection",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="namespaces.collection",
                    ),
                    preserve_default=False,
                ),
                migrations.AlterField(
                    model_name="feature",
                    name="numbers",
                    field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(),
                        blank=True,
                        help_text="float32: a sparse vector's values, or the rows of a multi-vector.",
                        null=True,
                        size=None,
                    ),
                ),
            ],
        )
    ]
