"""What an export is asked for."""

from dataclasses import dataclass
from typing import Final

from documents.filters import Node

FORMATS: Final = ("jsonl", "csv", "parquet")
SCHEMA_VERSIONS: Final = ("native", "v1", "v2")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which documents, and how they are written.

    `collections`: ids or names; empty: all of the namespace. `select`: names as a list's `select`. `limit`: documents at
    most, of all collections together. `spreadsheet`: CSV whose texts no spreadsheet takes for formulas.
    """

    collections: tuple[str, ...] = ()
    filters: Node | None = None
    format: str = "jsonl"
    schema_version: str = "native"
    select: tuple[str, ...] | None = None
    vectors: bool = False
    limit: int | None = None
    spreadsheet: bool = False
