"""Lineage of a batch of new documents, worked out before they are written, so that each row is written once.

The rules are those of `lineage.relink`, which does the same in SQL for rows that are stored already; a test holds both
against each other. What a document below a stored one gets that waits for a line of the batch is provisional:
`lineage.relink_below` goes over it.
"""

from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from documents import lineage
from documents.importing.preparing import Prepared, copied, iso
from documents.inputs import LineageInput
from documents.lineage import StoredParent
from mixpeek_site import jsonio


@dataclass(slots=True)
class Collection:
    """Where the documents go, as their chains name it."""

    public_id: str
    name: str
    feature_extractor_id: str


@dataclass(slots=True)
class Step:
    """A new document's lineage as it will be stored."""

    given: LineageInput
    source_collection_id: str | None
    root_object_id: str | None
    root_bucket_id: str | None
    path: str | None
    tier: int
    chain: str | None  # JSON text
    head: str | None = None  # the chain up to the document's own step, where that step is the one made here

    def row(self) -> str:
        """Columns from source_type to chain, for COPY."""
        given = self.given
        texts = (
            given.source_type,
            given.source_object_id,
            self.source_collection_id,
            given.source_document_id,
            self.root_object_id,
            self.root_bucket_id,
            self.path,
        )
        return "\t".join((*map(copied, texts), str(self.tier), copied(self.chain)))


class Linked:
    """The steps of a batch, by position: a Step, None without lineage or for a refused line."""

    def __init__(
        self,
        batch: Sequence[Prepared],
        *,
        collection: Collection,
        now: datetime,
        parents: Mapping[str, StoredParent],
        buckets: Mapping[str, str],
        refused: Several[int],
    ) -> None:
        """`parents`: stored ones by document id; `buckets`: of stored source objects, by object id; `now`: when documents that
        keep no times are made;
        `refused`: positions of lines that don't get in. The others form no circle.
        """
        self._batch = batch
        self._refused = refused
        self._collection = collection
        self._parents = parents
        self._buckets = buckets
        self._now_made_step = self._made_step(now)
        self._positions = {one.document_id: position for position, one in enumerate(batch) if one.document_id}
        self._as_parents: dict[int, StoredParent] = {}
        self._done: list[bool] = [False] * len(batch)
        self.steps: list[Step | None] = [None] * len(batch)
        for position, one in enumerate(batch):
            if one.has_lineage and position not in refused:
                self._link_up(position)

    def _made_step(self, created_at: datetime) -> str:
        """The own step of a document of the collection, to which none was sent."""
        return jsonio.dumps(
            {
                "collection_id": self._collection.public_id,
                "feature_extractor_id": self._collection.feature_extractor_id,
                "timestamp": iso(created_at),
            }
        )

    def _own_step(self, position: int) -> str:
        times = self._batch[position].times
        return self._now_made_step if times is None else self._made_step(times.created_at)

    def _link_up(self, position: int) -> None:
        """Link a document after its ancestors in the batch, of which some may come on later lines."""
        way = []
        current: int | None = position
        while current is not None and not self._done[current]:
            way.append(current)
            current = self._within(self._batch[current].parent_id)
        for one in reversed(way):
            self._link(one)

    def _within(self, document_id: str | None) -> int | None:
        """The line of a document that gets in."""
        position = self._positions.get(document_id or "")
        return None if position in self._refused else position

    def _link(self, position: int) -> None:
        one = self._batch[position]
        sent = one.given.lineage
        self._done[position] = True
        if sent.source_document_id is None:
            self.steps[position] = self._root(sent) if one.has_lineage else None
            return
        within = self._within(sent.source_document_id)
        parent = self._parents.get(sent.source_document_id) if within is None else self._as_parent(within)
        if parent is None:
            self.steps[position] = self._as_sent(sent)
            return
        self.steps[position] = Step(
            sent,
            parent.collection,
            sent.root_object_id if parent.root_object_id is None else parent.root_object_id,
            sent.root_bucket_id if parent.root_bucket_id is None else parent.root_bucket_id,
            None if parent.path is None else f"{parent.path}/{self._collection.public_id}",
            parent.tier + 1,
            *self._chain(parent.chain[:-1] + ",", position),
        )

    def _root(self, sent: LineageInput) -> Step:
        """A document that names no parent: its bucket is that of the object it comes from, where that is stored."""
        from_object = sent.source_type == "bucket" and sent.root_object_id is not None
        return self._as_sent(sent, self._buckets.get(sent.root_object_id or "") if from_object else None)

    def _as_sent(self, sent: LineageInput, stored_bucket: str | None = None) -> Step:
        bucket = stored_bucket if sent.root_bucket_id is None else sent.root_bucket_id
        path = sent.path
        if path is None and sent.source_type == "bucket" and bucket is not None:
            path = f"{bucket}/{self._collection.public_id}"
        chain = lineage.chain_text(sent.chain)
        return Step(sent, sent.source_collection_id, sent.root_object_id, bucket, path, lineage.sent_tier(sent), chain)

    def _chain(self, head: str, position: int) -> tuple[str, str | None]:
        """The chain that begins with `head`, and `head` if the document's own step was not sent but made here."""
        sent = self._batch[position].given.lineage
        if sent.chain and sent.chain[-1].get("collection_id") == self._collection.public_id:
            return f"{head}{jsonio.dumps(sent.chain[-1])}]", None
        return f"{head}{self._own_step(position)}]", head

    def _as_parent(self, position: int) -> StoredParent:
        """A document of the batch as its children see it."""
        found = self._as_parents.get(position)
        if found is not None:
            return found
        one, step = self._batch[position], self.steps[position]
        head = "[" if step is None or step.chain is None else step.head
        if head is not None:
            chain = f'{head}{self._own_step(position)[:-1]},"document_id":"{one.document_id}"}}]'
        else:
            assert step is not None
            assert step.chain is not None
            steps: list[Any] = jsonio.loads(step.chain)
            chain = jsonio.dumps([*steps[:-1], {**steps[-1], "document_id": one.document_id}])
        made = StoredParent(
            collection=self._collection.public_id,
            collection_name=self._collection.name,
            root_object_id=step.root_object_id if step else None,
            root_bucket_id=step.root_bucket_id if step else None,
            path=step.path if step else None,
            tier=step.tier if step else 1,
            chain=chain,
        )
        self._as_parents[position] = made
        return made
