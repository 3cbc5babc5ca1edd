"""A lineage step's time of creation and a key of its root: a root object's documents in order, of any tree's size.

The index replaces the one of a root's documents by their internal ids, so no write pays for one more (docs/decisions/0022).
"""

from django.db import migrations, models
from django.db.models.functions import Collate, Lower

# Documents first, as every writer takes them. A step without a document (which check_lineage finds) gets the epoch.
LOCK = """
SET LOCAL statement_timeout = 0;
LOCK TABLE documents_document IN SHARE ROW EXCLUSIVE MODE;
"""
FILL = """
UPDATE documents_lineagestep l SET created_at = COALESCE(d.created_at, 'epoch')
FROM documents_lineagestep s LEFT JOIN documents_document d ON d.namespace_id = s.namespace_id AND d.id = s.id
WHERE l.id = s.id AND l.namespace_id = s.namespace_id;
"""
NOTHING = migrations.RunSQL.noop


class Migration(migrations.Migration):
    dependencies = [("documents", "0017_dense_vectors_by_name")]
    operations = [
        migrations.RunSQL(LOCK, NOTHING),
        migrations.RemoveIndex(model_name="lineagestep", name="lineage_root_document"),
        migrations.AddField(
            model_name="lineagestep",
            name="created_at",
            field=models.DateTimeField(editable=False, help_text="The document's, which never changes.", null=True),
        ),
        migrations.RunSQL(FILL, NOTHING),
        migrations.AlterField(
            model_name="lineagestep",
            name="created_at",
            field=models.DateTimeField(editable=False, help_text="The document's, which never changes."),
        ),
        # Writes the table anew, so that what the UPDATE left behind goes.
        migrations.AddField(
            model_name="lineagestep",
            name="root_key",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    Lower(Collate("root_object_id", "default")), models.Value(0), function="hashtextextended"
                ),
                output_field=models.BigIntegerField(null=True),
                help_text="Stands for the root object's id, which may be too long for an index, in whatever case.",
            ),
        ),
        migrations.AddIndex(
            model_name="lineagestep",
            index=models.Index(
                "namespace",
                "root_key",
                "collection",
                "created_at",
                "document",
                name="lineage_root_created",
                condition=models.Q(("root_key", None), _negated=True),
            ),
        ),
    ]
