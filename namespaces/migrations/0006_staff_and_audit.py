"""Staff limited to namespaces, and what staff did."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import mixpeek_site.jsonio

# Django's own key would keep the purge of a namespace from its last row.
NAMESPACE_KEY = """
ALTER TABLE namespaces_staffnamespace ADD CONSTRAINT staff_namespace_namespace
    FOREIGN KEY (namespace_id) REFERENCES namespaces_namespace (id) ON DELETE CASCADE;
"""
DROP_NAMESPACE_KEY = "ALTER TABLE namespaces_staffnamespace DROP CONSTRAINT staff_namespace_namespace;"


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("namespaces", "0005_bucket_manager_unshadowed"),
    ]

    operations = [
        migrations.CreateModel(
            name="StaffBinding",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="staff_binding",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "limit to namespaces",
                "verbose_name_plural": "limits to namespaces",
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("user_number", models.BigIntegerField(null=True)),
                ("username", models.TextField()),
                ("namespace_number", models.BigIntegerField(null=True)),
                ("namespace_name", models.TextField(help_text="As it was then.", null=True)),
                ("kind", models.TextField()),
                ("subject", models.TextField(db_collation="C", help_text="The id that people know the thing by.")),
                ("action", models.TextField()),
                (
                    "changes",
                    mixpeek_site.jsonio.ExactJSONField(
                        default=dict, help_text="What changed, by name; no values of payloads, no secrets."
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit",
                "ordering": ("-id",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(models.F("subject"), models.F("id"), name="audit_subject"),
                    models.Index(models.F("namespace_number"), models.F("id"), name="audit_namespace"),
                    models.Index(models.F("username"), models.F("id"), name="audit_username"),
                    models.Index(models.F("kind"), models.F("id"), name="audit_kind"),
                    models.Index(models.F("at"), name="audit_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffNamespace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "binding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reached", to="namespaces.staffbinding"
                    ),
                ),
                (
                    "namespace",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="namespaces.namespace",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="staffbinding",
            name="namespaces",
            field=models.ManyToManyField(related_name="+", through="namespaces.StaffNamespace", to="namespaces.namespace"),
        ),
        migrations.AddConstraint(
            model_name="staffnamespace",
            constraint=models.UniqueConstraint(fields=("binding", "namespace"), name="staff_namespace_once"),
        ),
        migrations.RunSQL(NAMESPACE_KEY, DROP_NAMESPACE_KEY),
    ]
