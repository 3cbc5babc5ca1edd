"""The collections that a run writes to: one, or those that its lines name."""

from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from documents.importing.linking import Collection
from documents.importing.preparing import Prepared, failure
from documents.importing.reporting import Failure
from mixpeek_site import sql
from mixpeek_site.errors import (
    AlreadyExistsError,
    BadRequestError,
    DomainError,
    NotFoundError,
    ServiceUnavailableError,
    ValidationError,
)
from namespaces import scope as scopes
from namespaces import services
from namespaces.scope import Scope

_MAX_REFUSED: Final = 1000


class Place(NamedTuple):
    """Where the documents go."""

    scope: Scope
    namespace_id: int
    collection_id: int
    collection: Collection


class Finder(Protocol):
    """Where documents go that name their collections; those that a writer gets name one that there is."""

    def find(self, name: str | None, /) -> Place: ...


class OnePlace(NamedTuple):
    """All documents go to one place."""

    place: Place

    def find(self, name: str | None, /) -> Place:
        return self.place


def place_for(scope: Scope, collection_identifier: str) -> Place:
    """Raises NotFoundError for the namespace or the collection."""
    cte, params = scope.cte(collection_identifier)
    row = sql.one(
        f"WITH {cte} SELECT scope.namespace_id, scope.collection_id, c.public_id, c.name, c.feature_extractor_id"
        " FROM scope JOIN namespaces_collection c ON c.namespace_id = scope.namespace_id AND c.id = scope.collection_id",
        params,
    )
    if row is None:
        scopes.require_collection(scope, collection_identifier)
        raise scopes.collection_not_found(collection_identifier)
    return Place(scope, row[0], row[1], Collection(*row[2:]))


class Places:
    """Collections by how lines name them, looked up once each."""

    def __init__(self, scope: Scope, usual: str | None = None, *, create: bool = False) -> None:
        """`usual`: the collection of lines that name none; `create`: make those that are not there, when a line needs them.

        Raises NotFoundError for the namespace or, where it is not to be made, the usual collection.
        """
        self._scope = scope
        self._create = create
        self._found: dict[str | None, Place] = {}
        self._refused: dict[str | None, DomainError] = {}
        self.namespace_id = scopes.require_namespace(scope)
        self._usual = usual
        if usual is not None and not create:
            self._found[None] = place_for(scope, usual)

    def find(self, name: str | None) -> Place:
        """Raises ValidationError and NotFoundError."""
        found = self._of(name)
        if isinstance(found, DomainError):
            raise found
        return found

    def _of(self, name: str | None) -> Place | DomainError:
        if (found := self._found.get(name) or self._refused.get(name)) is not None:
            return found
        found = self._looked_up(name)
        if isinstance(found, Place):
            self._found[name] = found
            return found
        if len(self._refused) >= _MAX_REFUSED:  # every row of a large input may name one that is not there
            self._refused.clear()
        found.__traceback__ = found.__cause__ = found.__context__ = None  # which hold what the look-up held
        self._refused[name] = found
        return found

    def _looked_up(self, name: str | None) -> Place | DomainError:
        if name is None:
            name = self._usual
        if name is None:
            return BadRequestError("The line names no collection.")
        try:
            try:
                return place_for(self._scope, name)
            except NotFoundError:
                if not self._create:
                    raise
                with suppress(AlreadyExistsError):  # another process was faster
                    services.create_collection(scope=self._scope, name=name, config={"source": {"type": "none"}})
                return place_for(self._scope, name)
        except (NotFoundError, ValidationError) as error:
            return error

    def checked(self, one: Prepared | Failure) -> Prepared | Failure:
        """A failure if there is no such collection, or the body names another one. Raises ServiceUnavailableError."""
        if isinstance(one, Failure):
            return one
        try:
            place = self._of(one.collection)
            if isinstance(place, DomainError):
                return failure(one.line, one.document_id, place)
            named = one.given.collection
            if named is not None and named not in (place.collection.public_id, place.collection.name):
                raise BadRequestError(f"The body's collection_id is {named}, which is another collection.")
        except ServiceUnavailableError:
            raise  # which is no fault of the line
        except DomainError as error:
            return failure(one.line, one.document_id, error)
        return one
