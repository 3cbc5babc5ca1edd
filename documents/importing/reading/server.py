"""The documents of another server of the API, of any generation: what it understands is found out by asking.

Rows are read as they come, in pages by cursor (by offset where there is none), several partitions at once. Asked for in
the native rendering, which shows most; a server that knows only its own shape is read in that.
"""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from documents.importing.reading.lines import KEPT_OF_TOO_LONG, Line, SourceError
from documents.importing.reading.remote import Answer, RefusedError, Remote, segment
from documents.inputs import INTERNAL_IDENTITY, INTERNAL_PARTS, RESERVED
from mixpeek_site import jsonio
from mixpeek_site.jsonio import JSONObject

KEPT_MEMBER: Final = "source_members"
"""Member of the internal metadata that keeps what another server's system part holds and this one's does not."""

_LIMITS: Final = (1000, 100, 10)
_PLACES: Final = (("query", "body"), ("query",), ("body",))  # where a generation reads limit, cursor and offset
_ANSWERS_OWN: Final = frozenset(("vector_hydration_incomplete", "searchable_at"))
_NO_SUCH_VERSION: Final = "none-such"
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server understands of a list of documents."""

    renderings: bool = False  # schema_version
    partitions: bool = False
    vectors: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One walk: a partition of a collection, of the documents of one schema version where the server tells it."""

    query: JSONObject
    body: JSONObject
    schema_version: str | None = None


class Server:
    """A server's lists."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._ways: dict[str, tuple[tuple[str, ...], int]] = {}  # by route: where limit goes, and how high it may be

    def namespaces(self) -> Iterator[JSONObject]:
        return self._objects("namespaces/list")

    def namespace(self, identifier: str) -> JSONObject:
        return self._remote.get(f"namespaces/{segment(identifier)}")

    def collections(self, namespace: str) -> Iterator[JSONObject]:
        return self._objects("collections/list", namespace)

    def buckets(self, namespace: str) -> Iterator[JSONObject]:
        return self._objects("buckets/list", namespace)

    def objects(self, namespace: str, bucket: str) -> Iterator[bytes]:
        """Each as JSON, not checked yet."""
        for answer in self._pages(f"buckets/{segment(bucket)}/objects/list", namespace, {}, {}):
            yield from answer.rows

    def dialect(self, namespace: str, collection: str, *, with_vectors: bool) -> Dialect:
        """What the server understands, found out by asking for one document: a value that can't be must be refused."""
        understood = {}
        for name, query, body, wrong_query, wrong_body in (
            ("renderings", {"schema_version": "native"}, {}, {"schema_version": _NO_SUCH_VERSION}, {}),
            ("partitions", {}, {"partition": {"index": 0, "count": 2}}, {}, {"partition": {"index": -1, "count": 0}}),
        ):
            accepted = self._accepts(namespace, collection, query, body)
            understood[name] = accepted and not self._accepts(namespace, collection, wrong_query, wrong_body)
        vectors = with_vectors and self._accepts(namespace, collection, {}, {"return_vectors": True})
        return Dialect(understood["renderings"], understood["partitions"], vectors)

    def _accepts(self, namespace: str, collection: str, query: JSONObject, body: JSONObject) -> bool:
        try:
            self._remote.list(_documents(collection), namespace=namespace, query={"limit": 1, **query}, body=body)
        except RefusedError as refused:
            if refused.status in (400, 422):
                return False
            raise
        return True

    def parts(self, namespace: str, collection: str, dialect: Dialect, partitions: int) -> list[Part]:
        """The walks that meet each of a collection's documents once."""
        query = {"schema_version": "native"} if dialect.renderings else {}
        body = {"return_vectors": True} if dialect.vectors else {}
        whole = [Part(query, body)]
        if dialect.renderings and self._has_versions(namespace, collection):
            # The native rendering does not say which one a document was created for.
            field = "document_schema_version"
            unset = {"field": field, "operator": "is_null", "value": True}
            whole = [Part(query, {**body, "filters": unset})]
            for version in ("v1", "v2"):
                filters = {"field": field, "operator": "eq", "value": version}
                whole.append(Part(query, {**body, "filters": filters}, version))
        if not dialect.partitions or partitions == 1:
            return whole
        return [
            replace(part, body={**part.body, "partition": {"index": index, "count": partitions}})
            for part in whole
            for index in range(partitions)
        ]

    def _has_versions(self, namespace: str, collection: str) -> bool:
        filters = {"field": "document_schema_version", "operator": "exists", "value": True}
        path = _documents(collection)
        try:
            found = self._remote.list(path, namespace=namespace, query={"limit": 1}, body={"filters": filters})
        except RefusedError:
            return False
        return bool(found.rows)

    def documents(self, namespace: str, collection: str, parts: list[Part], readers: int) -> Iterator[bytes]:
        """Bodies of creates, of every part; so many parts are read at once. Raises SourceError."""
        waiting = queue.SimpleQueue[Part]()
        for part in parts:
            waiting.put(part)
        ready: queue.Queue[list[bytes] | BaseException | None] = queue.Queue(readers)
        ended = threading.Event()

        def put(item: list[bytes] | BaseException | None) -> bool:
            while not ended.is_set():
                try:
                    ready.put(item, timeout=0.2)
                    return True
                except queue.Full:
                    continue
            return False

        def read() -> None:
            try:
                while True:
                    part = waiting.get_nowait()
                    for answer in self._pages(_documents(collection), namespace, part.query, part.body):
                        if not put([body_of(row, part.schema_version) for row in answer.rows]):
                            return
            except queue.Empty:
                put(None)
            except BaseException as error:
                put(error)

        running = min(readers, len(parts))
        for number in range(running):
            threading.Thread(target=read, name=f"import-page-{number}", daemon=True).start()
        try:
            while running:
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    running -= 1
                else:
                    yield from item
        finally:
            ended.set()

    def lines(self, rows: Iterable[bytes], collection: str, max_bytes: int) -> Iterator[Line]:
        """The bodies as lines."""
        for number, raw in enumerate(rows, 1):
            if len(raw) > max_bytes:
                yield Line(number, raw[:KEPT_OF_TOO_LONG], len(raw), None, collection, "document")
            else:
                yield Line(number, raw, 0, None, collection, "document")

    def _objects(self, path: str, namespace: str | None = None) -> Iterator[JSONObject]:
        for answer in self._pages(path, namespace, {}, {}):
            for row in answer.rows:
                yield jsonio.loads(row)

    def _pages(self, path: str, namespace: str | None, query: JSONObject, body: JSONObject) -> Iterator[Answer]:
        """Every page of a list. By cursor; a server that gives none is asked by offset until a page says nothing new."""
        where: JSONObject = {}
        offset, first = 0, b""
        while True:
            answer, limit = self._page(path, namespace, query, body, where)
            if not answer.rows or (offset and answer.rows[0] == first):
                return
            yield answer
            if cursor := answer.pagination.get("next_cursor"):
                if where.get("cursor") == cursor:
                    raise SourceError(f"{path}: the server gives the same cursor again and again.")
                where = {"cursor": cursor}
                continue
            first = first or answer.rows[0]
            offset += len(answer.rows)
            if "cursor" in where or not _has_more(answer, limit, offset):
                return
            where = {"offset": offset}

    def _page(
        self, path: str, namespace: str | None, query: JSONObject, body: JSONObject, where: JSONObject
    ) -> tuple[Answer, int]:
        """A page, and how many rows it may have. Finds out where this list reads its limit, and the highest it takes."""
        known = self._ways.get(path)
        ways = [known] if known else [(places, limit) for limit in _LIMITS for places in _PLACES]
        refused: RefusedError | None = None
        for places, limit in ways:
            asked = {"limit": limit, **where}
            try:
                answer = self._remote.list(
                    path,
                    namespace=namespace,
                    query={**query, **(asked if "query" in places else {})},
                    body={**body, **(asked if "body" in places else {})},
                )
            except RefusedError as error:
                if error.status not in (400, 422) or known or error.named.isdisjoint(("limit", *where)):
                    raise
                refused = error
                continue
            self._ways[path] = (places, limit)
            return answer, limit
        assert refused is not None
        raise refused


