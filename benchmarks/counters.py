"""What exact counts cost a create: the product's INSERT statement with its delta, beside the same one without.

    .venv/bin/python -m benchmarks.counters [--clients 32] [--seconds 5] [--repeats 5] [--documents 20000]

pgbench runs the statement of documents/services/creating.py with prepared statements in a scratch database, all clients
in one collection: the worst case for a counter. The other side has its own collection of the same tables. They take turns;
housekeeping's duty folds behind them every second, which counts against the counters.
Printed are all turns, the medians and their ratio, which is the result, and what a count costs beside COUNT(*),
with all deltas of the last run and folded. The counts must be right at the end.
"""

import argparse
import json
import re
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks import workload
from benchmarks.routes import COLLECTION, find_pgbench, load, scratch_database

AT_LEAST = 0.8


OTHER = "col_without"


def statement(collection: str) -> str:
    """The product's create of a bucket's document as a pgbench script; parameters are literals and random ids."""
    from documents.services.creating import _insert_sql
    from namespaces.scope import Scope

    cte, _ = Scope(1, "org_bench", "ns_bench", ()).cte(collection)
    payload = json.dumps({"metadata": workload.metadata(1)})  # a space after each colon: pgbench reads :name
    literals = [
        *(f"'{collection}'", "1", "'ns_bench'"),  # the scope
        "'obj_bench'",
        *("gen_random_uuid()", "gen_random_uuid()::text", f"'{payload}'", "'{}'", "'{}'", "'[]'", "'[]'", "NULL", "1"),
        *("clock_timestamp()", "clock_timestamp()"),
        *("'bkt_bench'", "'bkt_bench'"),
        *("'bucket'", "'obj_bench'", "NULL", "NULL", "'obj_bench'", "'bkt_bench'", "NULL", "'bucket'", "'bkt_bench'"),
        *("1", "NULL"),
    ]
    text = _insert_sql(cte, has_lineage=True, chosen=False)
    pieces = text.split("%s")
    assert len(pieces) == len(literals) + 1, "the product's statement has other parameters now"
    return "".join(piece + literal for piece, literal in zip(pieces, [*literals, ""], strict=True)).strip() + ";\n"


def without_counts(text: str) -> str:
    from documents.counting import count_created

    delta = f", {count_created('created', single=True)}"
    assert text.count(delta) == 1, "the product's statement counts in another way now"
    return text.replace(delta, "")


def run(url: str, pgbench: str, script: Path, clients: int, seconds: int) -> float:
    """Transactions per second."""
    command = [pgbench, "-n", "-M", "prepared", "-c", str(clients), "-j2", "-T", str(seconds), "-f", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise SystemExit(f"pgbench failed: {done.stdout}{done.stderr}")
    return float(found[1])


def fold_all(database: psycopg.Connection) -> None:
    """Housekeeping's statements for every collection."""
    from documents.counting import _FOLD, _VACUUM, FOLD_AT_ONCE

    for place in database.execute("SELECT namespace_id, id FROM namespaces_collection").fetchall():
        while True:
            gone = database.execute(_FOLD, (*place, *place, FOLD_AT_ONCE)).fetchone()
            if gone is None or gone[0] < FOLD_AT_ONCE:
                break
    database.execute(_VACUUM)


@contextmanager
def folding(url: str) -> Iterator[None]:
    """Folds every second, on a connection of its own."""
    ended = threading.Event()

    def keep_house() -> None:
        with psycopg.connect(url, autocommit=True) as database:
            while not ended.wait(1):
                fold_all(database)

    thread = threading.Thread(target=keep_house)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def milliseconds(database: psycopg.Connection, query: str) -> float:
    """Execution time of a query, the median of nine."""
    times = []
    for _ in range(9):
        row = database.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}").fetchone()
        assert row is not None
        times.append(float(row[0][0]["Execution Time"]))
    return statistics.median(times)


def reads(url: str) -> None:
    """Prints what a count costs beside COUNT(*). Fails when the two differ."""
    from documents.counting import collection_count_sql

    place = f"(SELECT namespace_id, id AS collection_id FROM namespaces_collection WHERE public_id = '{COLLECTION}') c"
    summed = f"SELECT {collection_count_sql('c')} FROM {place}"
    counted = f"SELECT count(*) FROM {place} JOIN documents_document d USING (namespace_id, collection_id)"
    with psycopg.connect(url, autocommit=True) as database:
        row = database.execute(f"SELECT ({summed}), ({counted}), (SELECT count(*) FROM documents_documentcount)").fetchone()
        assert row is not None
        if row[0] != row[1]:
            raise SystemExit(f"The counts say {row[0]:,}; there are {row[1]:,} documents.")
        print(f"{row[1]:,} documents: COUNT(*) {milliseconds(database, counted):.2f} ms,", end=" ")
        print(f"the sum of {row[2]:,} rows {milliseconds(database, summed):.3f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--documents", type=int, default=20_000, help="that are there before")
    options = parser.parse_args()
    pgbench = find_pgbench()
    with scratch_database() as url, tempfile.TemporaryDirectory() as temporary:
        load(url, options.documents)
        with psycopg.connect(url) as database:
            database.execute(
                "INSERT INTO documents_documentcount (namespace_id, collection_id, delta)"
                " SELECT namespace_id, collection_id, count(*) FROM documents_document GROUP BY 1, 2;"
                "INSERT INTO namespaces_collection (namespace_id, public_id, name, config, feature_extractor_id)"
                f" SELECT id, '{OTHER}', 'without', '{{}}', '' FROM namespaces_namespace"
            )
        sides = {"with": statement(COLLECTION), "without": without_counts(statement(OTHER))}
        files = {}
        for side, text in sides.items():
            files[side] = Path(temporary, f"{side}.sql")
            files[side].write_text(text)
            run(url, pgbench, files[side], options.clients, 1)
        tps: dict[str, list[float]] = {side: [] for side in sides}
        with folding(url):
            for turn in range(options.repeats):
                for side in sorted(sides, reverse=bool(turn % 2)):
                    tps[side].append(run(url, pgbench, files[side], options.clients, options.seconds))
                print("  ".join(f"{side} {tps[side][-1]:8,.0f}" for side in sides), flush=True)
        medians = {side: statistics.median(values) for side, values in tps.items()}
        ratio = medians["with"] / medians["without"]
        print(f"medians of {options.repeats} runs of {options.seconds} s, {options.clients} clients, one collection")
        print(f"with counts {medians['with']:,.0f} tps, without {medians['without']:,.0f} tps, ratio {ratio:.2f}")
        run(url, pgbench, files["with"], options.clients, options.seconds)
        reads(url)
        with psycopg.connect(url, autocommit=True) as database:
            fold_all(database)
        reads(url)
    if ratio < AT_LEAST:
        raise SystemExit(f"The ratio should be {AT_LEAST} or more.")


if __name__ == "__main__":
    main()
