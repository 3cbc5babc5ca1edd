"""PATCH's write: a merge whose result must not exceed the limit of one document."""

from django.db import migrations

# A document is measured as the compact JSON that clients send: the text less the spaces that jsonb puts after , and :.
# pg_column_size is free, the text is not, so it is written only where the result might be near the limit: the text of a
# number takes at most some 84 times its storage (1e999), of all else much less.
FORWARD = r"""
CREATE FUNCTION documents_json_bytes(value jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT octet_length(value::text) - octet_length(spaces) + octet_length(replace(spaces, ' ', ''))
    FROM regexp_replace(value::text, '"([^"\\]|\\.)*"', '', 'g') AS spaces
$$;
COMMENT ON FUNCTION documents_json_bytes(jsonb) IS 'Bytes of the value as compact JSON';

CREATE FUNCTION documents_patched(target jsonb, patch jsonb, max_bytes integer) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    result jsonb := documents_merge_patch(target, patch);
BEGIN
    IF pg_column_size(result) > max_bytes / 100 AND octet_length(result::text) > max_bytes
        AND documents_json_bytes(result) > max_bytes
    THEN
        RAISE EXCEPTION 'the document would exceed % bytes', max_bytes USING ERRCODE = 'program_limit_exceeded';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION documents_patched(jsonb, jsonb, integer) IS 'documents_merge_patch, refusing results above max_bytes';
"""
BACKWARD = "DROP FUNCTION documents_patched(jsonb, jsonb, integer); DROP FUNCTION documents_json_bytes(jsonb);"


class Migration(migrations.Migration):
    dependencies = [("documents", "0003_merge_patch_function")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
