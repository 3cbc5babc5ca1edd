"""A database as large as asked for: the 1 KB workload in one collection beside ten others, loaded by COPY.

`fill` writes into the product's own tables, without the indexes that are not constraints, which are made again from
their definitions when the rows are there; then the declared payload indexes are built by `manage.py housekeep --once`.

What is planted in the large collection: metadata.site, one of 50 values (2 % each, written `site-07`); RARE documents with
the site `Site-Rare`, the bucket RARE_BUCKET, the status FAILED and the word RARE_WORD, spread over the whole; the word
COMMON_WORD in 1 % of the documents. Half of the documents have lineage, five with every root; where that is asked for, so
have a tenth of the documents with the root LARGE_ROOT, made at one time early in the year, as trees are. Of all, 10 % are
PENDING, the others COMPLETED. Creation goes on for a year, in roughly the order of the numbers.
"""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from random import Random
from typing import Any, NamedTuple

import psycopg

from benchmarks import workload
from benchmarks.routes import KEY, ROOT

ORGANIZATION, NAMESPACE, COLLECTION = "org_bench", "ns_bench", "col_bench"
OTHERS = 10
RARE = 20
RARE_BUCKET = "bkt_Rare"
RARE_WORD = "quetzalcoatlus"
COMMON_WORD = "marginalia"
LARGE_ROOT = "s3://bench/large"
DECLARED = (
    '[{"field_name":"metadata.year","type":"integer"},{"field_name":"metadata.date","type":"datetime"},'
    '{"field_name":"*","type":"text"}]'
)

_YEAR_MS = 365 * 86_400_000
_CHUNK = 5000
_DOCUMENT_COLUMNS = (
    "id, namespace_id, collection_id, document_id, payload, internal_metadata, system, source_blobs, document_blobs,"
    " version, created_at, updated_at"
)
_STEP_COLUMNS = (
    "id, namespace_id, collection_id, source_type, source_object_id, root_object_id, root_bucket_id, path, tier, status,"
    " created_at"
)


class Place(NamedTuple):
    """Internal ids, for statements written by hand."""

    organization_id: int
    namespace_id: int
    collection_id: int
    documents: int


class _Part(NamedTuple):
    """Documents first to last - 1 of a collection; `number` 0 is the large one."""

    url: str
    namespace_id: int
    collection_id: int
    number: int
    size: int
    first: int
    last: int
    until_ms: int
    large_root: bool


def document_id(number: int, collection: int = 0) -> str:
    return workload.document_id(number + collection * 100_000_000)


