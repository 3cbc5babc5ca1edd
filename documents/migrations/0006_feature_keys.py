"""Keys of the features' table that name the namespace, and float32 for what a FloatField would store as float64."""

from django.db import migrations

FORWARD = """
ALTER TABLE documents_feature
    ALTER COLUMN numbers TYPE real[],
    DROP CONSTRAINT documents_feature_pkey,
    ADD CONSTRAINT documents_feature_pkey PRIMARY KEY (id, namespace_id),
    ADD CONSTRAINT feature_document FOREIGN KEY (document_id, namespace_id)
        REFERENCES documents_document (id, namespace_id) ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE;
"""
BACKWARD = """
ALTER TABLE documents_feature
    DROP CONSTRAINT feature_document,
    DROP CONSTRAINT documents_feature_pkey,
    ADD CONSTRAINT documents_feature_pkey PRIMARY KEY (id),
    ALTER COLUMN numbers TYPE double precision[];
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0005_features")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
