"""Which lines of a batch are refused for their lineage: those that creates of the lines one after the other would refuse.

A create is checked against its parent as that is at its turn. So the lines are gone through in their order, and of those
that are in by then it is known which line comes above them, and what roots they have. A line comes above another by way
of lines, and of stored documents that wait for it.
"""

from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence

from documents import lineage
from documents.importing.preparing import Prepared, failure
from documents.importing.reporting import Failure
from documents.inputs import LineageInput
from documents.lineage import Relinked, StoredParent
from mixpeek_site.errors import ValidationError

Roots = tuple[str | None, str | None]
"""Root object and root bucket."""


class Judged:
    """A batch of new documents. `refused`: failures by position."""

    def __init__(
        self,
        batch: Sequence[Prepared],
        *,
        collection_names: Several[str],
        parents: Mapping[str, StoredParent],
        awaited: Mapping[str, str],
        buckets: Mapping[str, str],
    ) -> None:
        """`collection_names`: id and name; `parents`: the stored ones by document id; `awaited`: of stored parents, the
        id in the batch that their sources lead up to; `buckets`: of stored source objects, by object id.
        """
        self._batch = batch
        self._collection_names = collection_names
        self._parents = parents
        self._buckets = buckets
        self._positions = {one.document_id: position for position, one in enumerate(batch) if one.document_id}
        self._awaited = {parent: self._positions[name] for parent, name in awaited.items()}
        self._next: dict[int, int] = {}  # the first line above, which may come later
        self._jumps: dict[int, int] = {}  # the same or, once it is in, one further up
        self._roots: dict[int, Roots] = {}  # as far as lines up to that one give them
        self._turn = 0
        self.refused: dict[int, Failure] = {}
        for position, one in enumerate(batch):
            if not one.has_lineage:
                continue
            self._turn = position
            try:
                self._take(one.given.lineage)
            except ValidationError as error:
                self.refused[position] = failure(one.line, one.document_id, error)

    def uppermost(self, document_ids: Several[str]) -> list[str]:
        """Those of the ids whose lines are not refused and have none of the others above them."""
        among = {self._positions[name] for name in document_ids} - self.refused.keys()
        below: dict[int, bool] = {}  # whether one of them is above a line
        for start in among:
            way, line = [], start
            while line not in below:
                way.append(line)
                above = self._next.get(line)
                if above is None or above in self.refused or above in among:
                    below[line] = above in among
                else:
                    line = above
            below |= dict.fromkeys(way, below[line])
        return [self._batch[line].document_id or "" for line in sorted(among) if not below[line]]

    def _take(self, sent: LineageInput) -> None:
        """Let the line in whose turn it is. Raises ValidationError."""
        if sent.source_document_id is None:
            if sent.source_type == "bucket" and sent.root_object_id is not None:
                lineage.check_bucket(sent.root_bucket_id, self._buckets.get(sent.root_object_id))
            return
        line = self._positions.get(sent.source_document_id)
        stored = self._parents.get(sent.source_document_id) if line is None else None
        names = self._collection_names if stored is None else (stored.collection, stored.collection_name)
        is_there = stored is not None or self._is_in(line) or line == self._turn
        if line is None:
            line = self._awaited.get(sent.source_document_id)
        roots: Roots = (None, None)
        cycle = line == self._turn
        if line is not None and self._is_in(line):
            top, roots = self._up(line)
            cycle = self._next.get(top) == self._turn
        if stored is not None:
            roots = _first(roots, (stored.root_object_id, stored.root_bucket_id))
        if cycle or is_there:
            differs = is_there and sent.source_collection_id not in (None, *names)
            lineage.check(Relinked(1, is_there, cycle, differs, *roots), sent, roots=True)
        if line is not None:
            self._next[self._turn] = self._jumps[self._turn] = line
        own = (sent.root_object_id, sent.root_bucket_id)
        self._roots[self._turn] = own if stored is None else _first((stored.root_object_id, stored.root_bucket_id), own)

    def _is_in(self, line: int | None) -> bool:
        return line is not None and line < self._turn and line not in self.refused

    def _up(self, line: int) -> tuple[int, Roots]:
        """The uppermost line that is in above one that is, or itself; and the roots of that one."""
        way = []
        while self._is_in(above := self._jumps.get(line)):
            way.append(line)
            assert above is not None
            line = above
        top, roots = line, self._roots_of(line)
        for line in reversed(way):  # shortcuts for those who come next
            roots = self._roots[line] = _first(roots, self._roots[line])
            self._jumps[line] = top
        return top, roots

    def _roots_of(self, line: int) -> Roots:
        if line not in self._roots:
            sent = self._batch[line].given.lineage
            bucket = sent.root_bucket_id
            if bucket is None and sent.source_type == "bucket":
                bucket = self._buckets.get(sent.root_object_id or "")
            self._roots[line] = (sent.root_object_id, bucket)
        return self._roots[line]


def _first(above: Roots, below: Roots) -> Roots:
    """What follows for a document from the roots above it, and its own where those are not known."""
    return (below[0] if above[0] is None else above[0], below[1] if above[1] is None else above[1])
