"""Lines in batches: each is read, prepared and written as a whole, and known by the place of its first line in the input."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from documents.importing.preparing import Prepared
from documents.importing.reading import Line, SourceError
from documents.importing.reporting import Counts, Failure

BATCH_SIZE: Final = 5000
BATCH_BYTES: Final = 16 * 1024 * 1024

Prepare = Callable[[Line], Prepared | Failure]


class RawBatch(NamedTuple):
    """Lines that follow one another, as they were read."""

    number: int  # of the batch, from 0
    first: int  # place of the first line in the input, from 0; lines without anything on them don't count
    lines: list[Line]
    position: int  # where the input stood after them, in bytes


class Batch(NamedTuple):
    """The same, prepared: an item for each line."""

    number: int
    first: int
    items: list[Prepared | Failure]
    position: int


class Span(NamedTuple):
    """Lines from `first` up to, but without, `end`."""

    first: int
    end: int
    checksum: int


class Done(NamedTuple):
    """What earlier runs of an import brought in: spans in their order, and what became of their lines."""

    spans: list[Span]
    counts: Counts


def prepared(raw: RawBatch, prepare: Prepare) -> Batch:
    return Batch(raw.number, raw.first, [prepare(line) for line in raw.lines], raw.position)


def checksum(raws: Iterable[bytes], before: int = 0) -> int:
    """Of lines: tells whether they are the same again."""
    for raw in raws:
        before = zlib.crc32(raw, before)
    return before


def raw_batches(
    lines: Iterable[Line], size: int, position: Callable[[], int] = lambda: 0, done: Iterable[Span] = ()
) -> Iterator[RawBatch]:
    """So many lines at a time, and not more than BATCH_BYTES, without those that are `done`.

    Those are read past, and compared with what was imported. Raises SourceError where they differ, and after the last whole
    line of an input that can't be read on.
    """
    number, batch, weight, at = 0, list[Line](), 0, 0
    remaining = iter(done)
    span = next(remaining, None)
    seen = 0
    broken: list[SourceError] = []
    for line in _as_far_as_possible(lines, broken):
        if span is not None and at >= span.first:
            if batch:
                yield RawBatch(number, at - len(batch), batch, position())
                number, batch, weight = number + 1, [], 0
            seen = checksum((line.raw,), seen)
            at += 1
            if at == span.end:
                _require_same(span, seen)
                span, seen = next(remaining, None), 0
            continue
        batch.append(line)
        at += 1
        weight += len(line.raw)
        if len(batch) >= size or weight >= BATCH_BYTES:
            yield RawBatch(number, at - len(batch), batch, position())
            number, batch, weight = number + 1, [], 0
    if span is not None and not broken:
        raise SourceError(f"The input has {at:,} rows; {span.end:,} of it were imported already, so it is not the same input.")
    if batch:
        yield RawBatch(number, at - len(batch), batch, position())
    if broken:
        raise broken[0]


def _as_far_as_possible(lines: Iterable[Line], broken: list[SourceError]) -> Iterator[Line]:
    """The lines; the error that ends them is put aside, so that those before it are used first."""
    try:
        yield from lines
    except SourceError as error:
        broken.append(error)


def _require_same(span: Span, seen: int) -> None:
    if seen != span.checksum:
        raise SourceError(
            f"This is not the input that the import began with: rows {span.first + 1:,} to {span.end:,} are not those"
            " that were imported. Without --resume it begins anew."
        )
