"""The project as a Django application: its commands and its system checks."""

from django.apps import AppConfig


class MixpeekSiteConfig(AppConfig):
    name = "mixpeek_site"

    def ready(self) -> None:
        from mixpeek_site import checks  # noqa: F401 (registers them)
        from mixpeek_site.blob_stores import checks as blob_checks  # noqa: F401
