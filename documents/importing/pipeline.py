"""The pipeline: read → prepare → write → report. Reading and preparing run ahead in a thread while the database writes."""

import gc
import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from django.db import transaction

from documents.importing import jobs, resuming
from documents.importing.batches import BATCH_BYTES, BATCH_SIZE, Batch, Done, Prepare, RawBatch, prepared, raw_batches
from documents.importing.mapping import Mapping
from documents.importing.places import Place, Places
from documents.importing.preparing import prepare
from documents.importing.reading import Line
from documents.importing.recording import NotRecorded
from documents.importing.reporting import Counts, Failure
from documents.importing.resuming import BatchRecorder, Run
from documents.importing.writing import Writer, patiently

__all__ = ["BATCH_BYTES", "BATCH_SIZE", "Options", "Outcome", "State", "run"]

_BATCHES_AHEAD: Final = 2
_SWITCH_SECONDS: Final = 0.0002
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Options:
    """How to import. `on_conflict`: fail, skip, replace or merge; `limit`: lines at most; `jobs`: processes that prepare
    and write; `max_errors`: failed lines after which to stop; `mapping`: of the lines' fields; `new_times`: documents are as
    new as the import, whatever lines say.
    """

    on_conflict: str = "fail"
    dry_run: bool = False
    limit: int | None = None
    batch_size: int = BATCH_SIZE
    jobs: int = 1
    max_errors: int | None = None
    mapping: Mapping | None = None
    new_times: bool = False


class State(NamedTuple):
    """A run that is kept in the database, and what of it was done before."""

    run: Run
    done: Done = Done([], Counts())


class Outcome(NamedTuple):
    """What became of a batch."""

    number: int
    counts: Counts
    failures: list[Failure]  # in the order of the lines
    position: int  # of the input after it, in bytes


Report = Callable[[Counts, list[Failure], int], None]
"""Called after each batch: what became of all lines so far, this batch's failures, the input's position."""


def run(
    lines: Iterable[Line],
    place: Place | Places,
    options: Options,
    report: Report,
    position: Callable[[], int] = lambda: 0,
    state: State | None = None,
) -> Counts:
    """Import every line; what became of them. Each batch is committed before it is reported.

    Batches are reported in the input's order. With `max_errors`, ends early after the batch in which so many have failed:
    then `Counts.failed` has reached it. Memory is bounded by `BATCH_BYTES` and the batch size, whatever the input's length.
    Raises SourceError when the input can't be read on, NotFoundError when the collection goes, ServiceUnavailableError when
    the database stays away, ConflictError when another process goes on with the run, jobs.WorkerLost when a process was
    killed; what was reported until then is stored.
    """
    counts, failed = Counts(), 0
    done = state.done if state else Done([], Counts())
    counts.add(done.counts)
    raws = raw_batches(islice(lines, options.limit), options.batch_size, position, done.spans)
    work = Work(place, options, state.run if state else None)
    with rare_garbage_collection(), _nothing_kept() if options.dry_run else nullcontext():
        outcomes = work.process(raws) if options.jobs == 1 else jobs.outcomes(raws, work, options.jobs)
        with closing(outcomes):
            for outcome in outcomes:
                counts.add(outcome.counts)
                report(counts, outcome.failures, outcome.position)
                failed += outcome.counts.failed
                if options.max_errors is not None and failed >= options.max_errors:
                    return counts
    if state:
        resuming.finish(state.run)
    return counts


class Work:
    """What is done with each batch, here or in another process."""

    def __init__(self, place: Place | Places, options: Options, of: Run | None) -> None:
        self._place = place
        self._options = options
        self._run = of
        self._writer: Writer | None = None

    def prepare(self, raw: RawBatch) -> Batch:
        return prepared(raw, self._prepare())

    def _prepare(self) -> Prepare:
        place = self._place
        names = frozenset((place.collection.public_id, place.collection.name)) if isinstance(place, Place) else None
        return partial(prepare, collection_names=names, mapping=self._options.mapping, new_times=self._options.new_times)

    def write(self, batch: Batch) -> Outcome:
        """Raises what `run` does."""
        options = self._options
        if self._writer is None:
            locks = not options.dry_run
            self._writer = Writer(self._place, options.on_conflict, with_locks=locks, mapping=options.mapping)
        items = batch.items
        if isinstance(self._place, Places):  # looked up here, where the connection is
            places = self._place
            items = patiently(lambda: [places.checked(one) for one in items])
            batch = batch._replace(items=items)
        recorder = NotRecorded() if self._run is None else BatchRecorder(self._run, batch)
        written = self._writer.write_lines(items, recorder)
        failed = [one for one in items if isinstance(one, Failure)]
        written.counts.failed += len(failed)
        failures = sorted(failed + written.failures, key=_order(batch)) if failed or written.failures else []
        written.counts.by_file((item.line for item in items), failures)
        return Outcome(batch.number, written.counts, failures, batch.position)

    def process(self, raws: Iterator[RawBatch]) -> Generator[Outcome, None, None]:
        """Batches prepared ahead, in a thread: PostgreSQL works while the next ones are read and checked."""
        with closing(self.process_beside(raws, None)) as outcomes:
            yield from (outcome for outcome in outcomes if outcome is not None)

    def process_beside(self, raws: Iterator[RawBatch], seconds: float | None) -> Generator[Outcome | None, None, None]:
        """The same for who has more to do: None where no batch came for so many seconds."""
        with closing(_ahead(map(self.prepare, raws), seconds)) as batches:
            for batch in batches:
                yield None if batch is None else self.write(batch)


def _order(batch: Batch) -> Callable[[Failure], int]:
    places = {id(item.line): place for place, item in enumerate(batch.items)}
    return lambda one: places[id(one.line)]


class _End:
    """There are no more."""


def _ahead(items: Iterator[Item], seconds: float | None) -> Generator[Item | None, None, None]:
    """The same, made in a thread that keeps a few ready; None where none came for so many seconds."""
    ready: queue.Queue[Item | BaseException | _End] = queue.Queue(_BATCHES_AHEAD)
    ended = threading.Event()

    def put(item: Item | BaseException | _End) -> bool:
        while not ended.is_set():
            try:
                ready.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(_End())
        except BaseException as error:
            put(error)

    threading.Thread(target=make, name="import-reader", daemon=True).start()
    # The writer needs Python's lock for an instant after each send; at the usual 5 ms it would wait longer than it works.
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        while True:
            try:
                item = ready.get(timeout=seconds)
            except queue.Empty:
                yield None
                continue
            if isinstance(item, _End):
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        ended.set()
        sys.setswitchinterval(usual)


@contextmanager
def _nothing_kept() -> Iterator[None]:
    """One transaction around the whole import, rolled back: a dry run sees its own earlier lines and leaves nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """A batch is tens of thousands of objects, none of them in a cycle: looking for cycles in them costs a twentieth."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