def is_rare(number: int, size: int) -> bool:
    every = max(size // RARE, 1)
    return number % every == every // 2 and number // every < RARE


def fill(url: str, documents: int, *, processes: int = 2, memory: str = "512MB", large_root: bool = False) -> Place:
    """The rows, the indexes and the statistics in a database that is migrated and empty."""
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as database:
        organization_id, namespace_id, collections = _places(database)
        indexes = drop_indexes(database)
        parts = list(_parts(url, namespace_id, collections, documents, large_root))
        # In their order, so that the rows of all collections lie mixed in the table as if written day by day.
        with get_context("spawn").Pool(processes) as pool:
            for _ in pool.imap_unordered(_copy, parts):
                pass
        database.execute(
            "INSERT INTO documents_documentcount (namespace_id, collection_id, delta)"
            " SELECT namespace_id, collection_id, count(*) FROM documents_document GROUP BY 1, 2"
        )
        loaded = time.monotonic()
        create_indexes(url, indexes, processes, memory)
        database.execute("VACUUM ANALYZE")
        indexed = time.monotonic()
        house_keeping(url)
        row = database.execute("SELECT count(*) FROM documents_payloadindex WHERE state = 'ready'").fetchone()
        if row is None or row[0] != 4:  # of the integer the order, of the datetime order and time, of all words
            raise SystemExit("Housekeeping did not build the declared indexes.")
        size = database.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    print(
        f"{documents:,} documents beside {OTHERS} collections: loaded in {loaded - began:.0f} s, default indexes in"
        f" {indexed - loaded:.0f} s, declared ones in {time.monotonic() - indexed:.0f} s; {size[0] if size else '?'}",
        flush=True,
    )
    return Place(organization_id, namespace_id, collections[0], documents)


def house_keeping(url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url}
    subprocess.run(
        [sys.executable, "manage.py", "housekeep", "--once"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )


@contextmanager
def product_at(url: str) -> Iterator[None]:
    """This process's Django works in the database of the URL, which differs from its own by name alone."""
    from django.db import connection

    from documents.listing import statistics
    from documents.payload_indexes import registry

    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    statistics.forget()
    registry.forget()
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
        statistics.forget()
        registry.forget()


def _places(database: psycopg.Connection) -> tuple[int, int, list[int]]:
    """Ids of the organization, the namespace and the collections, the large one first."""
    organization_id = organization(database)
    namespace = new_id(
        database,
        "INSERT INTO namespaces_namespace (organization_id, public_id, name, config)"
        " VALUES (%s, %s, 'bench', jsonb_build_object('payload_indexes', %s::jsonb)) RETURNING id",
        *(organization_id, NAMESPACE, DECLARED),
    )
    collections = [
        new_id(
            database,
            "INSERT INTO namespaces_collection (namespace_id, public_id, name, config, feature_extractor_id)"
            " VALUES (%s, %s, %s, '{}', '') RETURNING id",
            *(namespace, COLLECTION if number == 0 else f"col_other{number}", f"collection {number}"),
        )
        for number in range(OTHERS + 1)
    ]
    return organization_id, namespace, collections


def organization(database: psycopg.Connection) -> int:
    """Its internal id; it has a key."""
    organization_id = new_id(
        database, "INSERT INTO namespaces_organization (public_id, name) VALUES (%s, 'bench') RETURNING id", ORGANIZATION
    )
    database.execute(
        "INSERT INTO namespaces_apikey (organization_id, name, digest, prefix, permission, namespace_patterns)"
        " VALUES (%s, 'bench', %s, 'sk_bench', 'ADMIN', '{}')",
        (organization_id, hashlib.sha256(KEY.encode()).digest()),
    )
    return organization_id


def new_id(database: psycopg.Connection, statement: str, *params: object) -> int:
    row = database.execute(statement.encode(), params).fetchone()
    assert row is not None
    return int(row[0])


def _parts(url: str, namespace_id: int, collections: list[int], documents: int, large_root: bool) -> Iterator[_Part]:
    until = time.time_ns() // 1_000_000
    sizes = [documents, *[min(max(documents // 20, 1), 20_000)] * OTHERS]
    rounds = max(-(-documents // _CHUNK), 1)
    for turn in range(rounds):
        for number, (collection_id, size) in enumerate(zip(collections, sizes, strict=True)):
            first, last = size * turn // rounds, size * (turn + 1) // rounds
            if first < last:
                yield _Part(url, namespace_id, collection_id, number, size, first, last, until, large_root)


def _copy(part: _Part) -> None:
    """In one transaction."""
    documents: list[str] = []
    steps: list[str] = []
    for number in range(part.first, part.last):
        document, step = _rows(part, number)
        documents.append(document)
        if step:
            steps.append(step)
    with psycopg.connect(part.url) as database, database.cursor() as cursor:
        with cursor.copy(f"COPY documents_document ({_DOCUMENT_COLUMNS}) FROM STDIN".encode()) as copy:
            copy.write("".join(documents))
        with cursor.copy(f"COPY documents_lineagestep ({_STEP_COLUMNS}) FROM STDIN".encode()) as copy:
            copy.write("".join(steps))


def _rows(part: _Part, number: int) -> tuple[str, str | None]:
    """Lines of COPY's text format, in which the workload's JSON needs no escapes."""
    chance = Random(number * 16 + part.number)
    step_ms = _YEAR_MS // part.size
    created = part.until_ms - _YEAR_MS + number * step_ms - chance.randrange(2 * step_ms + 1)
    row_id = f"{created:012x}7{chance.getrandbits(12):03x}{8 + chance.getrandbits(2):x}{chance.getrandbits(60):015x}"
    at = datetime.fromtimestamp(created / 1000, UTC).isoformat()
    metadata = workload.metadata(number + part.number * 100_000_000)
    bucket, status = "bkt_bench", "COMPLETED" if number % 10 else "PENDING"
    if part.number == 0:
        if is_rare(number, part.size):
            metadata["site"], bucket, status = "Site-Rare", RARE_BUCKET, "FAILED"
            metadata["text"] += f" {RARE_WORD}"
        if number % 100 == 3:
            metadata["text"] += f" {COMMON_WORD}"
    payload = workload.dumps({"metadata": metadata})
    place = f"{part.namespace_id}\t{part.collection_id}"
    name = document_id(number, part.number)
    internal = f'{{"ingestion_status":"{status}"}}'
    document = f"{row_id}\t{place}\t{name}\t{payload}\t{internal}\t{{}}\t[]\t[]\t1\t{at}\t{at}\n"
    source = f"obj_{number // 10}_{part.number}"
    if number % 2 and bucket != RARE_BUCKET:
        if not (part.large_root and part.size // 10 <= number < part.size * 3 // 10):
            return document, None
        source = LARGE_ROOT
    return document, f"{row_id}\t{place}\tbucket\t{source}\t{source}\t{bucket}\t{bucket}/{COLLECTION}\t1\t{status}\t{at}\n"


_TABLES = ("documents_document", "documents_lineagestep")


def drop_indexes(database: psycopg.Connection) -> list[str]:
    """The definitions of the indexes that serve questions alone, the most laborious first."""
    found = database.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam"
        " WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisunique"
        " ORDER BY i.indrelid = 'documents_document'::regclass DESC, a.amname = 'gin' DESC, i.indexrelid DESC",
        (list(_TABLES),),
    ).fetchall()
    for name, _ in found:
        database.execute(f"DROP INDEX {name}".encode())
    return [definition for _, definition in found]


def create_indexes(url: str, definitions: list[str], threads: int, memory: str) -> None:
    """Several at a time."""
    waiting = list(reversed(definitions))
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with psycopg.connect(url, autocommit=True) as database:
                database.execute(f"SET maintenance_work_mem = '{memory}'".encode())
                while waiting:
                    database.execute(waiting.pop().encode())
        except BaseException as error:
            failed.append(error)

    started: list[Any] = [threading.Thread(target=work) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    if failed:
        raise failed[0]
