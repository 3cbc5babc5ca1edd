"""GET, PATCH, PUT and POST of a 1 KB document among 100,000, each beside hand-written SQL on the same rows and indexes.

    .venv/bin/python -m benchmarks.routes [--documents 100000] [--seconds 5] [--repeats 3] [--workers 2]

Makes a scratch database on the server that DATABASE_URL (or the embedded PostgreSQL) gives, serves the product from it
with `manage.py serve`, and loads it over HTTP with wrk (Debian: apt-get install wrk), 8 connections. The twin is pgbench
with prepared statements, 8 clients, on a table made LIKE the product's, indexes included, in the same database with the
same durability. Product and twin take turns; printed are the medians and their ratio, which is the result: an absolute
figure says more about the machine. The scratch database is dropped at the end.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 8
KEY = "sk_benchmark"
COLLECTION = "col_bench"


@contextmanager
def scratch_database() -> Iterator[str]:
    """A migrated database of its own; yields its DATABASE_URL."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixpeek_site.settings")
    import django

    django.setup()
    from django.db import connection

    name = f"bench_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')"
        )
        print("PostgreSQL {}, fsync {}, synchronous_commit {}".format(*cursor.fetchone()))
        cursor.execute(f'CREATE DATABASE "{name}"')
    settings = connection.settings_dict
    user = quote(settings["USER"] or "", safe="")
    password = f":{quote(settings['PASSWORD'], safe='')}" if settings["PASSWORD"] else ""
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    url = f"postgresql://{user}{password}@{quote(settings['HOST'] or '', safe='')}{port}/{name}"
    try:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True
        )
        yield url
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def load(url: str, documents: int) -> None:
    """Rows by COPY into the product's tables, then the twin's as a copy of them."""
    import hashlib

    import psycopg

    from benchmarks import workload
    from mixpeek_site import ids

    with psycopg.connect(url, autocommit=True) as database:
        database.execute(
            "INSERT INTO namespaces_organization (public_id, name) VALUES ('org_bench', 'bench');"
            "INSERT INTO namespaces_namespace (organization_id, public_id, name, config)"
            " SELECT id, 'ns_bench', 'bench', '{}' FROM namespaces_organization;"
            "INSERT INTO namespaces_collection (namespace_id, public_id, name, config, feature_extractor_id)"
            f" SELECT id, '{COLLECTION}', 'bench', '{{}}', '' FROM namespaces_namespace"
        )
        database.execute(
            "INSERT INTO namespaces_apikey (organization_id, name, digest, prefix, permission, namespace_patterns)"
            " SELECT id, 'bench', %s, 'sk_bench', 'ADMIN', '{}' FROM namespaces_organization",
            (hashlib.sha256(KEY.encode()).digest(),),
        )
        row = database.execute("SELECT namespace_id, id FROM namespaces_collection").fetchone()
        assert row is not None
        namespace, collection = row
        with (
            database.cursor() as cursor,
            cursor.copy(
                "COPY documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,"
                " source_blobs, document_blobs, version, created_at, updated_at) FROM STDIN"
            ) as copy,
        ):
            for number in range(documents):
                payload = workload.dumps({"metadata": workload.metadata(number)})
                name = workload.document_id(number)
                copy.write_row((ids.new_uuid7(), namespace, collection, name, payload, "{}", "{}", "[]", "[]", 1, "now", "now"))
        database.execute("CREATE TABLE twin_document (LIKE documents_document INCLUDING ALL)")
        database.execute("CREATE TABLE twin_lineage (LIKE documents_lineagestep INCLUDING ALL)")
        database.execute(
            "ALTER TABLE twin_document ADD FOREIGN KEY (namespace_id, collection_id)"
            " REFERENCES namespaces_collection (namespace_id, id)"
        )
        database.execute(
            "ALTER TABLE twin_lineage ADD FOREIGN KEY (id, namespace_id) REFERENCES twin_document (id, namespace_id)"
        )
        database.execute("INSERT INTO twin_document SELECT * FROM documents_document")
        database.execute("VACUUM ANALYZE")


def twin_scripts(url: str, documents: int) -> dict[str, str]:
    """pgbench scripts: what a DBA would write for the same effect. Parameters travel as they do from any client."""
    import psycopg

    from benchmarks import workload

    with psycopg.connect(url) as database:
        row = database.execute("SELECT namespace_id, id FROM namespaces_collection").fetchone()
    assert row is not None
    namespace, collection = row
    pick = f"\\set n random(0, {documents - 1})\n"
    where = f"namespace_id = {namespace} AND document_id = md5('document-' || :n) AND collection_id = {collection}"
    new = json.dumps({"metadata": workload.metadata(10_000_001)})  # a space after each colon: pgbench reads :name
    return {
        "GET": f"{pick}SELECT document_id, payload, created_at, updated_at, version FROM twin_document WHERE {where};\n",
        "PATCH": f"{pick}\\set t random(1, 1000000000)\n"
        "UPDATE twin_document SET payload = jsonb_set(payload, '{metadata,title}', to_jsonb('Changed ' || :t)),"
        f" version = version + 1, updated_at = clock_timestamp() WHERE {where} RETURNING payload, version, updated_at;\n",
        "PUT": f"{pick}UPDATE twin_document SET payload = '{new}', version = version + 1,"
        f" updated_at = clock_timestamp() WHERE {where} RETURNING payload, version, updated_at;\n",
        "POST": "WITH made AS (INSERT INTO twin_document (id, namespace_id, collection_id, document_id, payload,"
        " internal_metadata, system, source_blobs, document_blobs, version, created_at, updated_at)"
        f" VALUES (gen_random_uuid(), {namespace}, {collection}, gen_random_uuid()::text, '{new}',"
        " '{}', '{}', '[]', '[]', 1, clock_timestamp(), clock_timestamp()) RETURNING *), step AS ("
        "INSERT INTO twin_lineage (id, namespace_id, collection_id, source_type, source_object_id, root_object_id,"
        " root_bucket_id, path, tier, created_at) SELECT id, namespace_id, collection_id, 'bucket', 'obj_' || document_id,"
        f" 'obj_' || document_id, 'bkt_bench', 'bkt_bench/{COLLECTION}', 1, created_at FROM made)"
        " SELECT payload, version, created_at FROM made;\n",
    }


