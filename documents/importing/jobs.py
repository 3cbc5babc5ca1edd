"""Batches prepared and written by several processes, this one among them, which also reads, hands out, and puts in order.

A batch goes to whichever process takes it first, as the lines that were read; processes that are still starting are not
waited for. So few are on their way at a time that memory stays bounded. A process that is killed ends the import: its
batch is rolled back, or committed and recorded.
"""

import queue
import threading
import traceback
from collections.abc import Generator, Iterator
from contextlib import closing
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
"""Batches that a process may have that are not yet reported: one that takes long holds up no other until then."""

_LOOK_SECONDS: Final = 0.5


class WorkerLost(Exception):
    """A process of the import was killed."""


class Ready(NamedTuple):
    """A process has started, and takes batches."""


class Stopped(NamedTuple):
    """A process could not go on: the error as its type, arguments and attributes, since not every one can be pickled."""

    kind: type[DomainError] | None
    arguments: tuple[Any, ...]
    attributes: dict[str, Any]
    trace: str

    @classmethod
    def by(cls, error: Exception) -> "Stopped":
        if isinstance(error, DomainError):
            return cls(type(error), error.args, vars(error), "")
        return cls(None, (), {}, "".join(traceback.format_exception(error)))

    def error(self) -> Exception:
        """To be raised here."""
        if self.kind is None:
            return RuntimeError(f"A process of the import failed:\n{self.trace}")
        made = self.kind.__new__(self.kind, *self.arguments)
        vars(made).update(self.attributes)
        return made


def outcomes(raws: Iterator[RawBatch], work: "Work", jobs: int) -> "Generator[Outcome, None, None]":
    """What became of each batch, in their order.

    Raises what reading raises, once all batches before that are in; what writing does; WorkerLost.
    """
    workers = [_Worker(*processes.start("documents.importing.jobs:serve", work)) for _ in range(jobs - 1)]
    handing = _Handing(raws, workers)
    order = _InOrder(workers)
    try:
        with closing(work.process_beside(handing.taken(), _LOOK_SECONDS)) as own:
            for outcome in own:
                yield from order.look(0)
                if outcome is not None:
                    yield from order.came(outcome)
        while order.reported < handing.read:  # all of which are handed out
            yield from order.look(None)
        if handing.error is not None:
            raise handing.error
    finally:
        handing.ended.set()
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.pipe.close()


class _Worker:
    """Another process."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self.process = process
        self.pipe = pipe
        self.ready = threading.Event()
        self.room = threading.Semaphore(_OUT_OF_ORDER)


class _InOrder:
    """Outcomes in the order of their batches, whoever they come from."""

    def __init__(self, workers: list[_Worker]) -> None:
        self._workers = {worker.pipe: worker for worker in workers}
        self.reported = 0
        self._early: dict[int, tuple[Outcome, _Worker | None]] = {}

    def came(self, outcome: "Outcome", worker: _Worker | None = None) -> "Iterator[Outcome]":
        self._early[outcome.number] = outcome, worker
        while self.reported in self._early:
            ready, whose = self._early.pop(self.reported)
            self.reported += 1
            if whose is not None:
                whose.room.release()
            yield ready

    def look(self, seconds: float | None) -> "Iterator[Outcome]":
        """What has come from the other processes, waiting so long for it (None: until something has). Raises WorkerLost."""
        for pipe in wait(list(self._workers), seconds):
            assert isinstance(pipe, Connection)
            worker = self._workers[pipe]
            try:
                message: Any = pipe.recv()
            except (EOFError, ConnectionError):
                raise _lost(worker.process) from None
            if isinstance(message, Ready):
                worker.ready.set()
            elif isinstance(message, Stopped):
                raise message.error()
            else:
                yield from self.came(message, worker)


def _lost(process: BaseProcess) -> WorkerLost:
    process.join(10)
    code = process.exitcode
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    return WorkerLost(f"A process of the import (pid {process.pid}) {how}.")


class _Handing:
    """Reads batches and hands them out, in threads."""

    def __init__(self, raws: Iterator[RawBatch], workers: list[_Worker]) -> None:
        self.ended = threading.Event()
        self.error: BaseException | None = None
        self.read = 0  # batches so far; all of them once `taken` has come to its end
        self._raws = raws
        self._takers = len(workers) + 1
        self._next: queue.Queue[RawBatch | None] = queue.Queue(1)
        threading.Thread(target=self._read, name="import-reader", daemon=True).start()
        for worker in workers:
            threading.Thread(target=self._hand_out, args=(worker,), name="import-sender", daemon=True).start()

    def taken(self) -> Iterator[RawBatch]:
        """Batches for whoever asks."""
        while not self.ended.is_set():
            try:
                raw = self._next.get(timeout=0.2)
            except queue.Empty:
                continue
            if raw is None:
                return
            yield raw

    def _read(self) -> None:
        try:
            for raw in self._raws:
                self.read += 1
                self._put(raw)
                if self.ended.is_set():
                    return
        except BaseException as error:
            self.error = error
        for _ in range(self._takers):
            self._put(None)

    def _put(self, raw: RawBatch | None) -> None:
        while not self.ended.is_set():
            try:
                self._next.put(raw, timeout=0.2)
                return
            except queue.Full:
                continue

    def _hand_out(self, worker: _Worker) -> None:
        raws = self.taken()
        try:
            while True:
                while not (worker.ready.wait(0.2) and worker.room.acquire(timeout=0.2)):
                    if self.ended.is_set():
                        return
                raw = next(raws, None)
                if raw is None:
                    return
                columns = tuple(zip(*raw.lines, strict=True))  # a tenth of the work of so many tuples
                worker.pipe.send((raw.number, raw.first, columns, raw.position))
        except OSError:
            return  # whoever receives from the process finds out


# In the process ---------------------------------------------------------------------------------------------------------


def serve(pipe: Connection, work: "Work") -> None:
    """Prepare and write what comes, and answer with what became of it."""
    from documents.importing.pipeline import rare_garbage_collection

    try:
        pipe.send(Ready())
        with rare_garbage_collection():
            for outcome in work.process(_handed(pipe)):
                pipe.send(outcome)
    except (EOFError, ConnectionError):
        return  # the command is gone
    except Exception as error:
        pipe.send(Stopped.by(error))
    finally:
        connections.close_all()


def _handed(pipe: Connection) -> Iterator[RawBatch]:
    """Without an end: the command ends the process."""
    while True:
        number, first, columns, position = pipe.recv()
        yield RawBatch(number, first, list(map(Line, *columns)), position)
