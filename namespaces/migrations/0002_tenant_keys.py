"""Primary and foreign keys of the objects' table that name the namespace, which Django's own fields can't express."""

from django.db import migrations

FORWARD = """
ALTER TABLE namespaces_bucketobject
    DROP CONSTRAINT namespaces_bucketobject_pkey,
    ADD CONSTRAINT namespaces_bucketobject_pkey PRIMARY KEY (id, namespace_id),
    ADD CONSTRAINT object_bucket FOREIGN KEY (namespace_id, bucket_id)
        REFERENCES namespaces_bucket (namespace_id, id) DEFERRABLE INITIALLY IMMEDIATE;
"""
BACKWARD = """
ALTER TABLE namespaces_bucketobject
    DROP CONSTRAINT object_bucket,
    DROP CONSTRAINT namespaces_bucketobject_pkey,
    ADD CONSTRAINT namespaces_bucketobject_pkey PRIMARY KEY (id);
"""


class Migration(migrations.Migration):
    dependencies = [("namespaces", "0001_schema")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
