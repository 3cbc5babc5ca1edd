"""What a field reaches in a document, as documents/fields.py says it."""

from django.db import migrations

# Lax jsonpath does the same where no step is a number; one that is may mean a member or an element, as it does to #>.
FORWARD = r"""
CREATE FUNCTION documents_reached(target jsonb, steps text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    found jsonb := jsonb_build_array(target);
    step text;
    member jsonb;
BEGIN
    FOREACH step IN ARRAY steps LOOP
        IF step !~ '^(0|[1-9][0-9]{0,8})$' THEN
            found := jsonb_path_query_array(found, ('$[*].' || to_json(step)::text)::jsonpath);
        ELSIF jsonb_array_length(found) = 1 THEN
            member := found #> ARRAY['0', step];
            found := CASE WHEN member IS NULL THEN '[]' ELSE jsonb_build_array(member) END;
        ELSE
            found := (
                SELECT COALESCE(jsonb_agg(value #> ARRAY[step]) FILTER (WHERE value #> ARRAY[step] IS NOT NULL), '[]')
                FROM jsonb_array_elements(found) AS f(value)
            );
        END IF;
    END LOOP;
    RETURN found;
END
$$;
COMMENT ON FUNCTION documents_reached(jsonb, text[]) IS 'Every value that the steps lead to, as an array';

CREATE FUNCTION documents_value(reached jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_array_length(reached) WHEN 0 THEN NULL WHEN 1 THEN NULLIF(reached -> 0, 'null') ELSE reached END;
COMMENT ON FUNCTION documents_value(jsonb) IS 'What a document sorts and groups by: the value reached, or all of several';
"""
BACKWARD = """
DROP FUNCTION documents_value(jsonb);
DROP FUNCTION documents_reached(jsonb, text[]);
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0008_default_indexes")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
