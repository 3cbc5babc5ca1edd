"""Processes of a command's own, with Django set up and the command's database."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from django.db import connections


def start(function: str, *arguments: Any) -> tuple[BaseProcess, Connection]:
    """Begin a process that calls `module:function` with its end of a pipe and the arguments; the process and our end.

    It connects to the database for itself. Ctrl-C does not reach it: whoever started it ends it.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    database = {name: value for name, value in connections["default"].settings_dict.items() if name in _OF_DATABASE}
    # As bytes: what arguments are made of can be imported only once Django is set up.
    process = context.Process(target=_call, args=(function, theirs, database, pickle.dumps(arguments)), daemon=True)
    with _ignoring_interrupts():
        process.start()
    theirs.close()
    return process, ours


_OF_DATABASE = frozenset(("NAME", "USER", "PASSWORD", "HOST", "PORT"))


def _call(function: str, pipe: Connection, database: dict[str, Any], arguments: bytes) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixpeek_site.settings")
    import django

    django.setup()
    connections["default"].settings_dict.update(database)
    module, _, name = function.partition(":")
    getattr(import_module(module), name)(pipe, *pickle.loads(arguments))


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """A process inherits what is ignored, so Ctrl-C spares it from the first moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
