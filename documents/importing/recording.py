"""What a writer tells of the transactions in which a batch goes."""

from collections.abc import Iterable
from typing import Protocol

from documents.importing.reporting import Counts, Failure


class Recorder(Protocol):
    """A batch goes in one transaction or several, each with the next of its documents."""

    def begin(self) -> None:
        """A transaction has begun. Raises ConflictError when it may not go on."""

    def is_recorded(self) -> bool:
        """Whether the next documents are in: their transaction was committed, though the connection was lost then."""

    def record(self, documents: int, counts: Counts, failures: Iterable[Failure]) -> None:
        """This transaction's documents are written; it is going to be committed."""

    def recorded(self) -> None:
        """It is committed."""


class NotRecorded:
    """Of imports whose input can't be fed again."""

    def begin(self) -> None: ...

    def is_recorded(self) -> bool:
        return False

    def record(self, documents: int, counts: Counts, failures: Iterable[Failure]) -> None: ...

    def recorded(self) -> None: ...
