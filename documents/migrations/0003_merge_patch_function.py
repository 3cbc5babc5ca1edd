"""The SQL side of PATCH: JSON Merge Patch (RFC 7396) inside one UPDATE. Its oracle is documents/patching.py."""

from django.db import migrations

# Most patches name few nulls and objects: those are worked off one by one, without a query, and the rest is one `||`.
# A patch of many goes through one aggregate instead, because each step of the loop copies the patch.
FORWARD = """
CREATE FUNCTION documents_merge_patch(target jsonb, patch jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    special jsonb;
    name text;
    removed text[];
    changed jsonb;
BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN
        RETURN patch;
    END IF;
    IF target IS NULL OR jsonb_typeof(target) <> 'object' THEN
        target := '{}';
    END IF;
    special := jsonb_path_query_array(patch, '$.keyvalue() ? (@.value == null || @.value.type() == "object").key');
    IF jsonb_array_length(special) > 8 THEN
        SELECT array_agg(key) FILTER (WHERE jsonb_typeof(value) = 'null'),
               jsonb_object_agg(
                   key,
                   CASE WHEN jsonb_typeof(value) = 'object' THEN documents_merge_patch(target -> key, value) ELSE value END
               ) FILTER (WHERE jsonb_typeof(value) <> 'null')
          INTO removed, changed
          FROM jsonb_each(patch);
        RETURN (target - COALESCE(removed, '{}')) || COALESCE(changed, '{}');
    END IF;
    FOR i IN 0 .. jsonb_array_length(special) - 1 LOOP
        name := special ->> i;
        IF jsonb_typeof(patch -> name) = 'null' THEN
            target := target - name;
            patch := patch - name;
        ELSE
            patch := patch || jsonb_build_object(name, documents_merge_patch(target -> name, patch -> name));
        END IF;
    END LOOP;
    RETURN target || patch;
END
$$;
COMMENT ON FUNCTION documents_merge_patch(jsonb, jsonb) IS 'JSON Merge Patch, RFC 7396';
"""
BACKWARD = "DROP FUNCTION documents_merge_patch(jsonb, jsonb);"


class Migration(migrations.Migration):
    dependencies = [("documents", "0002_tenant_keys")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
