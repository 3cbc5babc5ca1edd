"""What a field reaches in a document, as documents/fields.py says it."""

from django.db import migrations

# Lax jsonpath does the same where no step is a number; where one is, it may mean a member or an element.
FORWARD = r"""
CREATE FUNCTION documents_reached(target jsonb, steps text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    found jsonb := jsonb_build_array(target);
    step text;
    place integer; -- of an element, where the step is a number
BEGIN
    FOREACH step IN ARRAY steps LOOP
        place := CASE WHEN step ~ '^(0|[1-9][0-9]{0,8})$' THEN step::integer END;
        SELECT COALESCE(jsonb_agg(member), '[]') INTO found FROM (
            SELECT value -> step AS member FROM jsonb_array_elements(found) AS f(value)
            WHERE jsonb_typeof(value) = 'object' AND value ? step
            UNION ALL
            SELECT value -> place FROM jsonb_array_elements(found) AS f(value)
            WHERE CASE WHEN jsonb_typeof(value) = 'array' THEN jsonb_array_length(value) > place ELSE false END
            UNION ALL
            SELECT element -> step
            FROM jsonb_array_elements(found) AS f(value),
                 jsonb_array_elements(CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE '[]' END) AS e(element)
            WHERE place IS NULL AND jsonb_typeof(element) = 'object' AND element ? step
        ) members;
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