WRK_SCRIPT = """
local method, path = "%(method)s", "%(path)s"
local ids, bodies = {}, {}
for line in io.lines("%(ids)s") do ids[#ids + 1] = line end
for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
local headers = {["Authorization"] = "Bearer %(key)s", ["X-Namespace"] = "ns_bench", ["Content-Type"] = "application/json"}
function init() math.randomseed(os.time() + tonumber(tostring({}):match("0x(%%x+)") or "0", 16) %% 100000) end
function request()
  local body = nil
  if #bodies > 0 then body = bodies[math.random(#bodies)]:gsub("TITLE", math.random(1000000000)) end
  return wrk.format(method, (path:gsub("ID", ids[math.random(#ids)])), headers, body)
end
"""


def http_load(port: int, method: str, folder: Path, seconds: int) -> float:
    """Requests per second; stops at any failed request."""
    path = f"/v1/collections/{COLLECTION}/documents" + ("" if method == "POST" else "/ID")
    script = folder / f"{method}.lua"
    values = {"method": method, "path": path, "ids": folder / "ids", "bodies": folder / f"{method}.bodies", "key": KEY}
    script.write_text(WRK_SCRIPT % values)
    return http_requests(port, method, script, seconds)


def http_requests(port: int, name: str, script: Path, seconds: int) -> float:
    """Requests per second of a wrk script; stops at any failed request."""
    command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
    output = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"{name}: requests failed\n{output}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found, output
    return float(found[1])


def sql_load(url: str, pgbench: str, script: Path, seconds: int) -> float:
    """Transactions per second."""
    command = [pgbench, "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j2", "-T", str(seconds), "-f", str(script), url]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", run.stdout)
    if not found:
        raise SystemExit(f"pgbench failed: {run.stdout}{run.stderr}")
    return float(found[1])


@contextmanager
def server(url: str, workers: int) -> Iterator[int]:
    """`manage.py serve` on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health/liveness", timeout=2):
                break
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def write_bodies(folder: Path, documents: int) -> None:
    from benchmarks import workload

    (folder / "ids").write_text("".join(f"{workload.document_id(number)}\n" for number in range(documents)))
    news = range(10_000_000, 10_002_000)
    (folder / "GET.bodies").write_text("")
    (folder / "PATCH.bodies").write_text('{"metadata":{"title":"Changed TITLE"}}\n')
    (folder / "PUT.bodies").write_text("".join(workload.dumps({"metadata": workload.metadata(n)}) + "\n" for n in news))
    (folder / "POST.bodies").write_text("".join(workload.dumps(workload.body(n)) + "\n" for n in news))


def find_pgbench() -> str:
    """The one on the PATH, else the embedded server's."""
    from mixpeek_site.embedded import binaries

    return shutil.which("pgbench") or str(binaries.directory() / "pgbench")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk was not found (Debian: apt-get install wrk).")
    pgbench = find_pgbench()
    with scratch_database() as url, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        print(f"Loading {options.documents} documents ...", flush=True)
        load(url, options.documents)
        write_bodies(folder, options.documents)
        scripts = twin_scripts(url, options.documents)
        with server(url, options.workers) as port:
            print(f"medians of {options.repeats} runs of {options.seconds} s, {CONNECTIONS} connections")
            print(f"{'route':6} {'HTTP req/s':>12} {'raw SQL tps':>12} {'ratio':>7}")
            for method, script in scripts.items():
                file = folder / f"{method}.sql"
                file.write_text(script)
                turns: dict[str, list[float]] = {"http": [], "sql": []}
                measures: dict[str, Callable[[int], float]] = {
                    "http": partial(http_load, port, method, folder),
                    "sql": partial(sql_load, url, pgbench, file),
                }
                for measure in measures.values():
                    measure(1)
                for _ in range(options.repeats):
                    for side, measure in measures.items():
                        turns[side].append(measure(options.seconds))
                http, raw = statistics.median(turns["http"]), statistics.median(turns["sql"])
                print(f"{method:6} {http:12,.0f} {raw:12,.0f} {http / raw:7.2f}", flush=True)


if __name__ == "__main__":
    main()
