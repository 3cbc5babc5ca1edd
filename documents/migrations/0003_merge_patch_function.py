"""The SQL side of PATCH: JSON Merge Patch (RFC 7396) inside one UPDATE. Its oracle is documents/patching.py."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION documents_merge_patch(target jsonb, patch jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    removed text[];
    changed jsonb;
BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN
        RETURN patch;
    END IF;
    IF target IS NULL OR jsonb_typeof(target) <> 'object' THEN
        target := '{}';
    END IF;
    SELECT array_agg(key) FILTER (WHERE jsonb_typeof(value) = 'null'),
           jsonb_object_agg(
               key,
               CASE WHEN jsonb_typeof(value) = 'object' THEN documents_merge_patch(target -> key, value) ELSE value END
           ) FILTER (WHERE jsonb_typeof(value) <> 'null')
      INTO removed, changed
      FROM jsonb_each(patch);
    IF removed IS NOT NULL THEN
        target := target - removed;
    END IF;
    RETURN CASE WHEN changed IS NULL THEN target ELSE target || changed END;
END
$$;
COMMENT ON FUNCTION documents_merge_patch(jsonb, jsonb) IS 'JSON Merge Patch, RFC 7396';
"""
BACKWARD = "DROP FUNCTION documents_merge_patch(jsonb, jsonb);"


class Migration(migrations.Migration):
    dependencies = [("documents", "0002_tenant_keys")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
