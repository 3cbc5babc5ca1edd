"""The indexes that every question has: equality and `in` on any path, lineage, update order; and what `search` searches.

Nothing here can refuse a document: what goes into the indexes is hashes, times and lexemes of bounded size.
"""

from django.db import migrations, models

# Folding the text folds keys as well; an object that would lose one of several keys is folded member by member instead,
# their values together in one array, which the index does not tell from a single value.
#
# PostgreSQL computes index entries with a search_path of its own in ANALYZE, REINDEX and pg_restore: what calls our functions
# by name sets the one that it was made with, and what is called for every row has bound the functions that it calls.
FUNCTIONS = r"""
CREATE FUNCTION documents_fold(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 SET search_path FROM CURRENT AS $$
BEGIN
    CASE jsonb_typeof(value)
    WHEN 'object' THEN
        RETURN COALESCE((
            SELECT jsonb_object_agg(name, CASE WHEN same = 1 THEN first ELSE every END)
            FROM (
                SELECT lower(key) AS name, count(*) AS same, jsonb_agg(f.folded) -> 0 AS first,
                       jsonb_path_query_array(jsonb_agg(f.folded), '$[*][*]') AS every
                FROM jsonb_each(value) AS m, LATERAL (SELECT documents_fold(m.value) AS folded OFFSET 0) f
                GROUP BY lower(key)
            ) members
        ), '{}');
    WHEN 'array' THEN
        RETURN COALESCE((SELECT jsonb_agg(documents_fold(element)) FROM jsonb_array_elements(value) AS e(element)), '[]');
    ELSE
        RETURN lower(value::text)::jsonb;
    END CASE;
END
$$;
COMMENT ON FUNCTION documents_fold(jsonb) IS 'The value with its keys and strings in lower case, members of equal keys as an array';

CREATE FUNCTION documents_terms_at_once(
    collection_id bigint, document_id text, payload jsonb, internal_metadata jsonb, system jsonb
) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
DECLARE
    place text := collection_id::text;
    folded text := lower(
        '{"' || place || '":' || payload::text
        || CASE WHEN internal_metadata = '{}' THEN '' ELSE ',"' || place || 'i":' || internal_metadata::text END
        || CASE WHEN system = '{}' THEN '' ELSE ',"' || place || 's":' || system::text END
        || ',"' || place || 'd":"' || document_id || '"}');
    terms jsonb := folded::jsonb;
    -- jsonb's text puts a space after , and :, which is not yet there between these parts.
    spaces integer := 3
        + CASE WHEN internal_metadata = '{}' THEN 0 ELSE 2 END + CASE WHEN system = '{}' THEN 0 ELSE 2 END;
BEGIN
    IF octet_length(terms::text) = octet_length(folded) + spaces THEN
        RETURN terms;
    END IF;
    IF octet_length(folded) > 100000 THEN -- member by member it would take seconds: found whatever is asked for
        RETURN jsonb_build_object(place || 'x', true);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION documents_terms_at_once(bigint, text, jsonb, jsonb, jsonb) IS 'documents_terms; NULL where keys would be lost';

CREATE FUNCTION documents_terms_by_member(
    collection_id bigint, document_id text, payload jsonb, internal_metadata jsonb, system jsonb
) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 SET search_path FROM CURRENT AS $$
DECLARE
    place text := collection_id::text;
BEGIN
    RETURN documents_fold(jsonb_build_object(
        place, payload, place || 'i', internal_metadata, place || 's', system, place || 'd', document_id));
END
$$;
COMMENT ON FUNCTION documents_terms_by_member(bigint, text, jsonb, jsonb, jsonb) IS 'documents_terms where keys differ in case only';

CREATE FUNCTION documents_terms(
    collection_id bigint, document_id text, payload jsonb, internal_metadata jsonb, system jsonb
) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(
    documents_terms_at_once(collection_id, document_id, payload, internal_metadata, system),
    documents_terms_by_member(collection_id, document_id, payload, internal_metadata, system)
);
COMMENT ON FUNCTION documents_terms(bigint, text, jsonb, jsonb, jsonb)
    IS 'What the index of equality holds of a document, folded, below its collection''s number';

CREATE FUNCTION documents_lineage_terms(
    collection_id bigint, root_object_id text, root_bucket_id text, source_type text, source_object_id text,
    source_collection_id text, source_document_id text, path text
) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 100
RETURN ARRAY[
    hashtextextended('root_object_id:' || lower(root_object_id), collection_id),
    hashtextextended('root_bucket_id:' || lower(root_bucket_id), collection_id),
    hashtextextended('source_type:' || source_type, collection_id),
    hashtextextended('source_object_id:' || lower(source_object_id), collection_id),
    hashtextextended('source_collection_id:' || lower(source_collection_id), collection_id),
    hashtextextended('source_document_id:' || lower(source_document_id), collection_id),
    hashtextextended('path:' || lower(path), collection_id)
];
COMMENT ON FUNCTION documents_lineage_terms(bigint, text, text, text, text, text, text, text)
    IS 'Hashes of name and folded value of every part of a lineage step, within its collection';

-- PostgreSQL refuses a tsvector above 1 MiB, and a word takes up to 3.5 times its bytes: parts of hyphenated words count
-- besides. Of a document with more text than that could be, the beginning is searched.
CREATE FUNCTION documents_words(collection_id bigint, payload jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
DECLARE
    place tsvector := array_to_tsvector(ARRAY[E'\x01' || collection_id]);
    beginning text;
BEGIN
    IF octet_length(payload::text) <= 250000 THEN
        RETURN jsonb_to_tsvector('simple', payload, '["string"]') || place;
    END IF;
    SELECT left(string_agg(left(value #>> '{}', 250000), ' '), 250000) INTO beginning
    FROM jsonb_path_query(payload, 'strict $.** ? (@.type() == "string")') AS strings(value);
    WHILE octet_length(beginning) > 250000 LOOP -- characters of several bytes
        beginning := left(beginning, (length(beginning) * 250000::bigint / octet_length(beginning))::integer);
    END LOOP;
    RETURN to_tsvector('simple', COALESCE(beginning, '')) || place;
END
$$;
COMMENT ON FUNCTION documents_words(bigint, jsonb) IS 'Words of the string values, and a lexeme that stands for the collection';
"""
DROP_FUNCTIONS = """
DROP FUNCTION documents_words(bigint, jsonb);
DROP FUNCTION documents_lineage_terms(bigint, text, text, text, text, text, text, text);
DROP FUNCTION documents_terms(bigint, text, jsonb, jsonb, jsonb);
DROP FUNCTION documents_terms_by_member(bigint, text, jsonb, jsonb, jsonb);
DROP FUNCTION documents_terms_at_once(bigint, text, jsonb, jsonb, jsonb);
DROP FUNCTION documents_fold(jsonb);
"""
# A long pending list is read by every question; 512 kB of it cost a fraction of a millisecond.
INDEXES = """
CREATE INDEX document_terms ON documents_document
    USING gin (documents_terms(collection_id, document_id, payload, internal_metadata, system) jsonb_path_ops)
    WITH (gin_pending_list_limit = 512);
CREATE INDEX lineage_terms ON documents_lineagestep
    USING gin (documents_lineage_terms(collection_id, root_object_id, root_bucket_id, source_type, source_object_id,
        source_collection_id, source_document_id, path)) WITH (gin_pending_list_limit = 512);
"""
# Where indexes seem equally good, as all do while a table is empty, the planner takes the newest: for a plan that a
# connection keeps until the next ANALYZE, that had better be the one that finds a document by its id.
ID_AGAIN = """
ALTER TABLE documents_document
    DROP CONSTRAINT document_id_taken,
    ADD CONSTRAINT document_id_taken UNIQUE (namespace_id, document_id);
"""
DROP_INDEXES = "DROP INDEX lineage_terms; DROP INDEX document_terms;"


class Migration(migrations.Migration):
    dependencies = [("documents", "0007_document_counts")]
    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(INDEXES, DROP_INDEXES),
        migrations.AddIndex(
            model_name="document",
            index=models.Index("namespace", "collection", "updated_at", "id", name="document_collection_updated"),
        ),
        migrations.RunSQL(ID_AGAIN, migrations.RunSQL.noop),
    ]
