"""Refuses a database in which the same data would mean something else. Run by `migrate`, `check --database` and `serve`."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

MIN_MAJOR = 15
FOLDED = "é i ασ"  # noqa: RUF001 (Greek letters on purpose)
SORTED = "BZaé"
_HOW_TO_MAKE_ONE = (
    "Make the database with: CREATE DATABASE mixpeek TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' "
    "(PostgreSQL 17 and newer also: LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'), and name it in DATABASE_URL."
)


@checks.register(checks.Tags.database)
def usable_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    return [problem for alias in databases or () for problem in database_problems(connections[alias])]


def database_problems(connection: BaseDatabaseWrapper) -> list[checks.CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding')")
        major, encoding = cursor.fetchone()
    problems: list[checks.CheckMessage] = []
    if major < MIN_MAJOR:
        problems.append(
            checks.Error(
                f"The database server is PostgreSQL {major}; at least {MIN_MAJOR} is needed.",
                hint="Move to a newer server, or unset DATABASE_URL to use the one that comes along.",
                id="mixpeek_site.E001",
            )
        )
    if encoding != "UTF8":
        problems.append(
            checks.Error(
                f"The database's encoding is {encoding}; documents hold any Unicode text, which needs UTF8.",
                hint=_HOW_TO_MAKE_ONE,
                id="mixpeek_site.E002",
            )
        )
        return problems
    with connection.cursor() as cursor:
        # Filters ignore case by folding in SQL, and the index holds the folded text: folding must not depend on the
        # machine. É tells rules that know ASCII only, I Turkish ones, the final sigma those of ICU.
        # Lists sort strings by code point, and jsonb compares them by the database's collation.
        cursor.execute(
            "SELECT lower('É I ΑΣ'), (SELECT string_agg(v, '' ORDER BY v) FROM unnest(ARRAY['a', 'Z', 'é', 'B']) AS t(v))"
        )
        folded, in_order = cursor.fetchone()
    if folded != FOLDED:
        problems.append(
            checks.Error(
                f"The database folds case differently from C.UTF-8: lower('É I ΑΣ') is {folded!r} there, not {FOLDED!r}.",
                hint=_HOW_TO_MAKE_ONE,
                id="mixpeek_site.E003",
            )
        )
    if in_order != SORTED:
        problems.append(
            checks.Error(
                f"The database does not sort texts by code point, as C.UTF-8 does: {in_order!r} is in order, not {SORTED!r}.",
                hint=_HOW_TO_MAKE_ONE,
                id="mixpeek_site.E004",
            )
        )
    return problems
