"""What the SQL of filters is made of (documents/filters/compile.py)."""

from django.db import migrations

FORWARD = r"""
-- Never raises. The expression is the one of documents/filters/times.py; the cast sees only texts with a zone, so that
-- it depends on no setting.
CREATE FUNCTION documents_time(value text) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 50 AS $$
BEGIN
    IF octet_length(value) NOT BETWEEN 10 AND 35 OR value !~ ('^(?:'
        '(?!0000)'
        '(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)'
        '|02-(?:0[1-9]|1[0-9]|2[0-8]))'
        '|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)'
        '(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?'
        '(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)?)?'
        ')$') THEN
        RETURN NULL;
    END IF;
    IF octet_length(value) = 10 THEN
        RETURN (value || ' 00:00Z')::timestamptz;
    END IF;
    IF octet_length(value) > 26 THEN -- the cast would round
        value := regexp_replace(value, '([.][0-9]{6})[0-9]+', '\1');
    END IF;
    RETURN (CASE WHEN value ~ '(?:Z|[+-][0-9:]{2,5})$' THEN value ELSE value || 'Z' END)::timestamptz;
END
$$;
COMMENT ON FUNCTION documents_time(text) IS 'The time that an ISO 8601 text says, NULL for any other text';

CREATE FUNCTION documents_folded(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(value::text)::jsonb;
COMMENT ON FUNCTION documents_folded(jsonb) IS 'The value with its strings in lower case; keys that differ only in case become one';

CREATE FUNCTION documents_candidates(reached jsonb) RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 2 AS $$
SELECT value FROM jsonb_array_elements(reached) AS r(value)
UNION ALL
SELECT element FROM jsonb_array_elements(reached) AS r(value),
    jsonb_array_elements(CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE '[]' END) AS e(element)
$$;
COMMENT ON FUNCTION documents_candidates(jsonb) IS 'The values that a path reaches, and the elements of those that are arrays';

-- For texts that may not fit into a tsvector (1 MiB). The left out tokens are those that `simple` leaves out: blanks,
-- tags, protocols, entities.
CREATE FUNCTION documents_long_text_has(value text, words text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000000 AS $$
WITH asked AS (SELECT lexeme FROM unnest(to_tsvector('simple', words)))
SELECT EXISTS (SELECT FROM asked) AND NOT EXISTS (
    SELECT lexeme FROM asked EXCEPT SELECT lower(token) FROM ts_parse('default', value) WHERE tokid NOT IN (12, 13, 14, 23)
)
$$;
COMMENT ON FUNCTION documents_long_text_has(text, text) IS 'Whether every word of `words` occurs in a text of any length';
"""
BACKWARD = """
DROP FUNCTION documents_long_text_has(text, text);
DROP FUNCTION documents_candidates(jsonb);
DROP FUNCTION documents_folded(jsonb);
DROP FUNCTION documents_time(text);
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0008_reading_functions")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
