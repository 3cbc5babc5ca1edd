"""One writer per format. Each turns rendered documents into pieces of bytes, in constant memory."""

from collections.abc import Iterable
from typing import Protocol

from documents.exporting.asked import Asked


class Writer(Protocol):
    """`begin`, then `write` for every document, then `end`; each returns what is ready to go out, which may be nothing."""

    def begin(self) -> bytes: ...

    def write(self, rendered: str) -> bytes: ...

    def end(self) -> bytes: ...


class MissingExtraError(Exception):
    """A library that the format needs is not installed; the message says how to."""


def writer(asked: Asked, sample: Iterable[str]) -> Writer:
    """The writer of a format. Raises MissingExtraError.

    `sample`: rendered documents, of which tables learn their columns; others take none.
    """
    if asked.format == "jsonl":
        from documents.exporting.formats.jsonl import Jsonl

        return Jsonl()
    from documents.exporting.columns import columns_of

    columns = columns_of(sample, asked.select, native=asked.schema_version == "native")
    if asked.format == "csv":
        from documents.exporting.formats.csv import Csv

        return Csv(columns, spreadsheet=asked.spreadsheet)
    try:
        from documents.exporting.formats.parquet import Parquet
    except ImportError as error:
        raise MissingExtraError("Parquet needs pyarrow: pip install pyarrow, or the extra `parquet`.") from error
    return Parquet(columns)


MEDIA_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
