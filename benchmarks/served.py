"""What clients of the served product feel with a large collection (benchmarks/scale.py): answers, and each other."""

import http.client
import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, NamedTuple

from benchmarks import workload
from benchmarks.routes import KEY, server
from benchmarks.scale import COLLECTION, NAMESPACE, Place, document_id

DOCUMENTS = f"/v1/collections/{COLLECTION}/documents"
LIST = f"{DOCUMENTS}/list"
BESIDE_SECONDS = 10.0
WORKERS = 2


class Answer(NamedTuple):
    status: int
    body: bytes
    milliseconds: float

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection, kept."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._headers = {"Authorization": f"Bearer {KEY}", "X-Namespace": NAMESPACE, "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        began = time.perf_counter()
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        response = self._connection.getresponse()
        content = response.read()
        return Answer(response.status, content, (time.perf_counter() - began) * 1000)

    def must(self, method: str, path: str, body: Any = None) -> Answer:
        answer = self.ask(method, path, body)
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.body[:500]!r}")
        return answer


def p(latencies: list[float], share: float) -> float:
    return sorted(latencies)[min(int(len(latencies) * share), len(latencies) - 1)]


def _said(name: str, latencies: list[float]) -> str:
    return f"{name:34} {len(latencies):7,} requests  p50 {p(latencies, 0.5):8.2f} ms  p99 {p(latencies, 0.99):8.2f} ms"


# Answers ---------------------------------------------------------------------------------------------------------------


