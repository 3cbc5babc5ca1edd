"""Which PostgreSQL to use: the one that `DATABASE_URL` names, else the embedded one under `DATA_DIR`."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from mixpeek_site.embedded.cluster import DATABASE, PORT, SUPERUSER, Cluster

CONNECT_TIMEOUT_SECONDS = 4
STATEMENT_TIMEOUT = "30s"


def from_url(url: str) -> dict[str, Any]:
    """Django's settings for a `postgresql://user:password@host:port/name?option=value` URL.

    A host that begins with `/` (percent-encoded) is a Unix socket directory, as in libpq.
    Raises ImproperlyConfigured when the URL is not one of PostgreSQL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name; "
            f"got a URL with scheme {parts.scheme!r} and path {parts.path!r}."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def of_embedded_server(data_dir: Path) -> dict[str, Any]:
    """Django's settings for the embedded server whose cluster is under `data_dir`."""
    return {
        "ENGINE": "mixpeek_site.embedded.backend",
        "NAME": DATABASE,
        "USER": SUPERUSER,
        "PASSWORD": "",
        "HOST": str(Cluster(data_dir).socket_directory),
        "PORT": str(PORT),
        "OPTIONS": {},
        "EMBEDDED_DATA_DIR": data_dir,
    }


def settings_for(url: str, data_dir: Path) -> dict[str, Any]:
    """The `default` entry of DATABASES."""
    database = from_url(url) if url else of_embedded_server(data_dir)
    database["CONN_MAX_AGE"] = None
    database["CONN_HEALTH_CHECKS"] = False
    database["OPTIONS"] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "mixpeek",
        "prepare_threshold": 0,  # sql.run prepares what it executes; the ORM never prepares
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT} -c timezone=UTC -c datestyle=ISO -c jit=off",
        **database["OPTIONS"],
    }
    return database
