"""The pipeline: read → render → write. What comes out are pieces of bytes, to be put into a file or sent to a client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from documents.exporting.asked import Asked
from documents.exporting.formats import Writer, writer
from documents.exporting.reading import Read, Source, read, require_filters, sources
from documents.exporting.rendering import rendered
from mixpeek_site.transactions import snapshot
from namespaces.scope import Scope

PIECE_BYTES: Final = 128 * 1024

SAMPLED: Final = 10_000
"""Documents of which a table learns its columns, the first of each collection; of each 1,000 at most."""
_SAMPLED_OF_EACH: Final = 1_000


class Piece(NamedTuple):
    """Bytes that go out, and how many documents went out with them and all before."""

    content: bytes
    documents: int


@dataclass(frozen=True, slots=True)
class Export:
    """An export that has begun: everything comes from one moment. `expected`: how many documents, where that is known."""

    scope: Scope
    asked: Asked
    sources: list[Source]

    @property
    def expected(self) -> int | None:
        if self.asked.filters is not None:
            return None
        held = sum(source.documents for source in self.sources)
        return held if self.asked.limit is None else min(held, self.asked.limit)

    def pieces(self) -> Iterator[Piece]:
        """At least one. Raises ServiceUnavailableError when the database goes or a statement takes too long,
        MissingExtraError for a format without its library.
        """
        return self._written(writer(self.asked, self._sample()))

    def _written(self, output: Writer) -> Iterator[Piece]:
        ready, size, documents = [output.begin()], 0, 0
        for each in self._read(self.asked.limit):
            content = output.write(self._rendered(each))
            ready.append(content)
            size += len(content)
            documents += 1
            if size >= PIECE_BYTES:
                yield Piece(b"".join(ready), documents)
                ready, size = [], 0
        yield Piece(b"".join((*ready, output.end())), documents)

    def _rendered(self, each: Read) -> str:
        return rendered(each, self.asked, self.scope.organization_public_id)

    def _read(self, limit: int | None) -> Iterator[Read]:
        left = limit
        for source in self.sources:
            if left == 0:
                return
            for each in read(self.scope, source, self.asked, left):
                yield each
                left = None if left is None else left - 1

    def _sample(self) -> Iterator[str]:
        of_each = min(_SAMPLED_OF_EACH, max(SAMPLED // max(len(self.sources), 1), 1))
        for source in self.sources:
            for each in read(self.scope, source, self.asked, min(of_each, self.asked.limit or of_each)):
                yield self._rendered(each)


@contextmanager
def begun(scope: Scope, asked: Asked, *, statement_seconds: int) -> Iterator[Export]:
    """An export, open as long as its pieces are taken. `statement_seconds`: what fetching the next documents may take.

    Raises NotFoundError for the namespace or a collection, ValidationError for a regular expression that can't be run.
    """
    with snapshot(statement_seconds):
        require_filters(asked.filters)
        yield Export(scope, asked, sources(scope, asked.collections))
