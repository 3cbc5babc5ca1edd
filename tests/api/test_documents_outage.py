"""A database that is gone, frozen or comes back (contract section 2): a server and a PostgreSQL of one's own, to break."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg
import pytest

from tests.api.racing import Racer, Reply, at_once
from tests.cast import Api
from tests.project.installation import ACCOUNTS, Installation, short_directory, wait_for
from tests.server import free_port


@dataclass
class Site:
    installation: Installation
    racer: Racer
    path: str  # of the documents of one collection

    def call(self, method: str, suffix: str = "", body: Any = None) -> Reply:
        return self.racer.call(method, self.path + suffix, body)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """PostgreSQL's processes stopped: they accept connections and never answer."""
        server = psutil.Process(self.installation.server_pid())
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def end_sessions(self) -> None:
        with self.installation.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def works(self) -> bool:
        """Whether a new session can be had and the server answers (old sessions outlive a killed server for a moment)."""
        try:
            self.installation.connect().close()
            return self.call("GET").status == 200
        except (OSError, psycopg.OperationalError):
            return False


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    directory = short_directory()
    made = Installation(ACCOUNTS[0], directory / "data", environment={"DJANGO_SETTINGS_MODULE": "mixpeek_site.settings"})
    made.make_data_dir()
    try:
        for command in (("migrate",), ("create_organization", "acme"), ("create_namespace", "library")):
            assert made.manage(*command).returncode == 0
        key = made.manage("create_api_key", "tests", "--permission", "ADMIN").stdout.split()[-1]
        port = free_port()
        made.start("serve", "--port", str(port), "--workers", "1", "--threads", "2")
        site = Site(made, Racer([f"http://127.0.0.1:{port}"], Api(key, "library")), "")
        wait_for(lambda: answers(lambda: site.racer.call("GET", "/v1/health/liveness").status == 200), 30)
        extractor = {"feature_extractor_name": "e", "version": "v1"}
        source = {"type": "bucket", "bucket_ids": ["bkt_1"]}
        body = {"collection_name": "frames", "source": source, "feature_extractor": extractor}
        assert site.racer.call("POST", "/v1/collections", body).status == 200
        site.path = "/v1/collections/frames/documents"
        yield site
    finally:
        made.end()
        shutil.rmtree(directory, ignore_errors=True)


def answers(call: Callable[[], bool]) -> bool:
    try:
        return call()
    except OSError:
        return False


REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("GET", "/doc_kept", None),
    ("POST", "", {"a": 1}),
    ("POST", "", {"source_document_id": "doc_kept"}),
    ("PUT", "/doc_kept", {"a": 1}),
    ("PUT", "/doc_kept", {"source_document_id": "doc_other"}),
    ("PATCH", "/doc_kept", {"a": 1}),
    ("PATCH", "/doc_kept", {"source_document_id": "doc_another"}),
    ("GET", "/doc_kept/lineage", None),
    ("POST", "/list", {}),
    ("DELETE", "/doc_nowhere?on_children=cascade", None),
    ("DELETE", "/doc_nowhere", None),
]


@pytest.fixture(autouse=True)
def _kept(site: Site) -> None:
    wait_for(site.works, 40)
    site.call("POST", "", {"document_id": "doc_kept"})


def assert_unavailable(reply: Reply, started: float) -> None:
    assert time.monotonic() - started < 5
    assert (reply.status, reply.body["error"]["type"]) == (503, "ServiceUnavailableError")
    assert int(reply.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [pytest.param(*one, marks=[pytest.mark.full] if number % 3 else []) for number, one in enumerate(REQUESTS)],
)
def test_a_connection_that_died_while_idle_costs_no_request(site: Site, method: str, suffix: str, body: Any) -> None:
    site.end_sessions()
    expected = 404 if method == "DELETE" else 200
    assert [site.call(method, suffix, body).status for _ in range(3)] == [expected] * 3


def test_without_a_database_every_route_is_503_and_recovers_by_itself(site: Site) -> None:
    assert site.installation.manage("postgres", "stop").returncode == 0
    for method, suffix, body in REQUESTS:
        started = time.monotonic()
        assert_unavailable(site.call(method, suffix, body), started)
    assert site.racer.call("GET", "/v1/health/liveness").status == 200
    assert site.installation.manage("postgres", "start").returncode == 0
    assert [site.call(*request).status for request in REQUESTS[:10]] == [200] * 10


@pytest.mark.parametrize(
    "request_", [REQUESTS[0], *(pytest.param(one, marks=pytest.mark.full) for one in (REQUESTS[3], REQUESTS[7]))]
)
def test_a_frozen_database_is_503_within_five_seconds(site: Site, request_: tuple[str, str, Any]) -> None:
    site.end_sessions()
    with site.frozen():
        started = time.monotonic()
        assert_unavailable(site.call(*request_), started)
    wait_for(site.works)


@pytest.mark.full
def test_a_statement_that_a_frozen_database_never_answers_is_given_up(site: Site) -> None:
    with site.frozen():
        started = time.monotonic()
        assert site.call("PATCH", "/doc_kept", {"a": 2}).status == 503
        assert time.monotonic() - started < 40
    wait_for(site.works)


def test_a_killed_database_costs_nothing_that_was_answered(site: Site) -> None:
    """Writers go on while the server is killed: each answer is 200 or 503, and what was 200 is there afterwards."""
    written: dict[str, int] = {}
    statuses: set[int] = set()

    def write(writer: int) -> None:
        for number in range(60):
            name = f"field_{writer}_{number}"
            reply = site.call("PATCH", "/doc_kept", {name: number})
            statuses.add(reply.status)
            if reply.status == 200:
                written[name] = number
            else:
                time.sleep(0.1)

    def kill() -> None:
        wait_for(lambda: len(written) > 5)
        os.kill(site.installation.server_pid(), signal.SIGKILL)

    at_once(lambda: write(1), lambda: write(2), kill)
    assert statuses <= {200, 503}
    assert written
    wait_for(site.works, 40)
    stored = site.call("GET", "/doc_kept").body
    assert {name: stored.get(name) for name in written} == written


def test_the_servers_log_counts_the_same_statements(site: Site) -> None:
    """The counts of test_documents_statements.py once more, as PostgreSQL itself saw them."""
    with site.installation.connect() as connection:
        for setting in ("log_statement = 'all'", "log_line_prefix = '%p|%a|'", "log_min_duration_statement = -1"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    log = site.installation.cluster.log
    for method, suffix, body, count in (
        ("GET", "/doc_kept", None, 1),
        ("PUT", "/doc_kept", {"a": 1}, 1),
        ("PATCH", "/doc_kept", {"a": 2}, 1),
        ("POST", "", {"a": 1}, 1),
        ("POST", "", {"source_document_id": "doc_kept"}, 2),
    ):
        site.call("GET")  # so that the key is known
        before = log.stat().st_size
        assert site.call(method, suffix, body).status == 200
        seen = [line for line in log.read_bytes()[before:].decode().splitlines() if "|mixpeek|LOG:  " in line]
        data = [line for line in seen if "pg_advisory_xact_lock" not in line and not line.endswith(("BEGIN", "COMMIT"))]
        assert len(data) == count, seen
