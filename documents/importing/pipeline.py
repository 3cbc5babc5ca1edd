"""The pipeline: read → prepare → write → report. Reading and preparing run ahead in a thread while the database writes."""

import gc
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from django.db import transaction

from documents.importing.preparing import Prepared, prepare
from documents.importing.reading import Line
from documents.importing.reporting import Counts, Failure
from documents.importing.writing import Place, Writer, Written

BATCH_SIZE: Final = 5000
BATCH_BYTES: Final = 16 * 1024 * 1024
_BATCHES_AHEAD: Final = 2
_SWITCH_SECONDS: Final = 0.0002


@dataclass(frozen=True, slots=True)
class Options:
    """How to import. `on_conflict`: fail, skip or replace; `limit`: lines at most."""

    on_conflict: str = "fail"
    dry_run: bool = False
    limit: int | None = None
    batch_size: int = BATCH_SIZE


@dataclass(slots=True)
class Batch:
    """Lines that go in one transaction; `position` is where the input stood after them."""

    documents: list[Prepared] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    position: int = 0


Report = Callable[[Counts, list[Failure], int], None]
"""Called after each batch: what became of all lines so far, this batch's failures, the input's position."""


def run(lines: Iterable[Line], place: Place, options: Options, report: Report, position: Callable[[], int] = lambda: 0) -> Counts:
    """Import every line; what became of them. Each batch is committed before it is reported.

    Memory is bounded by `BATCH_BYTES` and the batch size, whatever the input's length. Raises SourceError when the
    input can't be read on, NotFoundError when the collection goes, ServiceUnavailableError when the database stays
    away; what was reported until then is stored.
    """
    counts = Counts()
    writer = Writer(place, options.on_conflict, with_locks=not options.dry_run)
    names = frozenset((place.collection.public_id, place.collection.name))
    with _rare_garbage_collection(), _nothing_kept() if options.dry_run else nullcontext():
        for batch in _ahead(_batches(islice(lines, options.limit), names, options.batch_size, position)):
            written = writer.write(batch.documents) if batch.documents else Written()
            failures = sorted(batch.failures + written.failures, key=lambda one: one.line.number)
            counts.add(written.counts)
            counts.failed += len(batch.failures)
            report(counts, failures, batch.position)
    return counts


def _batches(lines: Iterable[Line], collection_names: frozenset[str], size: int, position: Callable[[], int]) -> Iterator[Batch]:
    """Prepared documents, so many at a time. A batch also ends before an id that it holds already: lines go in order."""
    batch, ids, weight = Batch(), set[str](), 0
    for line in lines:
        one = prepare(line, collection_names)
        if isinstance(one, Failure):
            batch.failures.append(one)
            weight += len(line.raw)
        else:
            if one.document_id is not None and one.document_id in ids:
                batch.position = position()
                yield batch
                batch, ids, weight = Batch(), set(), 0
            batch.documents.append(one)
            if one.document_id is not None:
                ids.add(one.document_id)
            weight += 4 * len(line.raw)  # the text, the parsed body and the row
        if len(batch.documents) + len(batch.failures) >= size or weight >= 4 * BATCH_BYTES:
            batch.position = position()
            yield batch
            batch, ids, weight = Batch(), set(), 0
    batch.position = position()
    if batch.documents or batch.failures:
        yield batch


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same, made in a thread that keeps a few ready: PostgreSQL works while the next ones are read and checked."""
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(_BATCHES_AHEAD)
    ended = threading.Event()

    def put(item: Batch | BaseException | None) -> bool:
        while not ended.is_set():
            try:
                ready.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(None)
        except BaseException as error:
            put(error)

    threading.Thread(target=make, name="import-reader", daemon=True).start()
    # The writer needs Python's lock for an instant after each send; at the usual 5 ms it would wait longer than it works.
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        while (item := ready.get()) is not None:
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
def _rare_garbage_collection() -> Iterator[None]:
    """A batch is tens of thousands of objects, none of them in a cycle: looking for cycles in them costs a twentieth."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
