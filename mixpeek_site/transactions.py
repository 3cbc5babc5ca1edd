"""Transactions of services: like Django's `atomic`, and a database that is gone is the domain's error."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import transaction
from django.db.utils import InterfaceError, OperationalError

from mixpeek_site import sql
from mixpeek_site.errors import ServiceUnavailableError


@contextmanager
def atomic() -> Iterator[None]:
    """One transaction, or a savepoint inside one; rolled back when anything is raised.

    Raises ServiceUnavailableError when it can't be begun or committed.
    """
    sql.ensure_connection()
    try:
        with transaction.atomic():
            yield
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        raise ServiceUnavailableError("The database can't be reached; try again shortly.") from error
