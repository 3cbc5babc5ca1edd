"""Which dense vectors a collection holds, by name: for searches that compare with all of them, and to learn their names."""

from django.db import migrations

FORWARD = "CREATE INDEX feature_dense_by_name ON documents_feature (collection_id, name) WHERE kind = 'dense'"
BACKWARD = "DROP INDEX feature_dense_by_name"


class Migration(migrations.Migration):
    dependencies = [("documents", "0016_vector_indexes")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
