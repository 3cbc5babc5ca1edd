"""Questions to a tree of 100,000 documents and to a chain of 50, each beside the best SQL for it by hand; and a move of all.

    .venv/bin/python -m benchmarks.trees [--documents 100000] [--repeats 30] [--explain] [--move]

A scratch database is made on the server that DATABASE_URL (or the embedded PostgreSQL) gives, planted as
benchmarks/forest.py says, and dropped at the end. The product's own code and the hand-written SQL take turns in one process
on one connection, from the question to the rows; both must give the same. Printed are milliseconds (median, and the 90th
percentile of ours), their ratio, which is the result, and the ratio of the shortest times. `--explain` prints the plans.

    … --move    also moves the tree's one top, and so all of it, to another object and back, while others write beside it:
                what a write takes then, and what it takes before
"""

import argparse
import os
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from benchmarks.forest import CHAIN_ROOT, NAMESPACE, OTHER_ROOT, ROOT, STAGES, Forest, plant
from benchmarks.questions import AT_MOST, measure
from benchmarks.routes import scratch_database
from benchmarks.scale import ORGANIZATION, product_at

PAGE = 1000
MAX_BYTES = 64 * 1024 * 1024
ELSEWHERE = f"{OTHER_ROOT}_moved"
Pair = tuple[str, Callable[[], Any], Callable[[], Any]]


def pairs(forest: Forest) -> list[Pair]:
    """Name, the product's side, the other side; both give the same."""
    from documents.stored import columns
    from documents.trees import walks
    from documents.trees.stages import tree
    from mixpeek_site import jsonio, sql
    from namespaces.scope import Scope

    scope = Scope(forest.organization_id, ORGANIZATION, NAMESPACE, ())
    namespace = forest.namespace_id
    selected = columns("d", "c.public_id", f"'{NAMESPACE}'::text")
    read = (
        f" JOIN documents_document d ON d.namespace_id = {namespace} AND d.id = picked.id"
        f" JOIN documents_lineagestep l ON l.namespace_id = {namespace} AND l.id = picked.id"
        " JOIN namespaces_collection c ON c.id = d.collection_id"
    )

    def stages() -> Any:
        return [(each.collection, each.tier, each.path, each.documents, each.statuses) for each in tree(scope, ROOT).stages]

    def stages_by_hand() -> Any:
        found = sql.rows(
            "SELECT c.public_id, s.tier, (SELECT l.path FROM documents_lineagestep l WHERE l.namespace_id = c.namespace_id"
            " AND l.root_object_id = %s AND l.collection_id = c.id AND l.tier = s.tier AND l.path_key = s.path_key LIMIT 1),"
            " s.documents, s.statuses::text FROM (SELECT collection_id, tier, path_key, sum(documents)::bigint AS documents,"
            " jsonb_object_agg(COALESCE(status, 'UNKNOWN'), documents) AS statuses FROM (SELECT collection_id, tier, path_key,"
            " status, count(*) AS documents FROM documents_lineagestep WHERE namespace_id = %s AND root_object_id = %s"
            " GROUP BY 1, 2, 3, 4) n GROUP BY 1, 2, 3) s JOIN namespaces_collection c ON c.id = s.collection_id ORDER BY 2, c.id",
            (ROOT, namespace, ROOT),
        )
        return [(*row[:4], jsonio.loads(row[4])) for row in found]

    def descendants() -> Any:
        found = walks.descendants(scope, STAGES[0], forest.top, limit=PAGE, max_bytes=MAX_BYTES)
        return [each.document_id for each in found.documents]

    # A level at a time, each from its parents in their order, as many as the page may need.
    child = (
        f"SELECT l.id FROM documents_lineagestep l WHERE l.namespace_id = {namespace} AND l.source_document_id = p.document_id"
        f" ORDER BY l.id LIMIT {PAGE}"
    )
    name = f"(SELECT d.document_id FROM documents_document d WHERE d.namespace_id = {namespace} AND d.id = {{}}.id)"
    by_level = (
        f"WITH one AS MATERIALIZED (SELECT l.id, {name.format('l')} AS document_id FROM documents_lineagestep l"
        f" WHERE l.namespace_id = {namespace} AND l.source_document_id = %s ORDER BY l.id LIMIT {PAGE}),"
        f" two AS MATERIALIZED (SELECT p.id AS parent, l.id FROM one p CROSS JOIN LATERAL ({child}) l"
        f" ORDER BY p.id, l.id LIMIT {PAGE}),"
        " picked AS MATERIALIZED (SELECT 1 AS level, NULL::uuid AS parent, id FROM one"
        f" UNION ALL SELECT 2, parent, id FROM two ORDER BY 1, 2, 3 LIMIT {PAGE})"
        f" SELECT {selected} FROM picked{read} ORDER BY picked.level, picked.parent, picked.id"
    )

    def descendants_by_hand() -> Any:
        return [row[0] for row in sql.rows(by_level, (forest.top,))]

    last = f"step{int(forest.deepest.split('-')[1]):02}"

    def ancestors() -> Any:
        return [
            each.document_id for each in walks.ancestors(scope, last, forest.deepest, limit=PAGE, max_bytes=MAX_BYTES).documents
        ]

    upwards = (
        "WITH RECURSIVE up AS (SELECT l.source_document_id AS above, 0 AS height FROM documents_document d"
        " JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id"
        f" WHERE d.namespace_id = {namespace} AND d.document_id = %s"
        " UNION ALL SELECT l.source_document_id, up.height + 1 FROM up JOIN documents_document d"
        f" ON d.namespace_id = {namespace} AND d.document_id = up.above"
        " JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id)"
        f" SELECT {selected} FROM up JOIN documents_document d ON d.namespace_id = {namespace} AND d.document_id = up.above"
        " JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id"
        " JOIN namespaces_collection c ON c.id = d.collection_id ORDER BY up.height DESC"
    )

    def ancestors_by_hand() -> Any:
        return [row[0] for row in sql.rows(upwards, (forest.deepest,))]

    return [
        ("tree counts", stages, stages_by_hand),
        (f"descendants, {PAGE} of them", descendants, descendants_by_hand),
        (f"ancestors in {CHAIN_ROOT}", ancestors, ancestors_by_hand),
    ]


