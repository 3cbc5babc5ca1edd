"""What this server put into blob stores."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import mixpeek_site.ids

KEY = """
ALTER TABLE namespaces_storedblob
    DROP CONSTRAINT namespaces_storedblob_pkey,
    ADD CONSTRAINT namespaces_storedblob_pkey PRIMARY KEY (id, namespace_id);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('namespaces', '0006_staff_and_audit'),
    ]

    operations = [
        migrations.CreateModel(
            name='StoredBlob',
            fields=[
                ('id', models.UUIDField(default=mixpeek_site.ids.new_uuid7, editable=False, primary_key=True, serialize=False)),
                ('upload_id', models.CharField(db_collation='C', max_length=28)),
                ('url', models.TextField(db_collation='C', help_text='s3://… or local://…')),
                ('filename', models.TextField(null=True)),
                ('content_type', models.TextField()),
                ('size_bytes', models.BigIntegerField(help_text='Null: the bytes are not there, or not all of them.', null=True)),
                ('checksum', models.TextField(help_text='sha256:…', null=True)),
                ('held_by', models.UUIDField(help_text='The object that was the last to name it.', null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('check_at', models.DateTimeField(help_text='When housekeeping asks whether anything still names it.')),
                ('doomed', models.BooleanField(db_default=False, default=False, help_text='Its bytes are being deleted.')),
                ('namespace', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='namespaces.namespace')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(models.F('namespace'), models.F('check_at'), name='storedblob_due')],
                'constraints': [models.UniqueConstraint(fields=('namespace', 'upload_id'), name='storedblob_upload_id')],
            },
        ),
        migrations.RunSQL(KEY, migrations.RunSQL.noop),
    ]
