"""Vector search: recall against brute force under filters, and the speed of a top 10 beside raw pgvector.

    .venv/bin/python -m benchmarks.vectors [--vectors 100000] [--dimensions 384] [--queries 30] [--seconds 5] [--repeats 3]

Makes a scratch database on the server that DATABASE_URL (or the embedded PostgreSQL) gives, with so many unit vectors in 256
clusters (seeded) as the collection declares them, and has housekeeping build the index. Then

- recall@10 of the product's own search, without a filter and with filters that keep 50, 5, 1 and 0.1 % of the documents: at
  random, those that are nearest to where the queries are, and those that are farthest from it. Truth is brute force by numpy.
  A search that gives fewer than ten where there are ten, or a recall below 0.95, ends the run.
- searches per second of the served product (wrk, 8 connections; each with another vector, answers of ten whole documents)
  and of hand-written statements on the same index (pgbench, prepared, 8 clients, the vector as a parameter, the same
  ef_search): ids and distances alone, and with the documents. They take turns; the ratio is the result.

`--no-speed`, `--no-recall` leave out a part.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.routes import COLLECTION, CONNECTIONS, KEY, find_pgbench, http_requests, scratch_database, server
from benchmarks.scale import product_at

SHARES = (0.5, 0.05, 0.01, 0.001)
NAME = "embedding"
LEAST_RECALL = 0.95
BODIES = 1000
SCRIPTS = 64


class Planted(NamedTuple):
    """Unit vectors, those of queries, and by the filters' fields which documents they keep."""

    vectors: Any
    queries: Any  # from everywhere
    local: Any  # from one cluster, for filters that keep what is near to it or far from it
    fields: dict[str, Any]


def plant(count: int, dimensions: int, queries: int) -> Planted:
    """Clusters around random centres, spread along 24 directions and a little along all."""
    chance = np.random.default_rng(7)
    clusters, inner = 256, 24
    total = count + BODIES + 200_000 // clusters * 4
    centres = chance.standard_normal((clusters, dimensions), dtype="float32")
    directions = chance.standard_normal((inner, dimensions), dtype="float32")
    labels = chance.integers(0, clusters, total)
    made = centres[labels]
    made += 0.9 / inner**0.5 * (chance.standard_normal((total, inner), dtype="float32") @ directions)
    made += 0.1 * chance.standard_normal((total, dimensions), dtype="float32")
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    vectors, rest, rest_labels = made[:count], made[count:], labels[count:]
    of_cluster = rest[BODIES:][rest_labels[BODIES:] == 0]
    near = np.argsort(-(vectors @ (centres[0] / np.linalg.norm(centres[0]))))
    random = chance.permutation(count)
    fields = {}
    for share in SHARES:
        for name, order in (("random", random), ("near", near), ("far", near[::-1])):
            kept = np.zeros(count, bool)
            kept[order[: max(int(count * share), 10)]] = True
            fields[f"{name}_{share * 100:g}".replace(".", "_")] = kept
    return Planted(vectors, rest[:BODIES], of_cluster[:queries], fields)


def text(vector: Any) -> str:
    return "[" + ",".join(map("%.9g".__mod__, vector.tolist())) + "]"


def load(url: str, planted: Planted, dimensions: int) -> None:
    """Documents and vectors by COPY."""
    import hashlib

    import psycopg

    from benchmarks import workload
    from mixpeek_site import ids

    declared = {"vector_indexes": [{"name": NAME, "dimensions": dimensions, "metric": "cosine", "type": "hnsw"}]}
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(
            "INSERT INTO namespaces_organization (public_id, name) VALUES ('org_bench', 'bench');"
            "INSERT INTO namespaces_namespace (organization_id, public_id, name, config)"
            " SELECT id, 'ns_bench', 'bench', '{}' FROM namespaces_organization"
        )
        database.execute(
            "INSERT INTO namespaces_collection (namespace_id, public_id, name, config, feature_extractor_id)"
            " SELECT id, %s, 'bench', %s, '' FROM namespaces_namespace",
            (COLLECTION, json.dumps(declared)),
        )
        database.execute(
            "INSERT INTO documents_vectorindex (namespace_id, collection_id, name, dimensions, metric, type, state)"
            " SELECT namespace_id, id, %s, %s, 'cosine', 'hnsw', 'pending' FROM namespaces_collection",
            (NAME, dimensions),
        )
        database.execute(
            "INSERT INTO namespaces_apikey (organization_id, name, digest, prefix, permission, namespace_patterns)"
            " SELECT id, 'bench', %s, 'sk_bench', 'ADMIN', '{}' FROM namespaces_organization",
            (hashlib.sha256(KEY.encode()).digest(),),
        )
        row = database.execute("SELECT namespace_id, id FROM namespaces_collection").fetchone()
        assert row is not None
        numbers = [ids.new_uuid7() for _ in planted.vectors]
        with (
            database.cursor() as cursor,
            cursor.copy(
                "COPY documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,"
                " source_blobs, document_blobs, version, created_at, updated_at) FROM STDIN"
            ) as copy,
        ):
            for number, internal in enumerate(numbers):
                kept = {name: bool(mask[number]) for name, mask in planted.fields.items()}
                payload = workload.dumps({"metadata": {**workload.metadata(number), **kept}})
                copy.write_row((internal, *row, f"doc_{number}", payload, "{}", "{}", "[]", "[]", 1, "now", "now"))
        with (
            database.cursor() as cursor,
            cursor.copy(
                "COPY documents_feature (namespace_id, collection_id, document_id, name, kind, embedding) FROM STDIN"
            ) as copy,
        ):
            for internal, vector in zip(numbers, planted.vectors, strict=True):
                copy.write_row((*row, internal, NAME, "dense", text(vector)))
        database.execute(
            "INSERT INTO documents_documentcount (namespace_id, collection_id, delta) VALUES (%s, %s, %s)",
            (*row, len(numbers)),
        )
        database.execute("VACUUM ANALYZE")


