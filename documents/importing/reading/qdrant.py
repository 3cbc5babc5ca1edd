"""A collection of Qdrant, by way of qdrant-client: a server by its URL, or a folder of the client's own local mode.

A point becomes a document: its id the document_id, its payload the user fields, its vectors `vectors`. Qdrant lists
points in the order of their ids, a page at a time.
"""

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from documents.importing.reading.lines import KEPT_OF_TOO_LONG, Line, SourceError
from documents.inputs import RESERVED
from mixpeek_site import jsonio
from mixpeek_site.jsonio import JSONObject

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

PAGE: Final = 256
_LOCAL_MARK: Final = "meta.json"
_WAITS: Final = (1.0, 2.0, 5.0, 10.0, 0.0)  # seconds before a page is asked for again; the last is not


@dataclass(frozen=True, slots=True)
class Points:
    """How points become documents.

    `id_prefix` stands before each id. `vector_name`: of a vector that has no name in Qdrant. `reserved_prefix` stands
    before payload keys that the store reserves (`document_id`, `vectors`, `_…`); with `as_documents` the payload was
    written in the shape of this store's documents, and they are taken for what they say.
    """

    id_prefix: str = ""
    vector_name: str = "default"
    reserved_prefix: str = "payload_"
    as_documents: bool = False
    with_vectors: bool = True

    def body(self, point: Any) -> JSONObject:
        """The body of a create. Raises ValueError: why there is none."""
        fields: JSONObject = dict(point.payload or {})
        if not self.as_documents:
            fields = self._user_fields(fields)
        own: JSONObject = {"document_id": f"{self.id_prefix}{point.id}"}
        vectors = dict(self._vectors(point.vector)) if self.with_vectors else {}
        return {**own, **fields, **({"vectors": vectors} if vectors else {})}

    def _user_fields(self, payload: JSONObject) -> JSONObject:
        kept: JSONObject = {}
        for key, value in payload.items():
            name = key
            if key in RESERVED or key.startswith("_"):
                name = self.reserved_prefix + key
                if name in payload:
                    raise ValueError(f"its payload has both {key}, which is reserved here, and {name}, which it would become")
            kept[name] = value
        return kept

    def _vectors(self, vector: Any) -> Iterator[tuple[str, Any]]:
        named = vector if isinstance(vector, dict) else {} if vector is None else {"": vector}
        for name, value in named.items():
            indices = getattr(value, "indices", None)
            if indices is None:
                yield name or self.vector_name, value
            elif indices:  # a sparse vector of nothing but zeros says nothing, and the store holds none
                yield name or self.vector_name, {"indices": list(indices), "values": list(value.values)}


class _BusyError(SourceError):
    """A server that may answer the next time."""


class QdrantSource:
    """An open collection. `total`: its points, as Qdrant counts them."""

    def __init__(self, client: "QdrantClient", collection: str, points: Points) -> None:
        """Raises SourceError when there is no such collection, or nobody to ask."""
        self._client = client
        self._collection = collection
        self._points = points
        self.name = f"Qdrant collection {collection}"
        with _asking(self.name):
            if not client.collection_exists(collection):
                known = ", ".join(sorted(each.name for each in client.get_collections().collections))
                raise SourceError(f"Qdrant has no collection {collection}; it has: {known or 'none'}")
            self.total: int = client.count(collection, exact=True).count

    def lines(self, max_bytes: int) -> Iterator[Line]:
        """Every point. Raises SourceError when Qdrant does not answer any more."""
        number, offset = 0, None
        while True:
            found, offset = self._page(offset)
            for point in found:
                number += 1
                yield self._line(number, point, max_bytes)
            if offset is None:
                return

    def _page(self, offset: Any) -> tuple[list[Any], Any]:
        for seconds in _WAITS:
            try:
                return self._asked(offset)
            except _BusyError:
                if not seconds:
                    raise
                time.sleep(seconds)
        raise AssertionError("the last try returns or raises")

    def _asked(self, offset: Any) -> tuple[list[Any], Any]:
        with _asking(self.name):
            found, following = self._client.scroll(
                self._collection, limit=PAGE, offset=offset, with_payload=True, with_vectors=self._points.with_vectors
            )
        return list(found), following

    def _line(self, number: int, point: Any, max_bytes: int) -> Line:
        fault = None
        try:
            raw = jsonio.dumps(_plain(self._points.body(point))).encode(errors="surrogatepass")
        except (ValueError, TypeError) as error:
            fault = str(error)
            raw = jsonio.dumps({"document_id": f"{self._points.id_prefix}{point.id}"}).encode()
        if len(raw) > max_bytes:
            return Line(number, raw[:KEPT_OF_TOO_LONG], len(raw), None, self.name, "point")
        return Line(number, raw, 0, fault, self.name, "point")


@contextmanager
def open_qdrant(
    collection: str, points: Points, *, url: str | None = None, path: str | None = None, api_key: str | None, timeout: int
) -> Iterator[QdrantSource]:
    """A collection of the server at `url` or in the folder `path`. Raises SourceError."""
    try:
        from qdrant_client import QdrantClient
    except ImportError:
        raise SourceError(
            "Qdrant is read with qdrant-client, which is not installed: pip install qdrant-client, or the extra `qdrant`"
        ) from None
    if path is not None and not os.path.isfile(os.path.join(path, _LOCAL_MARK)):  # the client would make one there
        raise SourceError(
            f"{path} is no folder of qdrant-client's local mode: there is no {_LOCAL_MARK} in it."
            " The storage folder of a Qdrant server is read through that server, with --url."
        )
    with _asking(path or url or ""), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a key without TLS: the command says it in its own words
        client = (
            QdrantClient(path=path, force_disable_check_same_thread=True)
            if path is not None
            else QdrantClient(url=url, api_key=api_key, timeout=timeout, check_compatibility=False)
        )
    try:
        yield QdrantSource(client, collection, points)
    finally:
        client.close()


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turns what the client raises into SourceErrors."""
    from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except SourceError:
        raise
    except UnexpectedResponse as error:
        code = error.status_code or 0
        reason = "the API key is missing or wrong" if code in (401, 403) else error.reason_phrase
        busy = _BusyError if code == 429 or code >= 500 else SourceError
        raise busy(f"{what} can't be read: Qdrant answers {code}, {reason}") from None
    except ResponseHandlingException as error:
        raise _BusyError(f"{what} can't be read: {_first_line(error)}") from None
    except (ApiException, OSError, ValueError, RuntimeError) as error:
        raise SourceError(f"{what} can't be read: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _plain(value: Any) -> Any:
    """Python's values that local mode keeps, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
