"""Gives up statements that a frozen server never answers (contract section 2).

PostgreSQL's own `statement_timeout` can't fire when the server process is stopped or the machine behind the network
is gone. One thread per process shuts the socket of every statement that is overdue; its caller then sees a lost
connection. The statements themselves pay for two dictionary writes.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LIMIT_SECONDS = 35.0  # above databases.STATEMENT_TIMEOUT, so that a living server answers first
_CHECK_EVERY_SECONDS = 1.0

_running: dict[int, tuple[float, Any]] = {}
_thread: threading.Thread | None = None
_thread_pid = 0
_start_lock = threading.Lock()


class _Patience(threading.local):
    def __init__(self) -> None:
        self.seconds: list[float] = []


_patience = _Patience()


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Let the statements that this thread runs inside take so long before they are overdue.

    They need not end in the order in which they began: two streams of one thread may be open at once.
    """
    _patience.seconds.append(seconds)
    try:
        yield
    finally:
        _patience.seconds.remove(seconds)


class watch:
    """Context manager: the statement that runs inside is shut off when it is overdue."""

    __slots__ = ("connection", "key")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.key = id(connection)

    def __enter__(self) -> None:
        if _thread_pid != os.getpid():
            _start()
        limit = _patience.seconds[-1] if _patience.seconds else LIMIT_SECONDS
        _running[self.key] = (time.monotonic() + limit, self.connection)

    def __exit__(self, *_: object) -> None:
        _running.pop(self.key, None)


def _start() -> None:
    """Start the thread, once per process: a forked worker needs its own."""
    global _thread, _thread_pid
    with _start_lock:
        if _thread_pid == os.getpid():
            return
        _running.clear()
        _thread = threading.Thread(target=_look_after, name="statement-watchdog", daemon=True)
        _thread.start()
        _thread_pid = os.getpid()


def _look_after() -> None:
    while True:
        time.sleep(_CHECK_EVERY_SECONDS)
        now = time.monotonic()
        for key, (deadline, connection) in list(_running.items()):
            if now >= deadline and _running.pop(key, None) is not None:
                _shut(connection)


def _shut(connection: Any) -> None:
    try:
        duplicate = socket.socket(fileno=os.dup(connection.pgconn.socket))
    except (OSError, ValueError):  # closed meanwhile
        return
    try:
        duplicate.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        duplicate.close()
