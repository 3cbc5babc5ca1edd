"""`manage.py serve`: many requests in flight, none lost at the end, and nothing left behind or down for long."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.project.installation import Installation, finished, lives, wait_for


class Served:
    def __init__(self, here: Installation, port: int, process: "subprocess.Popen[str]") -> None:
        self.here, self.port, self.process = here, port, process
        # A connection for each request, so that any worker may get it.
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=30, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def worker(self) -> int:
        """The process id of one that answers."""
        return int(self.get("/pid").text)

    def answers(self, path: str = "/pid", seconds: float = 30) -> bool:
        """Within so many seconds: who connects while it ends may be refused, or left waiting until it has ended."""
        try:
            return self.client.get(path, timeout=seconds).status_code == 200
        except httpx.TransportError:
            return False

    def begun(self, what: str) -> int:
        """How many requests of a kind were begun: "held" or "counted" (bare_application.py)."""
        file = self.here.data_dir / what
        return file.stat().st_size if file.exists() else 0

    def release(self) -> None:
        """What is held is answered from now on."""
        (self.here.data_dir / "released").touch()

    def descendants(self) -> list[psutil.Process]:
        """Its processes, without the embedded server, which is to outlive it."""
        return [one for one in psutil.Process(self.process.pid).children(recursive=True) if not _is_postgres(one)]


@pytest.fixture
def served(anywhere: Installation) -> Iterator[Served]:
    with serving(anywhere) as one:
        yield one


@contextlib.contextmanager
def serving(here: Installation, *arguments: str, port: int | None = None) -> Iterator[Served]:
    port = port or free_port()
    process = here.start("serve", "--port", str(port), *arguments)
    one = Served(here, port, process)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert f"Serving on http://127.0.0.1:{port} " in line, line + finished(process).stdout
        yield one
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)


def test_it_starts_the_embedded_server_and_says_one_line_with_the_url(served: Served) -> None:
    assert served.get("/database").text == "from the database"
    served.process.terminate()
    assert finished(served.process).stdout == ""


def test_eight_slow_requests_run_at_once_and_a_quick_one_beside_them(anywhere: Installation) -> None:
    with serving(anywhere, "--workers", "1") as served, ThreadPoolExecutor(9) as pool:
        # Seven, so that the quick one has a thread even if all are with one worker; the eighth slow one comes after it.
        slow = [pool.submit(served.get, "/held") for _ in range(7)]
        wait_for(lambda: served.begun("held") == 7)
        assert served.answers()
        slow.append(pool.submit(served.get, "/held"))
        wait_for(lambda: served.begun("held") == 8)
        served.release()
        assert {one.result().status_code for one in slow} == {200}


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.full)])
def test_a_signal_finishes_the_requests_in_flight_and_takes_no_new_ones(served: Served, number: signal.Signals) -> None:
    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(served.get, "/held") for _ in range(8)]
        wait_for(lambda: served.begun("held") == 8)
        descendants = served.descendants()
        served.process.send_signal(number)
        wait_for(lambda: not served.answers(seconds=1))
        assert not any(one.done() for one in slow)
        served.release()
        assert {one.result().status_code for one in slow} == {200}
    assert finished(served.process).returncode == 0
    wait_for(lambda: not any(map(lives, descendants)))


@pytest.mark.full
def test_ctrl_c_in_a_terminal_which_reaches_every_process_does_the_same(anywhere: Installation) -> None:
    port = free_port()
    process = anywhere.start("serve", "--port", str(port), start_new_session=True)
    served = Served(anywhere, port, process)
    wait_for(served.answers)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(served.get, "/held")
        wait_for(lambda: served.begun("held") == 1)
        os.killpg(process.pid, signal.SIGINT)
        wait_for(lambda: not served.answers(seconds=1))
        served.release()
        assert slow.result().status_code == 200
    done = finished(process)
    assert done.returncode == 0
    assert "Traceback" not in done.stdout


@pytest.mark.full
def test_every_request_that_was_begun_when_it_ends_is_answered(served: Served) -> None:
    def ask() -> int:
        answered = 0
        while True:
            try:
                answered += served.get("/counted").status_code == 200
            except httpx.ConnectError:  # refused: the server is gone
                return answered
            except httpx.RemoteProtocolError:  # connected, but its request was not read any more
                continue

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask) for _ in range(8)]
        time.sleep(1)
        served.process.terminate()
        answered = sum(one.result() for one in asking)
    assert served.begun("counted") == answered > 100


def test_a_worker_that_dies_is_replaced(served: Served) -> None:
    kill_a_worker(served)
    assert served.process.poll() is None


@pytest.mark.full
def test_workers_that_die_again_and_again_are_replaced_each_time(served: Served) -> None:
    for _ in range(4):  # granian by itself gives up at the second death within seconds
        kill_a_worker(served)
    assert served.process.poll() is None


def test_killing_serve_leaves_no_worker_and_a_free_port(served: Served) -> None:
    descendants = served.descendants()
    served.process.kill()
    wait_for(lambda: not any(map(lives, descendants)))
    with serving(served.here, port=served.port) as again:
        assert again.answers()


def test_a_port_in_use_is_said_so(served: Served) -> None:
    done = served.here.manage("serve", "--port", str(served.port))
    assert done.returncode == 1
    assert f"Port {served.port} on 127.0.0.1 is in use" in done.stdout
    assert f"--port {served.port + 1}" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.full
def test_an_address_of_another_machine_is_said_so(anywhere: Installation) -> None:
    done = anywhere.manage("serve", "--host", "192.0.2.1")
    assert done.returncode == 1
    assert "Cannot listen on port 8000 of 192.0.2.1" in done.stdout


def test_requests_do_not_undo_postgres_stop_and_go_on_after_the_next_start(served: Served) -> None:
    assert served.answers("/database")
    served.here.manage("postgres", "stop")
    for _ in range(5):
        assert served.get("/database").status_code == 503
        time.sleep(0.5)  # longer than serve's own look at the server takes to come round
    assert served.here.manage("postgres", "status").returncode == 3
    served.here.manage("postgres", "start")
    wait_for(lambda: served.answers("/database"))


def test_a_crashed_embedded_server_is_started_again(served: Served) -> None:
    assert served.answers("/database")
    os.kill(served.here.server_pid(), signal.SIGKILL)
    wait_for(lambda: served.here.cluster.server_pid() is not None and served.answers("/database"))


@pytest.mark.full
def test_housekeeping_runs_beside_the_workers_is_replaced_and_ends_with_them(served: Served) -> None:
    beat = served.here.data_dir / "housekeeping"
    wait_for(beat.exists)
    first = int(beat.read_text())
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: int(beat.read_text() or first) != first, seconds=20)
    second = psutil.Process(int(beat.read_text()))
    served.process.terminate()
    assert finished(served.process).returncode == 0
    assert not lives(second)


@pytest.mark.full
def test_a_database_without_the_migrations_is_refused(anywhere: Installation) -> None:
    anywhere.environment = {"WITH_TABLES": "1"}
    done = anywhere.manage("serve", "--port", str(free_port()))
    assert done.returncode == 1
    assert "run manage.py migrate" in done.stdout


def _is_postgres(process: psutil.Process) -> bool:
    try:
        return process.name().startswith("postgres")
    except psutil.NoSuchProcess:  # it ended since it was listed
        return True


def kill_a_worker(served: Served) -> None:
    """... and wait until another has taken its place."""
    victim = psutil.Process(served.worker())
    victim.kill()
    wait_for(lambda: not lives(victim))
    wait_for(lambda: workers(served) == 2, seconds=30)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def workers(served: Served) -> int:
    """How many processes listen on the port."""
    count = 0
    for process in served.descendants():
        with contextlib.suppress(psutil.Error):
            listening = [one for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
            count += any(one.laddr.port == served.port for one in listening)
    return count