def ask_all(forest: Forest, repeats: int, explain: bool) -> None:
    from benchmarks.plans import explained

    print(f"{'question':28} {'ours ms':>9} {'p90':>9} {'by hand':>9} {'ratio':>6} {'of bests':>8}")
    for name, ours, raw in pairs(forest):
        mine, theirs = ours(), raw()
        if mine != theirs:
            raise SystemExit(f"{name}: the answers differ: {str(mine)[:300]} and {str(theirs)[:300]}")
        times, by_hand = measure(ours, raw, repeats)
        ratio = statistics.median(times) / statistics.median(by_hand)
        p90 = sorted(times)[int(len(times) * 0.9)]
        note = "" if ratio <= AT_MOST else f"  more than {AT_MOST}"
        print(
            f"{name:28} {statistics.median(times):9.2f} {p90:9.2f} {statistics.median(by_hand):9.2f} {ratio:6.2f}"
            f" {min(times) / min(by_hand):8.2f}{note}",
            flush=True,
        )
        if explain:
            for side in (ours, raw):
                for text, _ in explained(side):
                    print(f"\n{text}\n", flush=True)


# A move of everything -----------------------------------------------------------------------------------------------


class Writer(threading.Thread):
    """Writes one kind of thing again and again; how long each took, by when it began."""

    def __init__(self, name: str, write: Callable[[], Any], stop: threading.Event) -> None:
        super().__init__(name=name)
        self.took: list[tuple[float, float]] = []
        self._write, self._ended = write, stop

    def run(self) -> None:
        from django.db import connection

        try:
            while not self._ended.is_set():
                began = time.monotonic()
                self._write()
                self.took.append((began, time.monotonic() - began))
                time.sleep(0.005)
        finally:
            connection.close()


def move(forest: Forest) -> None:
    from documents import services
    from documents.inputs import read_create, read_patch
    from mixpeek_site import sql
    from namespaces.scope import Scope

    scope = Scope(forest.organization_id, ORGANIZATION, NAMESPACE, ())
    other = f"{OTHER_ROOT}_0-0-0"
    made = iter(range(1 << 60))

    def create(body: dict[str, Any]) -> Any:
        return services.create_document(scope=scope, collection=STAGES[1], given=read_create(body))

    writes: dict[str, Callable[[], Any]] = {
        "PATCH of another tree's document": lambda: services.patch_document(
            scope=scope, collection=None, document_id=other, given=read_patch({"n": next(made)}, other)
        ),
        "create from an object": lambda: create({"source_object_id": f"{OTHER_ROOT}_0"}),
        "create below a document": lambda: create({"source_document_id": other}),
    }
    stop = threading.Event()
    writers = [Writer(name, write, stop) for name, write in writes.items()]
    for writer in writers:
        writer.start()
    time.sleep(2)
    spans = []
    with suppress(KeyboardInterrupt):
        for target in (ELSEWHERE, ROOT):
            began = time.monotonic()
            given = read_patch({"source_object_id": target, "root_bucket_id": "bkt_bench"}, forest.top)
            services.patch_document(scope=scope, collection=STAGES[0], document_id=forest.top, given=given)
            spans.append((began, time.monotonic()))
            [(moved,)] = sql.rows("SELECT count(*) FROM documents_lineagestep WHERE root_object_id = %s", (target,))
            print(f"\nmoved {moved:,} documents to another object in {spans[-1][1] - began:.1f} s")
    stop.set()
    for writer in writers:
        writer.join()
        beside = [took for began, took in writer.took if any(began < end and began + took > start for start, end in spans)]
        before = [took for began, took in writer.took if began + took < spans[0][0]]
        if before and beside:
            print(f"{writer.name:34} before: {_said(before)}; beside the moves: {_said(beside)}, {len(beside)} writes")


def _said(took: list[float]) -> str:
    return f"median {statistics.median(took) * 1000:.1f} ms, longest {max(took) * 1000:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000, help="20,000 at least, so that two stages fill a page")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--move", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # by way of the end of scratch_database
    with scratch_database() as url:
        forest = plant(url, options.documents)
        with product_at(url):
            ask_all(forest, options.repeats, options.explain)
            if options.move:
                move(forest)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixpeek_site.settings")
    main()
