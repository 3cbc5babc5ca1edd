"""A new database like another: its encoding, locale, owner, settings and grants, none of its contents."""

from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import sql

from mixpeek_site.backups.server import Connection

_PROVIDERS: Final = {"c": "libc", "i": "icu", "b": "builtin"}
_SETTINGS: Final = """
SELECT r.rolname, split_part(one, '=', 1), substr(one, strpos(one, '=') + 1)
FROM pg_db_role_setting s
JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole
CROSS JOIN unnest(s.setconfig) one
WHERE d.datname = %s
"""
_GRANTS: Final = """
SELECT r.rolname, a.privilege_type, a.is_grantable
FROM pg_database d CROSS JOIN aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE d.datname = %s AND a.grantee <> d.datdba
"""


def create_like(connection: Connection, model: str, name: str) -> None:
    """Make the database `name`; `connection` is to a third one. Raises psycopg.Error."""
    [(about,)] = connection.execute("SELECT to_jsonb(d) FROM pg_database d WHERE datname = %s", (model,))
    [(encoding, owner, tablespace)] = connection.execute(
        "SELECT pg_encoding_to_char(d.encoding), pg_get_userbyid(d.datdba), t.spcname"
        " FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = %s",
        (model,),
    )
    parts = [
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} TABLESPACE {}").format(
            sql.Identifier(name), sql.Literal(encoding), sql.Identifier(tablespace)
        ),
        sql.SQL("OWNER {} CONNECTION LIMIT {}").format(sql.Identifier(owner), sql.Literal(about["datconnlimit"])),
        *(sql.SQL("{} {}").format(sql.SQL(word), sql.Literal(value)) for word, value in _locale(about).items()),
    ]
    connection.execute(sql.SQL(" ").join(parts))
    _copy_settings(connection, model, name)
    _copy_grants(connection, model, name, granted=about["datacl"] is not None)


def _locale(about: dict[str, Any]) -> dict[str, str]:
    provider = _PROVIDERS[about["datlocprovider"]]
    words = {"LOCALE_PROVIDER": provider, "LC_COLLATE": about["datcollate"], "LC_CTYPE": about["datctype"]}
    if provider != "libc":
        words[f"{provider.upper()}_LOCALE"] = about.get("datlocale") or about.get("daticulocale")
    return words


def _copy_settings(connection: Connection, model: str, name: str) -> None:
    """By way of this session, so that lists are taken apart as they were put together."""
    database = sql.Identifier(name)
    for role, setting, value in connection.execute(_SETTINGS, (model,)).fetchall():
        whose = (
            sql.SQL("ALTER DATABASE {}").format(database)
            if role is None
            else sql.SQL("ALTER ROLE {} IN DATABASE {}").format(sql.Identifier(role), database)
        )
        with suppress(psycopg.errors.CantChangeRuntimeParam, psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
            connection.execute(sql.SQL("{} SET {} FROM CURRENT").format(whose, sql.SQL(setting)))
            connection.execute(sql.SQL("RESET {}").format(sql.SQL(setting)))


def _copy_grants(connection: Connection, model: str, name: str, *, granted: bool) -> None:
    if not granted:
        return
    database = sql.Identifier(name)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    for role, privilege, grantable in connection.execute(_GRANTS, (model,)).fetchall():
        to = sql.SQL("PUBLIC") if role is None else sql.Identifier(role)
        statement = sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(privilege), database, to)
        connection.execute(statement + sql.SQL(" WITH GRANT OPTION") if grantable else statement)
