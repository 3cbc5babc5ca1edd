"""Indexes that walk along children, and along a root object's documents, in creation order (docs/decisions/0018)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0012_overview")]
    operations = [
        migrations.RemoveIndex(model_name="lineagestep", name="lineage_source_document"),
        migrations.AddIndex(
            model_name="lineagestep",
            index=models.Index(
                "namespace",
                "source_document_id",
                "document",
                name="lineage_source_document",
                include=("collection",),
                condition=models.Q(("source_document_id", None), _negated=True),
            ),
        ),
        migrations.AddIndex(
            model_name="lineagestep",
            index=models.Index(
                "namespace",
                "root_object_id",
                "document",
                name="lineage_root_document",
                include=("collection",),
                condition=models.Q(("root_object_id", None), _negated=True),
            ),
        ),
    ]
