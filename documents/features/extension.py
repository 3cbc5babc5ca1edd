"""The extension pgvector: whether the database has it, and the column of dense vectors, which is of its type then.

Without it, or with one older than 0.8 (whose index scans can't go on where a filter left too few), everything works but
writing and searching vectors.
"""

import re
import sys
from typing import Final

from django.core.management.base import OutputWrapper
from django.db import ProgrammingError, connections, transaction

from mixpeek_site import sql
from mixpeek_site.errors import ServiceUnavailableError

NAME: Final = "vector"
"""What pgvector is called in PostgreSQL."""
MINIMUM: Final = (0, 8)
ABSENT: Final = (
    "The PostgreSQL extension pgvector (named vector, version 0.8 or newer) is not installed in this database."
    " Install it on the database server, then run: manage.py migrate"
)
IS_VECTOR: Final = """
SELECT 1 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass('documents_feature') AND a.attname = 'embedding' AND t.typname = 'vector'
"""
"""A statement that has a row where vectors can be stored."""
_FORBIDDEN: Final = (
    "The role that migrates may not install the PostgreSQL extension pgvector, so vectors can be neither stored nor searched;"
    " everything else works. As a superuser, in this database: {}; then run manage.py migrate again."
)
_OLD: Final = (
    "The PostgreSQL extension pgvector is {}, and at least 0.8 is needed, so vectors can be neither stored nor searched;"
    " everything else works. Install a newer one on the database server, then run manage.py migrate again."
)
_ELSEWHERE: Final = (
    "The PostgreSQL extension pgvector is installed in a schema that is not on the search path, so vectors can be neither stored"
    " nor searched; everything else works. ALTER EXTENSION vector SET SCHEMA public, then run manage.py migrate again."
)

_present = False


def available() -> bool:
    """Whether dense vectors can be stored and searched. One statement, and none once this process has seen that they can.

    Raises ServiceUnavailableError without a database.
    """
    global _present
    if not _present:
        _present = sql.one(IS_VECTOR) is not None
    return _present


def require() -> None:
    """Raises ServiceUnavailableError that names the extension and says what to do."""
    if not available():
        raise ServiceUnavailableError(ABSENT, extension=NAME)


def ensure(using: str) -> None:
    """After a migration: install the extension where it can be had, and make the column one of its type.

    Says on stderr what keeps it from that. One statement where all is done, or there is nothing to be had.
    """
    stderr = OutputWrapper(sys.stderr)
    with connections[using].cursor() as cursor:
        cursor.execute(_STATE)
        column, installed, offered = cursor.fetchone()
        if column is None or column == NAME:
            return
        if installed is None and offered is None:
            return
        if installed is None or _version(installed) < MINIMUM:
            if offered is None or _version(offered) < MINIMUM:
                stderr.write(_OLD.format(installed or offered))
                return
            statement = "CREATE EXTENSION IF NOT EXISTS vector" if installed is None else "ALTER EXTENSION vector UPDATE"
            try:
                with transaction.atomic(using):
                    cursor.execute(statement)
            except ProgrammingError:
                stderr.write(_FORBIDDEN.format(statement))
                return
        cursor.execute("SELECT to_regtype('vector') IS NOT NULL")
        if not cursor.fetchone()[0]:
            stderr.write(_ELSEWHERE)
            return
        with transaction.atomic(using):
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(_TO_VECTOR)


_STATE: Final = """
SELECT (SELECT t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = to_regclass('documents_feature') AND a.attname = 'embedding' AND NOT a.attisdropped),
       (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'vector'),
       (SELECT x.default_version FROM pg_available_extensions x WHERE x.name = 'vector')
"""
# Numbers that are stored without the extension came with an older version of this program.
_TO_VECTOR: Final = """
ALTER TABLE documents_feature ALTER COLUMN embedding TYPE vector USING embedding::vector,
    ALTER COLUMN embedding SET STORAGE EXTERNAL
"""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
