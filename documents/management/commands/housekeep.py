"""`manage.py housekeep`: the loop around documents/housekeeping.py."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import Error, connection

from documents import housekeeping
from mixpeek_site.errors import ServiceUnavailableError
from mixpeek_site.management.base import StoreCommand, add_json

PAUSE_SECONDS = 5.0
PAUSE_WITHOUT_DATABASE_SECONDS = 15.0


class Command(StoreCommand):
    help = """Do what is done behind the requests: remove the rows of deleted collections and namespaces, in short
transactions, build declared payload indexes and drop those that nobody declares any more. One process per database
works at a time; others wait for their turn. `manage.py serve` runs it by itself.

examples:
  manage.py housekeep          until SIGTERM or Ctrl-C; a line for each thing that was done
  manage.py housekeep --once   one round, for cron

Ctrl-C and SIGTERM end it in order: a purge after the rows that it is at, the rest waits for the next time.

exit codes: 0 ended as asked, also by Ctrl-C and SIGTERM, 1 the database can't be reached (--once; the loop goes on
trying), 2 wrong arguments"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="One round instead of a loop.")
        add_json(parser, "A JSON object for each thing that was done: at, done.")

    def work(self, *, once: bool, json: bool, **options: Any) -> None:
        self._json = json
        with _ended_by_signals() as ended:
            while not ended.is_set():
                pause = PAUSE_SECONDS
                try:
                    for line in housekeeping.round_of_duties(ended.is_set):
                        self._log(line)
                except (ServiceUnavailableError, Error, psycopg.Error) as error:
                    if once:
                        raise
                    self._log(f"The round was broken off: {error}")
                    connection.close()
                    pause = PAUSE_WITHOUT_DATABASE_SECONDS
                if once:
                    break
                ended.wait(pause)
            for line in housekeeping.finish(ended.is_set):
                self._log(line)

    def _log(self, line: str) -> None:
        if self._json:
            self.answer({"at": datetime.now(UTC), "done": line})
            self.stdout.flush()
            return
        self.stdout.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}")
        self.stdout.flush()


@contextmanager
def _ended_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that a purge ends with the batch it is at, and a build at once."""
    ended = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in signals}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
