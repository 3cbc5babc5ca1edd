"""Pages of the admin's lists among 10,000 and 1,000,000 documents: what each costs at the larger size beside the smaller.

    .venv/bin/python -m benchmarks.admin_lists [--sizes 10000,1000000] [--repeats 15] [--only TEXT]

For each size a scratch database is made on the server that DATABASE_URL (or the embedded PostgreSQL) gives, filled as
benchmarks/scale.py says (a tenth of the documents has one root), and dropped at the end. A superuser asks through Django's
test client, in this process: from the request to the page; the API's lists are asked likewise, by a key. Printed are
milliseconds (shortest and median; the shortest that its own SQL took, which is what could grow), the statements of a page,
its rows, and at the end the ratios of the shortest times, which say more on a machine that is busy with other things.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

from benchmarks.routes import KEY, scratch_database
from benchmarks.scale import COLLECTION, COMMON_WORD, LARGE_ROOT, NAMESPACE, RARE_WORD, Place, document_id, fill, product_at
from benchmarks.workload import WORDS

AT_MOST = 1.5


class Cost(NamedTuple):
    shortest: float
    median: float
    in_sql: float
    statements: int
    rows: int


def pages(place: Place) -> dict[str, str]:
    """Addresses below /admin/ by what they show."""
    from mixpeek_site import sql

    def around(number: int) -> sql.Row:
        row = sql.one(
            "SELECT d.created_at::text, d.id::text, (d.created_at - interval '15 days')::date::text,"
            " (d.created_at + interval '15 days')::date::text FROM documents_document d WHERE d.namespace_id = %s"
            " AND d.document_id = %s",
            (place.namespace_id, document_id(number)),
        )
        assert row is not None
        return row

    created, key, since, until = around(place.documents // 2)
    after_a_fifth, early = "~".join(around(place.documents // 5)[:2]), around(place.documents // 5)[2]

    def documents(**query: Any) -> str:
        given = {"namespace": place.namespace_id, **query}
        return f"documents/document/?{urlencode(given)}"

    collection = place.collection_id
    root = f"obj_{place.documents // 20}_0"
    return {
        "all namespaces": documents(namespace=""),
        "collections": f"namespaces/collection/?namespace={place.namespace_id}",
        "namespace": documents(),
        "collection": documents(collection=collection),
        "collection, half way": documents(collection=collection, after=f"{created}~{key}"),
        "by change": documents(collection=collection, sort="-updated"),
        "status, common": documents(status="COMPLETED"),
        "status, rare": documents(status="FAILED"),
        "status, absent": documents(status="ARCHIVED"),
        "status of a collection": documents(collection=collection, status="FAILED"),
        "root object": documents(root=root),
        "root object and status": documents(root=root, status="COMPLETED"),
        "large root": documents(root=LARGE_ROOT),
        "large root, oldest first": documents(root=LARGE_ROOT, sort="created"),
        "large root, half way": documents(root=LARGE_ROOT, after=after_a_fifth),
        "large root of a collection": documents(root=LARGE_ROOT, collection=collection),
        "large root and status": documents(root=LARGE_ROOT, status="COMPLETED"),
        "large root, from a month on": documents(root=LARGE_ROOT, **{"from": early}),
        "a month": documents(**{"from": since, "until": until}),
        "a month and status": documents(**{"from": since, "until": until}, status="COMPLETED"),
        "id": documents(q=document_id(place.documents // 2)),
        "id's beginning": documents(q=document_id(place.documents // 2)[:-2]),
        "id's beginning and status": documents(q=document_id(place.documents // 2)[:-2], status="FAILED"),
        "id, all namespaces": documents(namespace="", q=document_id(place.documents // 2)),
        "JSON, declared": documents(filters='{"field": "metadata.year", "operator": "gte", "value": 2000}'),
        "words, rare": documents(text=RARE_WORD),
        "words, 1 %": documents(text=COMMON_WORD),
        "words, 1 %, of a collection": documents(text=COMMON_WORD, collection=collection),
        "words, in most": documents(text=WORDS[0]),
    }


def lists() -> dict[str, tuple[str, dict[str, Any]]]:
    """Lists of the API by what they ask for: path and body."""
    root = {"filters": {"field": "root_object_id", "value": LARGE_ROOT}, "limit": 50}
    newest = {"sort": {"field": "created_at", "direction": "desc"}}
    return {
        "API, large root": ("/v1/documents/list", root),
        "API, large root, newest": ("/v1/documents/list", root | newest),
        "API, large root, collection": (f"/v1/collections/{COLLECTION}/documents/list", root | newest),
        "API, root and status": (
            "/v1/documents/list",
            root | newest | {"filters": {"AND": [root["filters"], {"internal_metadata.ingestion_status": "completed"}]}},
        ),
    }


def measure(place: Place, repeats: int, only: str) -> dict[str, Cost]:
    from django.contrib.auth.models import User
    from django.test import Client

    from namespaces import services as namespaces

    namespaces.create_namespace(organization_id=place.organization_id, name="another")  # or the only one would be chosen
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("bench"))
    found: dict[str, Cost] = {}
    print(f"{'page':28} {'shortest ms':>11} {'median':>9} {'in SQL':>9} {'statements':>10} {'rows':>5}")

    def page(path: str) -> str:
        response = client.get(f"/admin/{path}")
        if response.status_code != 200:
            raise SystemExit(f"{path}: {response.status_code}")
        return response.content.decode()

    key = {"Authorization": f"Bearer {KEY}", "X-Namespace": NAMESPACE}

    def answer(path: str, body: dict[str, Any]) -> str:
        response = client.post(path, body, content_type="application/json", headers=key)
        if response.status_code != 200:
            raise SystemExit(f"{path}: {response.status_code} {response.content.decode()[:500]}")
        return response.content.decode()

    asked: dict[str, Callable[[], str]] = {name: partial(page, path) for name, path in pages(place).items()}
    asked |= {name: partial(answer, *given) for name, given in lists().items()}
    for name, ask in asked.items():
        if only not in name:
            continue
        body = ask()
        with watched() as sql:
            times, in_sql = [], []
            for _ in range(repeats):
                sql.clear()
                times.append(_timed(ask))
                in_sql.append(sum(sql))
        rows = body.count('<th scope="row"') or body.count("field-shown_id") or body.count('"document_id"')
        found[name] = Cost(min(times), statistics.median(times), min(in_sql), _statements(ask), rows)
        print("{:28} {:11.1f} {:9.1f} {:9.1f} {:10} {:5}".format(name, *found[name]), flush=True)
    return found


def _timed(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


@contextmanager
def watched() -> Iterator[list[float]]:
    """Milliseconds of every hand-written statement."""
    from mixpeek_site import sql

    took: list[float] = []
    run = sql.run

    def timed(statement: str, params: Any = ()) -> Any:
        began = time.perf_counter()
        try:
            return run(statement, params)
        finally:
            took.append((time.perf_counter() - began) * 1000)

    sql.run = timed
    try:
        yield took
    finally:
        sql.run = run


def _statements(ask: Callable[[], Any]) -> int:
    """Of a page, the ORM's too, without those of session and user."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with watched() as own, CaptureQueriesContext(connection) as captured:
        ask()
    tables = ("django_session", '"auth_user"', "SAVEPOINT")
    return len(own) + len([query for query in captured if not any(table in query["sql"] for table in tables)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Pages of the admin's lists at two sizes.")
    parser.add_argument("--sizes", default="10000,1000000")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", default="", help="pages whose name holds this")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    found: list[dict[str, Cost]] = []
    for size in sizes:
        with scratch_database() as url:
            place = fill(url, size, large_root=True)
            with product_at(url):
                found.append(measure(place, asked.repeats, asked.only))
    for (small, smaller), (large, larger) in zip(
        zip(sizes, found, strict=True), list(zip(sizes, found, strict=True))[1:], strict=False
    ):
        print(f"\n{large:,} beside {small:,} documents, shortest times")
        for name, cost in larger.items():
            ratio = cost.shortest / smaller[name].shortest
            more = cost.in_sql - smaller[name].in_sql
            print(f"{name:28} {ratio:6.2f}  SQL {more:+7.1f} ms{'' if ratio <= AT_MOST else f'  more than {AT_MOST}'}")


if __name__ == "__main__":
    main()
