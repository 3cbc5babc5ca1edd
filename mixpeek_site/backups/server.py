"""Where the database is, as libpq and PostgreSQL's programs want to hear it."""

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from mixpeek_site.backups.errors import BackupError

Connection = psycopg.Connection[Any]

# Statements may take as long as they take, and texts of values are the same whoever asks.
_SESSION: Final = (
    "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c timezone=UTC -c datestyle=ISO"
    " -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex -c lc_monetary=C -c row_security=off -c jit=off"
)
_MAINTENANCE: Final = ("postgres", "template1")


@dataclass(frozen=True)
class Server:
    """A server, and the database on it that is meant."""

    database: str
    conninfo: dict[str, str]  # without database and password
    password: str

    @classmethod
    def of(cls, settings: dict[str, Any]) -> "Server":
        """From an entry of Django's DATABASES."""
        known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
        given = {"host": settings["HOST"], "port": settings["PORT"], "user": settings["USER"]} | settings.get("OPTIONS", {})
        not_kept = {"options", "application_name"}  # sessions of a backup are others than those of a request
        kept = {name: str(value) for name, value in given.items() if name in known - not_kept and value}
        return cls(settings["NAME"], kept, settings["PASSWORD"] or "")

    def connect(self, database: str | None = None, *, autocommit: bool = True) -> Connection:
        """Raises psycopg.OperationalError."""
        password = {"password": self.password} if self.password else {}
        where: dict[str, Any] = {**self.conninfo, **password, "dbname": database or self.database}
        return psycopg.connect(**where, options=_SESSION, autocommit=autocommit)

    def connect_for_maintenance(self) -> Connection:
        """To a database that is neither dropped nor renamed meanwhile. Raises BackupError when none is to be had."""
        for name in _MAINTENANCE:
            if name == self.database:
                continue
            try:
                return self.connect(name)
            except psycopg.OperationalError as error:
                refused = error
        raise BackupError(
            f"Neither of the databases {' and '.join(_MAINTENANCE)} can be reached, from which databases are made: {refused}"
        )

    def argument(self, database: str | None = None) -> str:
        """For a program; the password is not among what `ps` shows."""
        where: dict[str, Any] = {**self.conninfo, "dbname": database or self.database}
        return f"--dbname={make_conninfo(**where)}"

    def environment(self, application_name: str, options: str = "") -> dict[str, str]:
        """For a program. `options`: settings of its sessions."""
        return {"PGOPTIONS": options, "PGAPPNAME": application_name, **({"PGPASSWORD": self.password} if self.password else {})}


def version(connection: Connection) -> str:
    """The server's, as `15.20`."""
    number = connection.info.server_version
    return f"{number // 10_000}.{number % 10_000}"
