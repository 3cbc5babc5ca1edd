"""How far imports are (documents/importing/resuming.py): rows go with their run, runs with their namespace and collection."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

KEYS = """
ALTER TABLE documents_importrun
    ADD CONSTRAINT import_run_namespace FOREIGN KEY (namespace_id) REFERENCES namespaces_namespace (id) ON DELETE CASCADE,
    ADD CONSTRAINT import_run_collection FOREIGN KEY (namespace_id, collection_id)
        REFERENCES namespaces_collection (namespace_id, id) ON DELETE CASCADE;
ALTER TABLE documents_importedbatch ADD CONSTRAINT imported_batch_run
    FOREIGN KEY (run_id) REFERENCES documents_importrun (id) ON DELETE CASCADE;
ALTER TABLE documents_importfailure ADD CONSTRAINT import_failure_run
    FOREIGN KEY (run_id) REFERENCES documents_importrun (id) ON DELETE CASCADE;
"""
DROP_KEYS = """
ALTER TABLE documents_importfailure DROP CONSTRAINT import_failure_run;
ALTER TABLE documents_importedbatch DROP CONSTRAINT imported_batch_run;
ALTER TABLE documents_importrun DROP CONSTRAINT import_run_collection, DROP CONSTRAINT import_run_namespace;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('documents', '0013_lineage_walks'),
        ('namespaces', '0006_staff_and_audit'),
    ]

    operations = [
        migrations.CreateModel(
            name='ImportRun',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('names', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text='Absolute names of the files.', size=None)),
                ('files', models.JSONField(help_text='Their names, sizes and the hashes of their beginnings.')),
                ('options', models.JSONField(help_text='Those that decide what a line becomes.')),
                ('epoch', models.IntegerField(help_text='Grows when another process goes on with the run.')),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('collection', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='namespaces.collection')),
                ('namespace', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='namespaces.namespace')),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='ImportFailure',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line_place', models.BigIntegerField(help_text='From 0.')),
                ('line', models.BinaryField()),
                ('run', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='failures', to='documents.importrun')),
            ],
            options={
                'ordering': ('run', 'line_place'),
            },
        ),
        migrations.CreateModel(
            name='ImportedBatch',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('first_line', models.BigIntegerField(help_text='From 0.')),
                ('end_line', models.BigIntegerField(help_text='The first line after them.')),
                ('checksum', models.BigIntegerField(help_text='CRC-32 of the lines.')),
                ('files', models.JSONField(help_text='By file: lines, and how many of them failed.')),
                ('imported', models.IntegerField()),
                ('replaced', models.IntegerField()),
                ('merged', models.IntegerField()),
                ('skipped', models.IntegerField()),
                ('failed', models.IntegerField()),
                ('run', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='batches', to='documents.importrun')),
            ],
            options={
                'verbose_name_plural': 'imported batches',
                'ordering': ('run', 'first_line'),
            },
        ),
        migrations.AddIndex(
            model_name='importrun',
            index=models.Index(models.F('namespace'), models.F('collection'), models.F('id'), name='import_run_place'),
        ),
        migrations.AddConstraint(
            model_name='importfailure',
            constraint=models.UniqueConstraint(fields=('run', 'line_place'), name='import_failure_once'),
        ),
        migrations.AddConstraint(
            model_name='importedbatch',
            constraint=models.UniqueConstraint(fields=('run', 'first_line'), name='imported_batch_once'),
        ),
        migrations.RunSQL(KEYS, DROP_KEYS),
    ]
