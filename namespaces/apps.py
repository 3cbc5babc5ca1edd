from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class NamespacesConfig(AppConfig):
    name = "namespaces"

    def ready(self) -> None:
        post_migrate.connect(_keep_groups, sender=self, dispatch_uid="namespaces.groups")


def _keep_groups(sender: Any, using: str, **_: Any) -> None:
    from namespaces.groups import grant

    grant(sender, using, edited=("namespace", "collection", "bucket", "bucketobject"))
