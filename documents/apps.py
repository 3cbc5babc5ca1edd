from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DocumentsConfig(AppConfig):
    name = "documents"

    def ready(self) -> None:
        import documents.searching.vectors  # noqa: F401  # connections learn at their beginning how a vector is sent
        from documents.dependents import DocumentsOfPlaces
        from documents.features import extension
        from namespaces import dependents, health

        dependents.register(DocumentsOfPlaces())
        health.register(health.Part("vector_store", extension.IS_VECTOR, extension.ABSENT))
        post_migrate.connect(_keep_groups, sender=self, dispatch_uid="documents.groups")
        post_migrate.connect(_use_pgvector, sender=self, dispatch_uid="documents.pgvector")


def _keep_groups(sender: Any, using: str, **_: Any) -> None:
    from namespaces.groups import grant

    grant(sender, using, edited=("document",))


def _use_pgvector(using: str, **_: Any) -> None:
    from documents.features import extension

    extension.ensure(using)
