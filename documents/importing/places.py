"""The collections that a run writes to: one, or those that its lines name."""

from contextlib import suppress
from typing import Final

from documents.importing.preparing import Prepared, failure
from documents.importing.reporting import Failure
from documents.importing.writing import Place, place_for
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
