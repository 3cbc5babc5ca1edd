"""A lineage step's status and the key of its path, so that a tree's stages are counted in one index (documents/trees/)."""

from django.db import migrations, models
from django.db.models.functions import Cast, Coalesce

# Where the planner sees a small table it would read it whole, and the plan that a connection keeps outlives the table's
# growth until the next ANALYZE: a write of many would pay for that with every row.
FUNCTIONS = """
CREATE FUNCTION documents_status(internal_metadata jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(internal_metadata -> 'ingestion_status') = 'string'
       THEN left(internal_metadata ->> 'ingestion_status', 40) END;
COMMENT ON FUNCTION documents_status(jsonb) IS 'The status that a document''s internal metadata say, NULL for none';

CREATE FUNCTION documents_keep_status() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    UPDATE documents_lineagestep l SET status = documents_status(NEW.internal_metadata)
    WHERE l.namespace_id = NEW.namespace_id AND l.id = NEW.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION documents_keep_status() IS 'Writes a document''s status into its lineage step';
"""
DROP_FUNCTIONS = """
DROP FUNCTION documents_keep_status();
DROP FUNCTION documents_status(jsonb);
"""
# Nobody writes meanwhile.
FILL = """
LOCK TABLE documents_document IN SHARE ROW EXCLUSIVE MODE;
UPDATE documents_lineagestep l SET status = documents_status(d.internal_metadata)
FROM documents_document d
WHERE d.namespace_id = l.namespace_id AND d.id = l.id AND documents_status(d.internal_metadata) IS NOT NULL;
"""
# Only a write that names internal_metadata looks at it, and only one that changes the status writes the step
# (docs/decisions/0017). Not a second part of the UPDATE: that would not see a step that came into being while the
# document's row was waited for.
TRIGGER = """
CREATE TRIGGER document_status AFTER UPDATE OF internal_metadata ON documents_document
FOR EACH ROW WHEN (documents_status(OLD.internal_metadata) IS DISTINCT FROM documents_status(NEW.internal_metadata))
EXECUTE FUNCTION documents_keep_status();
"""
DROP_TRIGGER = "DROP TRIGGER document_status ON documents_document;"


class Migration(migrations.Migration):
    dependencies = [("documents", "0010_payload_indexes")]
    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RemoveIndex(model_name="lineagestep", name="lineage_root_stage"),
        migrations.AddField(
            model_name="lineagestep",
            name="path_key",
            field=models.GeneratedField(
                db_persist=True,
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
                help_text="Stands for the path, which may be too long for an index; without one, for the chain's collections.",
            ),
        ),
        migrations.AddField(
            model_name="lineagestep",
            name="status",
            field=models.TextField(
                blank=True,
                db_collation="C",
                editable=False,
                null=True,
                help_text="The document's ingestion_status, its first 40 characters; a trigger keeps it.",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="lineagestep",
            index=models.Index(
                "namespace",
                "root_object_id",
                "collection",
                "tier",
                "path_key",
                "status",
                name="lineage_root_stage",
                condition=models.Q(("root_object_id", None), _negated=True),
            ),
        ),
        migrations.RunSQL(TRIGGER, DROP_TRIGGER),
    ]
