"""What every reader yields: rows of the input, each as the JSON of a create body."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

KEPT_OF_TOO_LONG = 200
"""Bytes that are kept of what is longer than a body may be."""


class Line(NamedTuple):
    """One row of the input: a line of JSON lines, an element of an array, a row of a table."""

    number: int  # from 1, as `unit` counts
    raw: bytes  # JSON of a body, or what stood there; of a line that is too long, its first bytes
    length: int = 0  # bytes of a line that is too long; 0: it is whole
    fault: str | None = None  # why the reader could not make a body of this row
    file: str = ""
    unit: str = "line"  # or element, row
    layout: str | None = None  # JSON (`delimited.Layout`): how `raw` is read, where it is a row of CSV and not JSON


class SourceError(Exception):
    """The input can't be read (any further)."""


def lines_of(rows: Iterable[bytes]) -> Iterator[Line]:
    """Lines of a reader that makes its rows itself."""
    return (Line(number, raw) for number, raw in enumerate(rows, 1))
