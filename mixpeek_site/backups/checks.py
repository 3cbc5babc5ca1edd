"""Rows and checksums of every table, whatever order the rows lie in: equal before a dump and after its restore."""

from collections.abc import Callable
from typing import Final, NamedTuple

from psycopg import sql

from mixpeek_site.backups.manifest import TableCheck
from mixpeek_site.backups.server import Connection


class Table(NamedTuple):
    """A table of the database's user; `bytes` without its indexes, `estimated_rows` as the statistics have it."""

    schema: str
    name: str
    oid: int
    columns: list[str]
    bytes: int
    estimated_rows: int

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


# Generated columns are not in a dump, and made anew. What belongs to an extension comes with it.
_TABLES: Final = """
SELECT n.nspname, c.relname, c.oid, coalesce(array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''), '{}'),
       pg_table_size(c.oid), greatest(c.reltuples, 0)::bigint
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
GROUP BY n.nspname, c.relname, c.oid
ORDER BY 1, 2
"""
# MD5 is no matter of security here (the dump has its SHA-256): it is the same on every machine and version.
_CHECK: Final = sql.SQL(
    "SELECT count(*), coalesce(sum(('x' || substr(md5(ROW({columns})::text), 1, 16))::bit(64)::bigint), 0)::text FROM {table}"
)


def tables(connection: Connection) -> list[Table]:
    """All of them, by name. One statement."""
    return [Table._make(row) for row in connection.execute(_TABLES)]


def check(connection: Connection, those: list[Table], tell: Callable[[int], None] = lambda done: None) -> dict[str, TableCheck]:
    """By full name. One statement a table, which reads all of it; `tell` gets the bytes of the tables that are done."""
    checked: dict[str, TableCheck] = {}
    done = 0
    for table in those:
        statement = _CHECK.format(
            columns=sql.SQL(", ").join(map(sql.Identifier, table.columns)), table=sql.Identifier(table.schema, table.name)
        )
        [(rows, checksum)] = connection.execute(statement)
        checked[table.full_name] = TableCheck(rows, checksum)
        done += table.bytes
        tell(done)
    return checked


def differences(said: dict[str, TableCheck], found: dict[str, TableCheck]) -> list[str]:
    """A sentence for each table that is not as it should be."""
    told = [f"the table {name} is missing" for name in said if name not in found]
    told += [f"the table {name} should not be there" for name in found if name not in said]
    for name in said.keys() & found.keys():
        if said[name].rows != found[name].rows:
            told.append(f"{name} has {found[name].rows:,} rows, not {said[name].rows:,}")
        elif said[name].checksum != found[name].checksum:
            told.append(f"rows of {name} have other contents")
    return told


def holding_rows(connection: Connection) -> list[str]:
    """Names of the tables of the schema `public` or any other that are not empty. A statement for each table."""
    statement = sql.SQL("SELECT EXISTS (SELECT FROM {})")
    found = []
    for table in tables(connection):
        [(holds,)] = connection.execute(statement.format(sql.Identifier(table.schema, table.name)))
        if holds:
            found.append(table.full_name)
    return found
