"""What the SQL of filters is made of (documents/filters/compile.py)."""

from django.db import migrations

FORWARD = r"""
-- Never raises: what is cast is a time of the calendar, and has a zone, so that it depends on no setting. The regular
-- expression is half the cost, so it leaves the last days of months to arithmetic.
CREATE FUNCTION documents_time(value text) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 50 AS $$
BEGIN
    IF octet_length(value) NOT BETWEEN 10 AND 35 OR left(value, 4) = '0000' OR value !~ ('^[0-9]{4}-(?:0[1-9]|1[0-2])-[0-3][0-9]'
        '(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?'
        '(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)?)?$') THEN
        RETURN NULL;
    END IF;
    IF substr(value, 9, 2) NOT BETWEEN '01' AND '28' AND substr(value, 9, 2)::integer NOT BETWEEN 1 AND
        EXTRACT(day FROM make_date(left(value, 4)::integer, substr(value, 6, 2)::integer, 1) + interval '1 month - 1 day') THEN
        RETURN NULL;
    END IF;
    IF octet_length(value) = 10 THEN
        RETURN (value || ' 00:00Z')::timestamptz;
    END IF;
    IF octet_length(value) > 26 THEN -- the cast would round
        value := regexp_replace(value, '([.][0-9]{6})[0-9]+', '\1');
    END IF;
    RETURN (CASE WHEN right(value, 1) = 'Z' OR value ~ '[+-][0-9:]{2,5}$' THEN value ELSE value || 'Z' END)::timestamptz;
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
