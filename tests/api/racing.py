"""Requests at the same moment, to two real server processes."""

import http.client
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import simplejson

from mixpeek_site import jsonio
from tests.cast import Api


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Racer:
    """A client of several servers, used in turn; each call has a connection of its own."""

    servers: Sequence[str]
    api: Api
    turn: Any = field(default_factory=itertools.count)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        server = urlsplit(self.servers[next(self.turn) % len(self.servers)])
        connection = http.client.HTTPConnection(server.netloc, timeout=60)
        sent = {"Authorization": f"Bearer {self.api.token}", "X-Namespace": str(self.api.namespace)}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, None if body is None else jsonio.dumps(body).encode(), sent)
            response = connection.getresponse()
            content = response.read()
            return Reply(response.status, dict(response.headers), simplejson.loads(content) if content else None)
        finally:
            connection.close()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The results of calls made in a thread each, released together; the first exception is raised."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        barrier.wait(30)
        try:
            results[number] = calls[number]()
        except (Exception, SystemExit) as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a call did not come back within two minutes"
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
