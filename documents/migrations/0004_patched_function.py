"""PATCH's write: a merge whose result must not exceed the limit of one document."""

from django.db import migrations

# pg_column_size is free, the text's length is not: it is measured only where the result might be near the limit.
FORWARD = """
CREATE FUNCTION documents_patched(target jsonb, patch jsonb, max_bytes integer) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    result jsonb := documents_merge_patch(target, patch);
BEGIN
    IF pg_column_size(result) > max_bytes / 64 AND octet_length(result::text) > max_bytes THEN
        RAISE EXCEPTION 'the document would exceed % bytes', max_bytes USING ERRCODE = 'program_limit_exceeded';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION documents_patched(jsonb, jsonb, integer) IS 'documents_merge_patch, refusing results above max_bytes';
"""
BACKWARD = "DROP FUNCTION documents_patched(jsonb, jsonb, integer);"


class Migration(migrations.Migration):
    dependencies = [("documents", "0003_merge_patch_function")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
