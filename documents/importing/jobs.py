"""Batches prepared and written by several processes; this one reads, hands out, and puts the outcomes in order.

A batch is handed to whichever process takes it first, as the lines that were read. So few are on their way at a time that
memory stays bounded. A process that is killed ends the import: its batch is rolled back, or committed and recorded.
"""

import queue
import threading
import traceback
from collections.abc import Generator, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import connections

from documents.importing.batches import RawBatch
from documents.importing.reading import Line
from mixpeek_site import processes
from mixpeek_site.errors import DomainError

if TYPE_CHECKING:
    from documents.importing.pipeline import Outcome, Work

_OUT_OF_ORDER: Final = 4
"""Batches of each process that are handed out and not yet reported: one that takes long holds up no other until then."""


class WorkerLost(Exception):
    """A process of the import was killed."""


class _Stopped(NamedTuple):
    """A process could not go on."""

    error: tuple[type[DomainError], str] | None
    trace: str


def outcomes(raws: Iterator[RawBatch], work: "Work", jobs: int) -> "Generator[Outcome, None, None]":
    """What became of each batch, in their order.

    Raises what reading raises, once all batches before that are in; what writing does; WorkerLost.
    """
    workers = [processes.start("documents.importing.jobs:serve", work) for _ in range(jobs)]
    handing = _Handing(raws, [pipe for _, pipe in workers])
    try:
        number = 0
        early: dict[int, Outcome] = {}
        for outcome in _received({pipe: process for process, pipe in workers}):
            early[outcome.number] = outcome
            while number in early:
                handing.room.release()
                yield early.pop(number)
                number += 1
        if handing.error is not None:
            raise handing.error
    finally:
        handing.ended.set()
        for process, _ in workers:
            process.terminate()
        for process, pipe in workers:
            process.join()
            pipe.close()


def _received(workers: dict[Connection, BaseProcess]) -> "Iterator[Outcome]":
    while workers:
        for pipe in wait(list(workers)):
            assert isinstance(pipe, Connection)
            try:
                message: Any = pipe.recv()
            except (EOFError, ConnectionError):
                raise _lost(workers[pipe]) from None
            if message is None:
                workers.pop(pipe).join()
            elif isinstance(message, _Stopped):
                raise _error(message)
            else:
                yield message


def _lost(process: BaseProcess) -> WorkerLost:
    process.join(10)
    code = process.exitcode
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    return WorkerLost(f"A process of the import (pid {process.pid}) {how}.")


def _error(stopped: _Stopped) -> Exception:
    if stopped.error is None:
        return RuntimeError(f"A process of the import failed:\n{stopped.trace}")
    kind, message = stopped.error
    return kind(message)


class _Handing:
    """Reads batches and hands them out, in threads."""

    def __init__(self, raws: Iterator[RawBatch], pipes: list[Connection]) -> None:
        self.room = threading.Semaphore(_OUT_OF_ORDER * len(pipes))
        self.ended = threading.Event()
        self.error: BaseException | None = None
        self._raws = raws
        self._pipes = pipes
        self._next: queue.Queue[RawBatch | None] = queue.Queue(1)
        threading.Thread(target=self._read, name="import-reader", daemon=True).start()
        for pipe in pipes:
            threading.Thread(target=self._hand_out, args=(pipe,), name="import-sender", daemon=True).start()

    def _read(self) -> None:
        try:
            for raw in self._raws:
                while not self.room.acquire(timeout=0.2):
                    if self.ended.is_set():
                        return
                self._put(raw)
                if self.ended.is_set():
                    return
        except BaseException as error:
            self.error = error
        for _ in self._pipes:
            self._put(None)

    def _put(self, raw: RawBatch | None) -> None:
        while not self.ended.is_set():
            try:
                self._next.put(raw, timeout=0.2)
                return
            except queue.Full:
                continue

    def _hand_out(self, pipe: Connection) -> None:
        try:
            while not self.ended.is_set():
                try:
                    raw = self._next.get(timeout=0.2)
                except queue.Empty:
                    continue
                if raw is None:
                    pipe.send(None)
                    return
                columns = tuple(zip(*raw.lines, strict=True))  # a tenth of the work of so many tuples
                pipe.send((raw.number, raw.first, columns, raw.position))
        except OSError:
            return  # whoever receives from the process finds out


# In the process ---------------------------------------------------------------------------------------------------------


def serve(pipe: Connection, work: "Work") -> None:
    """Prepare and write what comes, and answer with what became of it."""
    from documents.importing.pipeline import rare_garbage_collection

    try:
        with rare_garbage_collection():
            for outcome in work.process(_handed(pipe)):
                pipe.send(outcome)
        pipe.send(None)
    except (EOFError, ConnectionError):
        return  # the command is gone
    except DomainError as error:
        pipe.send(_Stopped((type(error), error.message), ""))
    except Exception:
        pipe.send(_Stopped(None, traceback.format_exc()))
    finally:
        connections.close_all()


def _handed(pipe: Connection) -> Iterator[RawBatch]:
    while (message := pipe.recv()) is not None:
        number, first, columns, position = message
        yield RawBatch(number, first, list(map(Line, *columns)), position)
