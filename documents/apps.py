from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "documents"

    def ready(self) -> None:
        from documents.dependents import DocumentsOfPlaces
        from namespaces import dependents

        dependents.register(DocumentsOfPlaces())
