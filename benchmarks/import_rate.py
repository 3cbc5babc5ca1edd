"""`manage.py import_documents` beside raw COPY of the same rows into the same tables, indexes and foreign keys.

    .venv/bin/python -m benchmarks.import_rate [--documents 50000] [--repeats 3] [--jobs 1 2] [--shapes plain objects trees]

Three files of 1 KB documents: `plain` has neither ids nor lineage, `objects` has ids and comes from bucket objects, `trees`
has ids and parents (ten documents to a tree, three tiers deep). Each is imported by the command into a scratch database;
then the rows that this made are copied by hand-written COPY, from memory, in one transaction per table set, into twins of
the tables. All take turns; printed are the medians and their ratio, which is the result. The scratch database is dropped
at the end. Beyond one job the processes' start is measured, too: some tenths of a second, so let there be documents enough.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import workload
from benchmarks.routes import scratch_database

TABLES = ("documents_document", "documents_lineagestep")
PIECE_BYTES = 1 << 18


def plain(number: int) -> dict[str, Any]:
    return {"metadata": workload.metadata(number)}


def objects(number: int) -> dict[str, Any]:
    return {"document_id": workload.document_id(number), **workload.body(number)}


def trees(number: int) -> dict[str, Any]:
    place = number % 10
    if place == 0:
        return objects(number)
    parent = number - place + (place - 1) // 3
    return {
        "document_id": workload.document_id(number),
        "source_document_id": workload.document_id(parent),
        "metadata": workload.metadata(number),
    }


SHAPES = {"plain": plain, "objects": objects, "trees": trees}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--documents", type=int, default=50_000)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    chosen = arguments.parse_args()
    with scratch_database() as url, tempfile.TemporaryDirectory() as folder, _django_on(url):
        print(f"{chosen.documents:,} documents, {chosen.repeats} repeats; documents per second")
        for name in chosen.shapes:
            _compare(SHAPES[name], chosen.documents, chosen.repeats, chosen.jobs, Path(folder))


def _compare(shape: Callable[[int], dict[str, Any]], documents: int, repeats: int, jobs: list[int], folder: Path) -> None:
    path = folder / f"{shape.__name__}.jsonl"
    with path.open("w") as file:
        file.writelines(workload.dumps(shape(number)) + "\n" for number in range(documents))
    imports: dict[int, list[float]] = {number: [] for number in jobs}
    copies = []
    for _ in range(repeats):
        for number in jobs:
            imports[number].append(documents / _import(path, number))
        copies.append(documents / _raw_copy())
    raw = statistics.median(copies)
    print(f"{shape.__name__:8} {path.stat().st_size / documents:5.0f} B a line   raw COPY {raw:8,.0f}", end="")
    for number, rates in imports.items():
        ours = statistics.median(rates)
        print(f"   --jobs {number} {ours:8,.0f}, ratio {ours / raw:.2f}", end="")
    print(flush=True)


def _import(path: Path, jobs: int) -> float:
    """Seconds of the command, on empty tables."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE documents_document CASCADE")
        cursor.execute("CHECKPOINT")
    begun = time.perf_counter()
    told = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    call_command("import_documents", str(path), "--jobs", str(jobs), namespace="bench", collection="bench", **told)
    return time.perf_counter() - begun


def _raw_copy() -> float:
    """Seconds of copying the imported rows into twins of the tables."""
    import psycopg

    with psycopg.connect(_conninfo()) as database:
        rows = {table: _rows(database, table) for table in TABLES}
        _make_twins(database)
        database.commit()
        database.execute("CHECKPOINT")
        database.commit()
        begun = time.perf_counter()
        for table, text in rows.items():
            if text:
                with database.cursor().copy(f"COPY twin.{table} FROM STDIN") as copy:
                    for place in range(0, len(text), PIECE_BYTES):
                        copy.write(text[place : place + PIECE_BYTES])
        database.commit()
        return time.perf_counter() - begun


def _rows(database: Any, table: str) -> memoryview:
    """A table as COPY writes it, in the order in which it was filled."""
    text = bytearray()
    with database.cursor().copy(f"COPY {table} TO STDOUT") as copy:
        for piece in copy:
            text += piece
    return memoryview(text)


def _make_twins(database: Any) -> None:
    """Empty tables of the same columns, checks, indexes and foreign keys."""
    database.execute("DROP SCHEMA IF EXISTS twin CASCADE")
    database.execute("CREATE SCHEMA twin")
    for table in TABLES:
        database.execute(f"CREATE TABLE twin.{table} (LIKE public.{table} INCLUDING ALL)")
    for table in TABLES:
        keys = database.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
            (f"public.{table}",),
        ).fetchall()
        for (definition,) in keys:
            for other in TABLES:
                definition = definition.replace(f"REFERENCES {other}(", f"REFERENCES twin.{other}(")
            database.execute(f"ALTER TABLE twin.{table} ADD {definition}")


def _conninfo() -> str:
    from django.db import connection
    from psycopg.conninfo import make_conninfo

    settings = connection.settings_dict
    return make_conninfo(
        dbname=settings["NAME"],
        user=settings["USER"] or None,
        password=settings["PASSWORD"] or None,
        host=settings["HOST"] or None,
        port=settings["PORT"] or None,
    )


@contextmanager
def _django_on(url: str) -> Iterator[None]:
    """Django in this process, on the scratch database, with a place to import into."""
    from django.db import connection

    from mixpeek_site import databases
    from namespaces import services
    from namespaces.scope import Scope

    connection.close()
    kept = {name: connection.settings_dict[name] for name in ("NAME",)}
    connection.settings_dict["NAME"] = databases.from_url(url)["NAME"]
    try:
        owner = services.create_organization(name="bench")
        services.create_namespace(organization_id=owner.pk, name="bench")
        services.create_collection(scope=Scope(owner.pk, owner.public_id, "bench", ()), name="bench")
        yield
    finally:
        connection.close()
        connection.settings_dict.update(kept)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixpeek_site.settings")
    main()
