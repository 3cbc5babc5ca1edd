"""The production server: granian's workers, and beside them what one installation needs once.

    serve process    starts everything, answers nothing itself
      worker ...     answer requests; one that dies is replaced
      housekeeping   `manage.py housekeep`; replaced when it dies
      caretaker      a thread: restarts housekeeping, and the embedded PostgreSQL when that crashed (never when it was stopped)

The processes below are spawned, not forked: they share no connection and no permission with the one above,
and end by themselves when it is gone, however it ended.
"""

import errno
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from typing import Any

from granian import Granian
from granian._internal import load_target
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from mixpeek_site import embedded

# Requests in flight in each worker, so that a slow one does not stop the rest. The kernel may give every connection
# to the same worker, so each must be able to hold them all. More threads cost speed: docs/decisions/0009-serving.md.
THREADS = 8
# A request still running this long after SIGTERM is cut off. Statements end at 30 s, see databases.py; those of writes
# with filters may take longer (BULK_STATEMENT_SECONDS), and one that is cut off leaves nothing written.
FINISH_SECONDS = 60
LOOK_EVERY_SECONDS = 1.0
CRASH_PAUSE_SECONDS = 5.0

Say = Callable[[str], None]
_spawn = multiprocessing.get_context("spawn")


class PortNotFree(Exception):
    """The address cannot be served on; the message says what to do."""


@dataclass(frozen=True)
class Plan:
    """What to serve, where, and with how much."""

    application: str  # "package.module:callable"
    host: str
    port: int
    workers: int
    threads: int  # of each worker
    housekeeping: bool
    cluster: embedded.Cluster | None  # None with DATABASE_URL
    say: Say

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def serve(plan: Plan) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight and return."""
    refuse_taken_port(plan.host, plan.port)
    # Also what granian uses for its workers. Forking would hand them this process's threads, sockets and permission.
    multiprocessing.set_start_method("spawn", force=True)
    caretaker = Caretaker(plan)
    caretaker.start()
    try:
        while not _serve_once(plan):
            pass
    finally:
        caretaker.end()


def refuse_taken_port(host: str, port: int) -> None:
    """Raise PortNotFree unless this process could listen there.

    The workers share the port among themselves (SO_REUSEPORT), and would share it with another installation as well.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortNotFree(
                f"Port {port} on {host} is in use by another program: end that one, or choose another port "
                f"(manage.py serve --port {port + 1}, make run PORT={port + 1})."
            ) from error
        raise PortNotFree(f"Cannot listen on port {port} of {host}: {error.strerror or error}.") from error


def _serve_once(plan: Plan) -> bool:
    """True when the server ended because it was told to, False when its workers died again and again."""
    server = Granian(
        plan.application,
        address=plan.host,
        port=plan.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=plan.workers,
        blocking_threads=plan.threads,
        # Each thread has its own connection to PostgreSQL, so an idle one is worth keeping; 600 is granian's most.
        blocking_threads_idle_timeout=600,
        respawn_failed_workers=True,
        workers_kill_timeout=FINISH_SECONDS,
        websockets=False,
        log_level=LogLevels.error,
    )
    try:
        server.serve(target_loader=_load_in_worker)
    except SystemExit:
        # granian gives up when a worker dies within seconds of the one before it. A request that kills its worker
        # (out of memory, say) and is sent again must not end the service.
        if not server.interrupt_signal:
            plan.say("The workers died repeatedly; starting new ones.")
            server.main_loop_interrupt.clear()
            # granian's handler of SIGTERM and SIGINT is still in place and ends the pause.
            return bool(server.main_loop_interrupt.wait(CRASH_PAUSE_SECONDS))
    return True


def _load_in_worker(target: str) -> Any:
    """Runs first in each worker; what it returns answers the requests."""
    leave_terminal()
    end_with_parent()
    return load_target(target)


def leave_terminal() -> None:
    """Ctrl-C in a terminal reaches the whole process group: the serve process alone is to act on it."""
    os.setpgrp()
    # One that came while this process started was held back (see Caretaker.run) and is dropped here.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_with_parent() -> None:
    """End this process, in order, when the one that spawned it is gone (`kill -9` leaves it no time to say so)."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # only called in spawned processes
    wake = waker_of_main_thread()

    def watch() -> None:
        while parent.is_alive():
            wake()
            parent.join(LOOK_EVERY_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(FINISH_SECONDS):
            time.sleep(1)
            wake()
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def waker_of_main_thread() -> Callable[[], None]:
    """A function for another thread to call now and then, so that no SIGTERM goes unseen. Call this in the main thread.

    Python runs a signal's handler in the main thread, and that one waits for the end of the server. A signal that it
    learned of too late to not begin waiting stays unseen until the wait is interrupted: on a busy machine one worker in
    twenty went on serving. SIGTERM must not be sent twice, granian takes that badly; so another signal interrupts.
    """
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.signal(signal.SIGUSR1, lambda *_: None)
    return lambda: signal.pthread_kill(main_thread, signal.SIGUSR1)


def keep_house() -> None:
    """Runs in the housekeeping process."""
    leave_terminal()
    end_with_parent()
    import django
    from django.core.management import call_command

    django.setup()
    call_command("housekeep")


class Caretaker:
    """The thread that says when the server answers, and then looks after what runs beside the workers."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.wake_main_thread = waker_of_main_thread()
        self.ending = threading.Event()
        self.housekeeping: SpawnProcess | None = None
        self.postgres_failed = False
        self.thread = threading.Thread(target=self.run, name="caretaker", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def end(self) -> None:
        self.ending.set()
        self.thread.join()
        if self.housekeeping is not None:
            self.housekeeping.terminate()
            self.housekeeping.join(FINISH_SECONDS)
            self.housekeeping.kill()

    def run(self) -> None:
        plan = self.plan
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited by the housekeeping process
        while not self.ending.wait(0.05):
            if self.answers():
                plan.say(f"Serving on {plan.url} ({plan.workers} workers of {plan.threads} threads; Ctrl-C ends it).")
                break
        while not self.ending.is_set():
            self.wake_main_thread()
            self.look_after_postgres()
            self.look_after_housekeeping()
            self.ending.wait(LOOK_EVERY_SECONDS)

    def answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.plan.host, self.plan.host)
        try:
            with closing(socket.create_connection((host, self.plan.port), timeout=1)):
                return True
        except OSError:
            return False

    def look_after_postgres(self) -> None:
        cluster = self.plan.cluster
        if cluster is None or not (cluster.crashed or self.postgres_failed):
            return
        try:
            if embedded.start(cluster):
                self.plan.say("The embedded PostgreSQL had crashed and was started again.")
            self.postgres_failed = False
        except embedded.EmbeddedPostgresError as error:
            if not self.postgres_failed:
                self.plan.say(f"The embedded PostgreSQL had crashed and cannot be started; trying on. {error}")
            self.postgres_failed = True  # a start that failed leaves no trace of the crash
            self.ending.wait(CRASH_PAUSE_SECONDS)

    def look_after_housekeeping(self) -> None:
        if not self.plan.housekeeping or (self.housekeeping is not None and self.housekeeping.is_alive()):
            return
        if self.housekeeping is not None:
            self.plan.say(f"Housekeeping ended (exit code {self.housekeeping.exitcode}); starting it again.")
            if self.ending.wait(CRASH_PAUSE_SECONDS):
                return
        self.housekeeping = _spawn.Process(target=keep_house, name="housekeeping", daemon=True)
        self.housekeeping.start()
