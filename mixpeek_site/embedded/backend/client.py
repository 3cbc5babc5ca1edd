"""`manage.py dbshell` with the psql that came with the server."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import client

from mixpeek_site.embedded import binaries


class DatabaseClient(client.DatabaseClient):
    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        arguments, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        return [str(binaries.directory() / "psql"), *arguments[1:]], environment