def build() -> None:
    """The index, as housekeeping does it."""
    from documents import housekeeping
    from mixpeek_site import sql

    began = time.perf_counter()
    while sql.rows("SELECT state FROM documents_vectorindex") != [("ready",)]:
        for duties in (housekeeping.round_of_duties, housekeeping.finish):
            for line in duties(lambda: False):
                print(f"  {line}", flush=True)
    print(f"The index took {time.perf_counter() - began:.0f} s.", flush=True)


def recalls(planted: Planted) -> None:
    from documents.filters import read_filters
    from documents.listing import Places, Question
    from documents.searching import QueryVector, Search, Wanted, read_vector, search
    from mixpeek_site import sql
    from namespaces.scope import Scope

    row = sql.one("SELECT id FROM namespaces_organization")
    assert row is not None
    scope = Scope(row[0], "org_bench", "ns_bench", ())

    def ask(vector: QueryVector, filters: Any) -> list[int]:
        question = Question(Places(COLLECTION), read_filters(filters, ()))
        found = search(scope, Search(question, Wanted(vector, ())), limit=10, max_bytes=1 << 26)
        return [int(row.document.document_id.removeprefix("doc_")) for row in found.rows]

    print(f"\n{'filter':14} {'kept':>7} {'recall@10':>10} {'least':>6} {'fewer':>6} {'ms':>8} {'p90':>8}")
    everything = {"": np.ones(len(planted.vectors), bool)}
    worst = 1.0
    for name, kept in (everything | planted.fields).items():
        queries = planted.local if name.startswith(("near", "far")) else planted.queries[: len(planted.local)]
        similar = queries @ planted.vectors.T
        shares, taken, fewer = [], [], 0
        for vector, scores in zip(queries, similar, strict=True):
            truth = set(np.argsort(-np.where(kept, scores, -9))[:10].tolist())
            asked = read_vector([float(number) for number in vector], ())
            began = time.perf_counter()
            found = ask(asked, {f"metadata.{name}": True} if name else None)
            taken.append((time.perf_counter() - began) * 1000)
            shares.append(len(truth & set(found)) / 10)
            fewer += len(found) < 10
        recall = statistics.mean(shares)
        worst = min(worst, recall if not fewer else 0)
        p90 = sorted(taken)[int(len(taken) * 0.9)]
        label = name.replace("_0_1", "_0.1") + " %" if name else "none"
        print(
            f"{label:14} {int(kept.sum()):7,} {recall:10.3f} {min(shares):6.1f} {fewer:6}"
            f" {statistics.median(taken):8.1f} {p90:8.1f}",
            flush=True,
        )
    if worst < LEAST_RECALL:
        raise SystemExit(f"A recall is below {LEAST_RECALL}, or a search gave too little.")


# Speed -----------------------------------------------------------------------------------------------------------------------

LUA = """
local bodies = {}
for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
local headers = {["Authorization"] = "Bearer %(key)s", ["X-Namespace"] = "ns_bench", ["Content-Type"] = "application/json"}
function init() math.randomseed(os.time() + tonumber(tostring({}):match("0x(%%x+)") or "0", 16) %% 100000) end
function request() return wrk.format("POST", "%(path)s", headers, bodies[math.random(#bodies)]) end
"""