def answers(url: str, place: Place, repeats: int) -> None:
    newest = {"sort": {"field": "created_at", "direction": "desc"}, "limit": 50}
    asked: dict[str, tuple[str, Any]] = {
        "site = common": (LIST, {**newest, "filters": {"metadata.site": "site-07"}}),
        "site = rare": (LIST, {**newest, "filters": {"metadata.site": "site-rare"}}),
        "site = absent": (LIST, {**newest, "filters": {"metadata.site": "site-none"}}),
        "page 1": (LIST, {"limit": 50}),
        "by year asc": (LIST, {"limit": 50, "sort": {"field": "metadata.year"}}),
        "count": (f"{DOCUMENTS}/count", {}),
        "page of 1,000": (LIST, {"limit": 1000}),
        "batch-get of 1,000": (
            "/v1/documents/batch-get",
            {"document_ids": [document_id(n * max(place.documents // 1000, 1)) for n in range(min(place.documents, 1000))]},
        ),
    }
    with server(url, WORKERS) as port:
        client = Client(port)
        print(f"\n{'over HTTP, one client':28} {'ms':>9} {'p90':>9} {'kB':>9} {'MB/s':>7}")
        for name, (path, body) in asked.items():
            taken = [client.must("POST", path, body) for _ in range(repeats + 10)][10:]
            median = statistics.median(answer.milliseconds for answer in taken)
            p90 = p([answer.milliseconds for answer in taken], 0.9)
            size = len(taken[0].body)
            print(f"{name:28} {median:9.2f} {p90:9.2f} {size / 1000:9.1f} {size / median / 1000:7.1f}", flush=True)


# Others that ask meanwhile -----------------------------------------------------------------------------------------------


class Beside:
    """Clients that each send their requests one after another, until told to end; latencies by kind."""

    def __init__(self, port: int, kinds: dict[str, Callable[[Client, Random], Any]]) -> None:
        self.latencies: dict[str, list[float]] = {kind: [] for kind in kinds}
        self._ended = threading.Event()
        self._faults: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._work, args=(Client(port), kind, ask, Random(number)))
            for number, (kind, ask) in enumerate(kinds.items())
        ]

    def _work(self, client: Client, kind: str, ask: Callable[[Client, Random], Any], chance: Random) -> None:
        try:
            while not self._ended.is_set():
                began = time.perf_counter()
                ask(client, chance)
                self.latencies[kind].append((time.perf_counter() - began) * 1000)
        except BaseException as error:
            self._faults.append(error)

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()
        if self._faults:
            raise self._faults[0]


def _get(place: Place) -> Callable[[Client, Random], Any]:
    return lambda client, chance: client.must("GET", f"{DOCUMENTS}/{document_id(chance.randrange(place.documents))}")


def hostile(url: str, place: Place, turns: int = 3) -> None:
    """p99 of GETs without and with them, by turns. Demanded: it at most doubles."""
    ended: list[Answer] = []
    groups: list[Answer] = []

    def regex(client: Client, chance: Random) -> None:
        filters = {"field": "metadata.text", "operator": "regex", "value": r"(.*)(.*)(.*)(.*)\1\2\3\4!"}
        ended.append(client.ask("POST", LIST, {"filters": filters, "limit": 50}))

    def group(client: Client, chance: Random) -> None:
        groups.append(client.ask("POST", LIST, {"group_by": "metadata.serial", "limit": 10}))

    gets: dict[str, list[float]] = {"without": [], "with": []}
    with server(url, WORKERS) as port:
        for _ in range(turns):
            for side in gets:
                kinds: dict[str, Callable[[Client, Random], Any]] = {"GET": _get(place)}
                if side == "with":
                    kinds |= {"regex": regex, "group": group}
                beside = Beside(port, kinds)
                with beside.running():
                    time.sleep(BESIDE_SECONDS)
                gets[side] += beside.latencies["GET"]
    print()
    for side, latencies in gets.items():
        print(_said(f"GET {side} hostile questions", latencies))
    ratio = p(gets["with"], 0.99) / p(gets["without"], 0.99)
    print(f"p99 with / without {ratio:.2f}")
    for name, found in (("regex", ended), ("group_by a unique field", groups)):
        statuses = sorted({answer.status for answer in found})
        print(f"{name:34} {len(found):7,} answers {statuses}  p50 {p([answer.milliseconds for answer in found], 0.5):8.0f} ms")


# Writes of many ----------------------------------------------------------------------------------------------------------

UPDATED = [f"kind-{number:02d}" for number in range(5)]
DELETED = [f"kind-{number:02d}" for number in range(5, 10)]


def _kinds(kinds: list[str]) -> dict[str, Any]:
    return {"field": "metadata.kind", "operator": "in", "value": kinds}


def writes(url: str, place: Place) -> None:
    """A tenth of the collection updated and a tenth deleted, each in one request; then the end of the collection."""
    numbers = itertools.count(500_000_000)

    def create(client: Client, chance: Random) -> None:
        client.must("POST", DOCUMENTS, {"metadata": {**workload.metadata(next(numbers)), "kind": "kind-new"}})

    def patch(client: Client, chance: Random) -> None:
        while workload.metadata(number := chance.randrange(place.documents))["kind"] < "kind-10":
            pass
        client.must("PATCH", f"{DOCUMENTS}/{document_id(number)}", {"metadata": {"title": f"Changed {chance.random()}"}})

    singles: dict[str, Callable[[Client, Random], Any]] = {"create": create, "patch": patch}
    update = {"filters": _kinds(UPDATED), "update_data": {"metadata": {"reviewed": True}}}
    with server(url, WORKERS) as port:
        client = Client(port)
        count = client.must("POST", f"{DOCUMENTS}/count", {}).json()["count"]
        print(f"\n{count:,} documents")
        alone = Beside(port, singles)
        with alone.running():
            time.sleep(BESIDE_SECONDS)
        for name, method, body in (("update", "POST", update), ("delete", "DELETE", {"filters": _kinds(DELETED)})):
            beside = Beside(port, singles)
            with beside.running():
                answer = client.must(method, f"{DOCUMENTS}/batch", body)
            touched = answer.json()[f"{name}d_count"]
            print(f"{name} of {touched:,} documents in one request: {answer.milliseconds / 1000:.1f} s")
            for kind, latencies in beside.latencies.items():
                if latencies:
                    print(_said(f"  {kind} alone", alone.latencies[kind]))
                    print(f"{_said(f'  {kind} beside it', latencies)}  longest {max(latencies):,.0f} ms")
        answer = client.must("POST", f"{DOCUMENTS}/count", {"filters": _kinds(UPDATED)})
        print(f"count of what was updated: {answer.json()['count']:,} in {answer.milliseconds:.0f} ms")
        _collection_ends(client, port, place)


def _collection_ends(client: Client, port: int, place: Place) -> None:
    other = "/v1/collections/col_other1/documents"
    whole = client.must("POST", f"{other}/count", {}).json()["count"]

    def first_page(client: Client, chance: Random) -> None:
        client.must("POST", f"{other}/list", {"limit": 10})

    alone = Beside(port, {"list": first_page})
    with alone.running():
        time.sleep(BESIDE_SECONDS / 2)
    gone = client.must("DELETE", f"/v1/collections/{COLLECTION}")
    after = client.ask("POST", f"{DOCUMENTS}/count", {})
    everywhere = client.must("POST", "/v1/documents/list", {"limit": 1, "include_total": True})
    print(
        f"delete of the collection: {gone.milliseconds:.1f} ms; its count then {after.status};"
        f" the namespace holds {everywhere.json()['total_documents']:,} ({everywhere.milliseconds:.1f} ms)"
    )
    if after.status != 404 or client.must("POST", f"{other}/count", {}).json()["count"] != whole:
        raise SystemExit("The collection is still there, or another has lost documents.")
    beside = Beside(port, {"list": first_page})
    with beside.running():
        time.sleep(BESIDE_SECONDS)
    print(_said("  list of another alone", alone.latencies["list"]))
    print(_said("  … while the rows are purged", beside.latencies["list"]))