def _has_more(answer: Answer, limit: int, read: int) -> bool:
    """Whether a server that gave no cursor may have more; some take a lower limit than was asked for without a word."""
    told = answer.pagination
    size, total = told.get("page_size"), told.get("total")
    full = min(limit, size) if isinstance(size, int) and size > 0 else limit
    return bool(told.get("next_page")) or len(answer.rows) >= full or (isinstance(total, int) and total > read)


def _documents(collection: str) -> str:
    return f"collections/{segment(collection)}/documents/list"


# From an answer to a body ---------------------------------------------------------------------------------------------


def body_of(row: bytes, schema_version: str | None = None) -> bytes:
    """A document as some generation shows it, as the body of a create here.

    What only answers have is left out. Members of the system part that this store does not know are kept in its internal
    metadata, as `source_members`. A lone `vector` gets the name `default`. What can't be read stays as it is.
    """
    try:
        members = _members.decode(row)
        internal = _members.decode(members["_internal"]) if "_internal" in members else {}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return row
    version = schema_version or ("" if "_internal" in members else _shape(members))
    if version and "document_schema_version" not in members:
        row = b'{"document_schema_version":"%b",%b' % (version.encode(), row.lstrip()[1:])
    strange = [name for name in members if name.startswith("_") and name not in RESERVED]
    strange_internal = [name for name in internal if name not in INTERNAL_PARTS and name not in INTERNAL_IDENTITY]
    lone_vector = "vector" in members and "vectors" not in members and bytes(members["vector"]) != b"null"
    if not strange and not strange_internal and not lone_vector and _ANSWERS_OWN.isdisjoint(members):
        return row
    return jsonio.dumps(_changed(jsonio.loads_stored(row.decode()), strange, strange_internal, lone_vector)).encode()


def _shape(members: dict[str, Any]) -> str:
    """Which generation's shape a document without `_internal` has."""
    return "v2" if "lineage_chain" in members else "v1"


def _changed(body: JSONObject, strange: list[str], strange_internal: list[str], lone_vector: bool) -> JSONObject:
    for name in _ANSWERS_OWN:
        body.pop(name, None)
    kept = {name: body.pop(name) for name in strange}
    if strange_internal:
        internal = body["_internal"]
        kept |= {name: internal.pop(name) for name in strange_internal}
    kept = {name: value for name, value in kept.items() if value is not None}
    if kept:
        holder, name = (body["_internal"], "metadata") if body.get("_internal") else (body, "internal_metadata")
        holder[name] = {**(holder.get(name) or {}), KEPT_MEMBER: kept}
    if lone_vector:
        body["vectors"] = {"default": body.pop("vector")}
    return body
