"""What a backup says of itself: `manifest.json` in its file."""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from mixpeek_site.backups.errors import BackupError

PRODUCT: Final = "mixpeek-documents"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class TableCheck:
    """A table's rows: how many, and the sum of their texts' hashes, which is the same in whatever order they come."""

    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class CollectionCount:
    """How many documents one collection holds."""

    namespace: str
    namespace_id: str
    collection: str
    collection_id: str
    documents: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the store holds: namespaces, documents, … by name, and each collection by itself."""

    counts: dict[str, int]
    collections: list[CollectionCount]


@dataclass(frozen=True, slots=True)
class Dump:
    """The dump in the file."""

    bytes: int
    sha256: str
    pg_dump: str  # its version, `18.1`


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything but the dump; made in the dump's own snapshot."""

    product: str
    format: int
    product_version: str
    created_at: str
    postgresql: str  # the server's version, `15.20`
    database: str
    migrations: dict[str, list[str]]  # names by application
    inventory: Inventory
    tables: dict[str, TableCheck]
    dump: Dump
    extensions: dict[str, str] = field(default_factory=dict)  # of PostgreSQL: versions by name


def encoded(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def decoded(raw: bytes) -> Manifest:
    """Raises BackupError for what is no manifest, or one of a later format."""
    try:
        named = msgspec.json.decode(raw, type=_Named)
        if named.product != PRODUCT:
            raise BackupError("It is a backup of something else: its manifest names another product.")
        if named.format > FORMAT:
            raise BackupError(f"It was made by a later release: its format is {named.format}, this release reads {FORMAT}.")
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupError(f"Its manifest can't be read ({error}).") from error


def major(version: str) -> int:
    """15 of `15.20`."""
    number = version.partition(".")[0]
    if not number.isdecimal():
        raise BackupError(f"Its manifest names no version of PostgreSQL: {version!r}.")
    return int(number)


@dataclass(frozen=True, slots=True)
class _Named:
    product: str
    format: int
