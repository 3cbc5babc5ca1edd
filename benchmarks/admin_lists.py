"""Pages of the admin's lists among 10,000 and 1,000,000 documents: what each costs at the larger size beside the smaller.

    .venv/bin/python -m benchmarks.admin_lists [--sizes 10000,1000000] [--repeats 15] [--only TEXT]

For each size a scratch database is made on the server that DATABASE_URL (or the embedded PostgreSQL) gives, filled as
benchmarks/scale.py says, and dropped at the end. A superuser asks through Django's test client, in this process: from the
request to the page. Printed are milliseconds (shortest and median; the shortest that its own SQL took, which is what could
grow), the statements of a page, its rows, and at the end the ratios of the shortest times, which say more on a machine that
is busy with other things.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

from benchmarks.routes import scratch_database
from benchmarks.scale import COMMON_WORD, RARE_WORD, Place, document_id, fill, product_at

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

    row = sql.one(
        "SELECT d.created_at::text, d.id::text, (d.created_at - interval '15 days')::date::text,"
        " (d.created_at + interval '15 days')::date::text FROM documents_document d WHERE d.namespace_id = %s"
        " AND d.document_id = %s",
        (place.namespace_id, document_id(place.documents // 2)),
    )
    assert row is not None
    created, key, since, until = row

    def documents(**query: Any) -> str:
        given = {"namespace": place.namespace_id, **query}
        return f"documents/document/?{urlencode(given)}"

    collection = place.collection_id
    root = f"obj_{place.documents // 20}_0"
    return {
        "all namespaces": documents(namespace=""),
        "lineage steps": "documents/lineagestep/",
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
        "a month": documents(**{"from": since, "until": until}),
        "a month and status": documents(**{"from": since, "until": until}, status="COMPLETED"),
        "id": documents(q=document_id(place.documents // 2)),
        "id's beginning": documents(q=document_id(place.documents // 2)[:-2]),
        "id's beginning and status": documents(q=document_id(place.documents // 2)[:-2], status="FAILED"),
        "id, all namespaces": documents(namespace="", q=document_id(place.documents // 2)),
        "JSON, declared": documents(filters='{"field": "metadata.year", "operator": "gte", "value": 2000}'),
        "words, rare": documents(text=RARE_WORD),
        "words, 1 %": documents(text=COMMON_WORD),
    }


def measure(place: Place, repeats: int, only: str) -> dict[str, Cost]:
    from django.contrib.auth.models import User
    from django.test import Client

    from namespaces import services as namespaces

    namespaces.create_namespace(organization_id=place.organization_id, name="another")  # or the only one would be chosen
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("bench"))
    found: dict[str, Cost] = {}
    print(f"{'page':26} {'shortest ms':>11} {'median':>9} {'in SQL':>9} {'statements':>10} {'rows':>5}")
    for name, path in pages(place).items():
        if only not in name:
            continue

        def ask(path: str = path) -> str:
            response = client.get(f"/admin/{path}")
            if response.status_code != 200:
                raise SystemExit(f"{path}: {response.status_code}")
            return response.content.decode()

        body = ask()
        with watched() as sql:
            times, in_sql = [], []
            for _ in range(repeats):
                sql.clear()
                times.append(_timed(ask))
                in_sql.append(sum(sql))
        rows = body.count('<th scope="row"') or body.count("field-shown_id")
        found[name] = Cost(min(times), statistics.median(times), min(in_sql), _statements(ask), rows)
        print("{:26} {:11.1f} {:9.1f} {:9.1f} {:10} {:5}".format(name, *found[name]), flush=True)
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
            place = fill(url, size)
            with product_at(url):
                found.append(measure(place, asked.repeats, asked.only))
    for (small, smaller), (large, larger) in zip(
        zip(sizes, found, strict=True), list(zip(sizes, found, strict=True))[1:], strict=False
    ):
        print(f"\n{large:,} beside {small:,} documents, shortest times")
        for name, cost in larger.items():
            ratio = cost.shortest / smaller[name].shortest
            more = cost.in_sql - smaller[name].in_sql
            print(f"{name:26} {ratio:6.2f}  SQL {more:+7.1f} ms{'' if ratio <= AT_MOST else f'  more than {AT_MOST}'}")


if __name__ == "__main__":
    main()
