"""Primary and foreign keys of the documents' tables that name the namespace, which Django's own fields can't express."""

from django.db import migrations

FORWARD = """
ALTER TABLE documents_document
    DROP CONSTRAINT documents_document_pkey,
    ADD CONSTRAINT documents_document_pkey PRIMARY KEY (id, namespace_id),
    ADD CONSTRAINT document_collection FOREIGN KEY (namespace_id, collection_id)
        REFERENCES namespaces_collection (namespace_id, id) DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE documents_lineagestep
    DROP CONSTRAINT documents_lineagestep_pkey,
    ADD CONSTRAINT documents_lineagestep_pkey PRIMARY KEY (id, namespace_id),
    ADD CONSTRAINT lineage_document FOREIGN KEY (id, namespace_id)
        REFERENCES documents_document (id, namespace_id) ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE;
"""
BACKWARD = """
ALTER TABLE documents_lineagestep
    DROP CONSTRAINT lineage_document,
    DROP CONSTRAINT documents_lineagestep_pkey,
    ADD CONSTRAINT documents_lineagestep_pkey PRIMARY KEY (id);
ALTER TABLE documents_document
    DROP CONSTRAINT document_collection,
    DROP CONSTRAINT documents_document_pkey,
    ADD CONSTRAINT documents_document_pkey PRIMARY KEY (id);
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_schema"), ("namespaces", "0002_tenant_keys")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
