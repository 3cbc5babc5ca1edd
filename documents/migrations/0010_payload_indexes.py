"""Declared payload indexes: what they index, and the registry of those that there are (documents/payload_indexes/)."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# The key is monotone in PostgreSQL's order of jsonb, where text is compared by code point: a <= b implies key(a) <= key(b).
# So an index on it serves order and ranges, and its entries stay far below what a page of a btree holds: a string is cut
# at 200 characters, an array is its length and the key of its first element (of an array in it, []), an object is {}.
# Numbers have 1,000 digits at most, 500 bytes.
FUNCTIONS = r"""
-- PostgreSQL builds, restores and analyzes indexes with a search_path of its own, so a function in an index calls
-- nothing of ours by name, unless it is bound when it is made (RETURN).

CREATE FUNCTION documents_straight(target jsonb, steps text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 50 AS $$
BEGIN
    FOR i IN 1 .. cardinality(steps) LOOP
        CASE jsonb_typeof(target)
            WHEN 'object' THEN target := target -> steps[i];
            WHEN 'array' THEN
                IF steps[i] !~ '^(0|[1-9][0-9]{0,8})$' THEN RETURN NULL; END IF;
                target := target -> steps[i]::integer;
            ELSE RETURN '[]';
        END CASE;
        IF target IS NULL THEN RETURN '[]'; END IF;
    END LOOP;
    RETURN jsonb_build_array(target);
END
$$;
COMMENT ON FUNCTION documents_straight(jsonb, text[])
    IS 'documents_reached, a hundred times faster; NULL where a step leads into every element of an array';

CREATE FUNCTION documents_order_key(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 50 AS $$
DECLARE
    elements integer;
BEGIN
    IF jsonb_typeof(value) = 'array' THEN
        elements := jsonb_array_length(value);
        IF elements = 0 THEN RETURN value; END IF;
        value := value -> 0;
    END IF;
    CASE jsonb_typeof(value)
        WHEN 'string' THEN
            IF pg_column_size(value) > 200 THEN value := to_jsonb(left(value #>> '{}', 200)); END IF;
        WHEN 'array' THEN value := '[]';
        WHEN 'object' THEN value := '{}';
        ELSE NULL;
    END CASE;
    RETURN CASE WHEN elements IS NULL THEN value ELSE jsonb_build_array(elements, value) END;
END
$$;
COMMENT ON FUNCTION documents_order_key(jsonb) IS 'The beginning of a value: of bounded size, and in the order of the values';

CREATE FUNCTION documents_order_cut(key jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE jsonb_typeof(key)
    WHEN 'string' THEN length(key #>> '{}') >= 200
    WHEN 'array' THEN jsonb_array_length(key) > 0
    ELSE jsonb_typeof(key) = 'object'
END;
COMMENT ON FUNCTION documents_order_cut(jsonb) IS 'Whether values that differ may have this documents_order_key';

-- Words as the configuration `simple` finds them, each string by itself. A value with more text than a tsvector is sure to
-- hold has none, but a lexeme that says that it may hold any.
CREATE FUNCTION documents_field_words(collection_id bigint, value jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
BEGIN
    IF pg_column_size(value) > 250000 THEN
        RETURN array_to_tsvector(ARRAY[E'\x02' || collection_id]);
    END IF;
    RETURN jsonb_to_tsvector('simple', value, '["string"]') || array_to_tsvector(ARRAY[E'\x01' || collection_id]);
END
$$;
COMMENT ON FUNCTION documents_field_words(bigint, jsonb) IS 'Words of the strings in a value, and a lexeme of the collection';

CREATE FUNCTION documents_field_query(collection_id bigint, words tsquery) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN words && quote_literal(E'\x01' || collection_id)::tsquery || quote_literal(E'\x02' || collection_id)::tsquery;
COMMENT ON FUNCTION documents_field_query(bigint, tsquery)
    IS 'What finds these words in documents_field_words, and the values too long for it, which have to be looked at';
"""
DROP_FUNCTIONS = """
DROP FUNCTION documents_field_query(bigint, tsquery);
DROP FUNCTION documents_field_words(bigint, jsonb);
DROP FUNCTION documents_order_cut(jsonb);
DROP FUNCTION documents_order_key(jsonb);
DROP FUNCTION documents_straight(jsonb, text[]);
"""
# A use goes with its namespace; an index only when its last use is gone.
CASCADE = """
ALTER TABLE documents_payloadindexuse
    DROP CONSTRAINT documents_payloadindexuse_pkey,
    ADD CONSTRAINT documents_payloadindexuse_pkey PRIMARY KEY (namespace_id, payload_index_id),
    ADD CONSTRAINT payload_index_use_namespace FOREIGN KEY (namespace_id)
        REFERENCES namespaces_namespace (id) ON DELETE CASCADE,
    ADD CONSTRAINT payload_index_use_index FOREIGN KEY (payload_index_id) REFERENCES documents_payloadindex (id);
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0009_filter_functions"), ("namespaces", "0005_bucket_manager_unshadowed")]
    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.CreateModel(
            name="PayloadIndex",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("steps", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("kind", models.CharField(choices=[("order", "order"), ("time", "time"), ("words", "words")], max_length=5)),
                ("value", models.TextField(help_text="SQL of the value that the path reaches, as the index has it.")),
                ("key", models.TextField(help_text="SQL of what is indexed of the value, as the index has it.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("building", "building"),
                            ("ready", "ready"),
                            ("failed", "failed"),
                            ("dropping", "dropping"),
                        ],
                        default="pending",
                        db_default="pending",
                        max_length=8,
                    ),
                ),
                ("error", models.TextField(blank=True, null=True)),
                ("attempts", models.IntegerField(default=0, db_default=0)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("built_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={"ordering": ("id",)},
        ),
        migrations.AddConstraint(
            model_name="payloadindex",
            constraint=models.UniqueConstraint(fields=("steps", "kind"), name="payload_index_of_path"),
        ),
        migrations.CreateModel(
            name="PayloadIndexUse",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "namespace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="namespaces.namespace",
                    ),
                ),
                (
                    "payload_index",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="uses",
                        to="documents.payloadindex",
                    ),
                ),
            ],
            options={"ordering": ("id",)},
        ),
        migrations.RunSQL(CASCADE, migrations.RunSQL.noop),
    ]
