"""The collections that a run writes to: one, or those that its lines name."""

from collections.abc import Iterable, Sequence

from documents import lineage
from documents.importing.preparing import Prepared, failure
from documents.importing.reporting import Failure
from documents.importing.writing import (
    MAX_ABSENT_PARENTS,
    Place,
    Writer,
    Written,
    _halves,
    _InParts,
    _outside,
    _stored,
    place_for,
)
from mixpeek_site.errors import BadRequestError, DomainError, NotFoundError, ValidationError
from namespaces import scope as scopes
from namespaces import services
from namespaces.scope import Scope


class Places:
    """Collections by how lines name them, looked up once each."""

    def __init__(self, scope: Scope, usual: str | None = None, *, create: bool = False) -> None:
        """`usual`: the collection of lines that name none; `create`: make those that are not there.

        Raises NotFoundError for the namespace or the usual collection.
        """
        self._scope = scope
        self._create = create
        self._found: dict[str | None, Place | DomainError] = {}
        self.namespace_id = scopes.require_namespace(scope)
        if usual is not None:
            self._found[None] = place_for(scope, usual)

    def find(self, name: str | None) -> Place:
        """Raises ValidationError and NotFoundError."""
        if name not in self._found:
            self._found[name] = self._looked_up(name)
        found = self._found[name]
        if isinstance(found, DomainError):
            raise found
        return found

    def _looked_up(self, name: str | None) -> Place | DomainError:
        if name is None:
            return BadRequestError("The line names no collection.")
        try:
            try:
                return place_for(self._scope, name)
            except NotFoundError:
                if not self._create:
                    raise
                services.create_collection(scope=self._scope, name=name, config={"source": {"type": "none"}})
                return place_for(self._scope, name)
        except (NotFoundError, ValidationError) as error:
            return error

    def checked(self, one: Prepared | Failure) -> Prepared | Failure:
        """A failure if there is no such collection, or the body names another one."""
        if isinstance(one, Failure):
            return one
        try:
            place = self.find(one.collection)
            named = one.given.collection
            if named is not None and named not in (place.collection.public_id, place.collection.name):
                raise BadRequestError(f"The body's collection_id is {named}, which is another collection.")
        except DomainError as error:
            return failure(one.line, one.document_id, error)
        return one


class PlacesWriter(Writer):
    """Writes batches whose documents, all `Places.checked`, go to several collections: one transaction for all of these.

    Within it one collection follows the other, in the order in which the batch names them first.
    """

    def __init__(self, places: Places, on_conflict: str, *, with_locks: bool = True) -> None:
        self._places = places
        self._on_conflict = on_conflict
        self._with_locks = with_locks
        self._writers: dict[int, Writer] = {}

    def _of(self, one: Prepared) -> Writer:
        place = self._places.find(one.collection)
        if place.collection_id not in self._writers:
            self._writers[place.collection_id] = Writer(place, self._on_conflict, with_locks=self._with_locks)
        return self._writers[place.collection_id]

    @property
    def _look_first(self) -> bool:
        return any(writer._look_first for writer in self._writers.values())

    @_look_first.setter
    def _look_first(self, value: bool) -> None:
        for writer in self._writers.values():
            writer._look_first = value

    def _write_whole(self, batch: Sequence[Prepared]) -> Written:
        parts: dict[Writer, list[Prepared]] = {}
        for one in batch:
            parts.setdefault(self._of(one), []).append(one)
        if len(parts) == 1:
            return next(iter(parts))._write_whole(batch)
        written = Written()
        try:
            self._lock(batch, parts.values())
            for writer, part in parts.items():
                written.add(writer._write_whole(part))
        except _InParts:  # of one of the collections; between them are others' documents
            raise _InParts(*_halves(batch)) from None
        return written

    def _lock(self, batch: Sequence[Prepared], parts: Iterable[Sequence[Prepared]]) -> None:
        """Locks are taken in one order everywhere, and the namespace's is the last: so those of all parts come at once."""
        wanted = set[str]().union(*map(_outside, parts))
        if not self._with_locks or not (wanted or any(one.document_id is not None for one in batch)):
            return
        namespace_id = self._places.namespace_id
        absent = wanted - _stored(namespace_id, wanted)
        if len(absent) > MAX_ABSENT_PARENTS:
            raise _InParts()
        lineage.lock_batch(namespace_id, absent_parents=absent)

    def _move(self, one: Prepared) -> Written:
        return self._of(one)._move(one)

    def _collection_gone(self) -> NotFoundError:
        return NotFoundError("A collection was deleted meanwhile.", resource="collection")