def http_speed(port: int, folder: Path, seconds: int) -> float:
    return http_requests(port, "search", folder / "search.lua", seconds)


def sql_speed(url: str, pgbench: str, scripts: list[Path], planted: Planted, seconds: int) -> float:
    """The vectors travel as parameters: as pgbench's variables, one for each script."""
    from documents.searching.planning import LEAST_CANDIDATES

    command = [pgbench, "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j2", "-T", str(seconds)]
    for number, script in enumerate(scripts):
        command += ["-f", str(script), "-D", f"v{number}={text(planted.queries[number])}"]
    options = {**os.environ, "PGOPTIONS": f"-c hnsw.ef_search={LEAST_CANDIDATES}"}
    run = subprocess.run([*command, url], capture_output=True, text=True, check=False, env=options)
    found = re.search(r"^tps = ([\d.]+)", run.stdout, re.MULTILINE)
    if not found:
        raise SystemExit(f"pgbench failed: {run.stdout[-2000:]}{run.stderr[-2000:]}")
    return float(found[1])


def scripts_of(url: str, folder: Path, dimensions: int, *, documents: bool) -> list[Path]:
    import psycopg

    with psycopg.connect(url) as database:
        row = database.execute("SELECT namespace_id, id FROM namespaces_collection").fetchone()
    assert row is not None
    namespace, collection = row
    written = []
    for number in range(SCRIPTS):
        near = (
            f"SELECT f.document_id, f.embedding::vector({dimensions}) <=> :v{number}::vector AS distance FROM documents_feature f"
            f" WHERE f.collection_id = {collection} AND f.name = '{NAME}' AND f.kind = 'dense'"
            f" AND vector_dims(f.embedding) = {dimensions} ORDER BY distance LIMIT 10"
        )
        with_documents = (
            f"SELECT d.document_id, d.payload::text, d.created_at, d.updated_at, d.version, n.distance FROM ({near}) n"
            f" JOIN documents_document d ON d.namespace_id = {namespace} AND d.id = n.document_id ORDER BY n.distance"
        )
        file = folder / f"{'documents' if documents else 'ids'}_{number}.sql"
        file.write_text(f"{with_documents if documents else near};\n")
        written.append(file)
    return written


def speeds(url: str, planted: Planted, dimensions: int, workers: int, seconds: int, repeats: int) -> None:
    pgbench = find_pgbench()
    with tempfile.TemporaryDirectory() as temporary, server(url, workers) as port:
        folder = Path(temporary)
        bodies = [json.dumps({"vector": vector.tolist(), "limit": 10}) for vector in planted.queries]
        (folder / "search.bodies").write_text("\n".join(bodies) + "\n")
        path = f"/v1/collections/{COLLECTION}/documents/search"
        (folder / "search.lua").write_text(LUA % {"bodies": folder / "search.bodies", "key": KEY, "path": path})
        measures: dict[str, Callable[[int], float]] = {
            "HTTP, ten whole documents": partial(http_speed, port, folder),
            "raw: ids and distances": partial(
                sql_speed, url, pgbench, scripts_of(url, folder, dimensions, documents=False), planted
            ),
            "raw: with the documents": partial(
                sql_speed, url, pgbench, scripts_of(url, folder, dimensions, documents=True), planted
            ),
        }
        turns: dict[str, list[float]] = {name: [] for name in measures}
        for measure in measures.values():
            measure(2)
        for _ in range(repeats):
            for name, measure in measures.items():
                turns[name].append(measure(seconds))
        medians = {name: statistics.median(found) for name, found in turns.items()}
        http = next(iter(medians.values()))
        print(f"\nmedians of {repeats} runs of {seconds} s, {CONNECTIONS} connections")
        for name, median in medians.items():
            print(f"{name:28} {median:8,.0f}/s   raw / HTTP {median / http:5.2f}   HTTP / raw {http / median:5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--queries", type=int, default=30, help="of each line of the table")
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-recall", action="store_true")
    parser.add_argument("--no-speed", action="store_true")
    options = parser.parse_args()
    if not options.no_speed and not shutil.which("wrk"):
        raise SystemExit("wrk was not found (Debian: apt-get install wrk).")
    with scratch_database() as url:
        print(f"Planting {options.vectors:,} vectors of {options.dimensions} dimensions ...", flush=True)
        planted = plant(options.vectors, options.dimensions, options.queries)
        load(url, planted, options.dimensions)
        with product_at(url):
            build()
            if not options.no_recall:
                recalls(planted)
        if not options.no_speed:
            speeds(url, planted, options.dimensions, options.workers, options.seconds, options.repeats)


if __name__ == "__main__":
    main()
