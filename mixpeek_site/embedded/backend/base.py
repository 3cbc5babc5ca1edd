"""The connection: as Django's own, except that a process with the permission starts the server that is not there."""

from typing import Any

from django.core.management.base import CommandError
from django.db.backends.postgresql import base
from django.db.utils import OperationalError

from mixpeek_site import embedded
from mixpeek_site.embedded.backend.client import DatabaseClient


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        # Inside Django's translation of errors: psycopg's own class arrives here, Django's outside.
        try:
            return super().get_new_connection(conn_params)
        except (OperationalError, self.Database.OperationalError):
            if not embedded.start_allowed():
                raise
            cluster = embedded.Cluster(self.settings_dict["EMBEDDED_DATA_DIR"])
            try:
                embedded.start(cluster)
            except embedded.EmbeddedPostgresError as error:
                # Only commands have the permission, and this is the error that they print without a traceback.
                raise CommandError(str(error)) from error
        return super().get_new_connection(conn_params)
