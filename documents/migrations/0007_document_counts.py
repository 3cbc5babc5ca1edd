"""Counts of documents as appended deltas (documents/counting.py), filled in for the documents that are there."""

import django.db.models.deletion
from django.db import migrations, models

# The one index is the key, the path of the sum and all that the sum reads; nothing asks for a row by its id alone.
# A collection takes its counts along. Rows live for seconds, so vacuum comes by number and not by share of the table;
# it leaves the file as long as it got, because the next burst needs it again and cutting it off would lock out writers.
# Statistics of a moment would mislead the planner at the next, which without them takes the index.
TABLE = """
ALTER TABLE documents_documentcount
    DROP CONSTRAINT documents_documentcount_pkey,
    ADD CONSTRAINT documents_documentcount_pkey PRIMARY KEY (namespace_id, collection_id, id) INCLUDE (delta),
    ADD CONSTRAINT count_collection FOREIGN KEY (namespace_id, collection_id)
        REFERENCES namespaces_collection (namespace_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE,
    SET (fillfactor = 100, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
         autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_threshold = 2147483647, vacuum_truncate = off);
"""
# Of deleted collections, too: their purge takes off what it deletes. Nobody writes meanwhile.
FILL = """
LOCK TABLE documents_document IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO documents_documentcount (namespace_id, collection_id, delta)
SELECT d.namespace_id, d.collection_id, count(*) FROM documents_document d GROUP BY d.namespace_id, d.collection_id;
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0006_feature_keys"), ("namespaces", "0005_bucket_manager_unshadowed")]
    operations = [
        migrations.CreateModel(
            name="DocumentCount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "collection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
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
                ("delta", models.BigIntegerField()),
            ],
            options={"ordering": ("id",)},
        ),
        migrations.RunSQL(TABLE, migrations.RunSQL.noop),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
