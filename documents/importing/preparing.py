"""From a line to a document that is ready to be written: the API's own reading and checks, and the row's text for COPY."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings

from documents import services
from documents.features import NamedFeature, read_features
from documents.importing.mapping import Mapping
from documents.importing.reading import Line, delimited
from documents.importing.reporting import ERROR_MEMBER, LAYOUT_MEMBER, LINE_MEMBER, Failure
from documents.inputs import RESERVED, DocumentInput, read_create
from mixpeek_site import jsonio
from mixpeek_site.errors import BadRequestError, DomainError, Fault, PayloadTooLargeError, ValidationError
from mixpeek_site.jsonio import JSONObject

# jsonb writes 1e99 out in 100 digits, so a short text may become a long one; a text this much under the limit, whose
# exponents have one digit, can't.
_LARGEST_GROWTH = 4


class Times(NamedTuple):
    """When a document was created and last changed, in UTC."""

    created_at: datetime
    updated_at: datetime


class Prepared(NamedTuple):
    """A document that is valid by itself. `texts`: its JSON columns; the payload is there and not in `given`."""

    line: Line
    given: DocumentInput
    texts: tuple[str, str, str, str, str]  # payload, internal_metadata, system, source_blobs, document_blobs
    features: list[NamedFeature]
    document_id: str | None  # None: it will be made here
    parent_id: str | None
    has_lineage: bool
    collection: str | None = None  # what the line names, where --collection-field has it name one
    times: Times | None = None  # that it keeps


_USER_FIELDS_ALONE = DocumentInput()  # shared by the documents that name nothing else; nobody writes to it


def prepare(
    line: Line, collection_names: frozenset[str] | None, mapping: Mapping | None = None, *, new_times: bool = False
) -> Prepared | Failure:
    """`collection_names`: how a body may name the collection, its id and its name; None: that is not known yet.
    `new_times`: the document is as new as the import, whatever the line says.
    """
    body: JSONObject = {}
    collection = None
    try:
        if line.fault is not None:
            body = _named_in(line)
            raise ValidationError(Fault((), line.fault, "unreadable_row"))
        members = None if line.length or mapping else jsonio.members(line.raw)
        if members is None or ERROR_MEMBER in members:
            body = whole_body(line)
            if mapping:
                body, collection = mapping.apply(body)
            given = read_create(body)
            payload = jsonio.dumps(given.payload)
            given.payload = {}
            may_grow = jsonio.has_long_exponent(line.raw)
        else:
            body, payload = _parted(members, line.raw)
            given = read_create(body) if body else _USER_FIELDS_ALONE
            may_grow = False  # such numbers are for whole_body
        if given.collection is not None and collection_names is not None and given.collection not in collection_names:
            raise BadRequestError(f"The body's collection_id is {given.collection}, which is another collection.")
        may_exceed = may_grow or len(line.raw) * _LARGEST_GROWTH > settings.MAX_DOCUMENT_BYTES
        times = None if new_times or "_internal" not in body else kept_times(body["_internal"])
        return prepared(line, given, payload, may_exceed)._replace(collection=collection, times=times)
    except DomainError as error:
        named = body.get("document_id")
        return failure(line, named if isinstance(named, str) else None, error)


def prepared(line: Line, given: DocumentInput, payload: str, may_exceed: bool = True) -> Prepared:
    """`payload`: its JSON text, which is no longer in `given`; `may_exceed`: whether sizes have to be looked at.

    Raises ValidationError for malformed vectors, PayloadTooLargeError.
    """
    texts = _texts(given, payload, may_exceed)
    sent = given.lineage
    features = read_features(given)
    return Prepared(line, given, texts, features, given.document_id, sent.source_document_id, not sent.is_empty())


def kept_times(internal: JSONObject | None) -> Times | None:
    """The times of a document that comes from a store like this one: of `_internal`, where both are times with a zone and in
    their order. None otherwise: the document is new.
    """
    if not internal:
        return None
    times = [_time(internal.get(name)) for name in Times._fields]
    created, updated = times
    return Times(created, updated) if created is not None and updated is not None and created <= updated else None


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def iso(moment: datetime) -> str:
    """As answers and chains show a time in UTC: ISO 8601, ending in Z, without zeros at the end of a fraction."""
    text = moment.isoformat().removesuffix("+00:00")
    return f"{text.rstrip('0') if '.' in text else text}Z"


def whole_body(line: Line) -> JSONObject:
    """The body that a line holds, every value converted. Raises what the API does for a body, and PayloadTooLargeError."""
    if line.fault is not None:
        raise ValidationError(Fault((), line.fault, "unreadable_row"))
    if line.length:
        limit: int = settings.MAX_BODY_BYTES
        raise PayloadTooLargeError(f"A line may have {limit} bytes; this one has {line.length}.", limit_bytes=limit)
    body = jsonio.loads(line.raw)
    if isinstance(body, dict):
        return mended(body) if ERROR_MEMBER in body else body
    raise ValidationError(Fault(("body",), "must be a JSON object", "dict_type"))


def _parted(members: dict[str, str], raw: bytes) -> tuple[JSONObject, str]:
    """The reserved members, converted, and the payload's text of the others: user fields are stored as they were sent."""
    reserved: JSONObject = {}
    user: list[str] = []
    for name, text in members.items():
        if name in RESERVED or name.startswith("_"):
            reserved[name] = text[1:-1] if text[0] == '"' and "\\" not in text else jsonio.loads(text)
        elif name != "metadata" or text != "null":  # null is an absent metadata
            user.append(f"{jsonio.dumps(name)}:{text}")
    whole = not reserved and len(user) == len(members)
    return reserved, raw.decode() if whole else f"{{{','.join(user)}}}"


_ID = re.compile(rb'"document_id":"([^"\\]*)"')


def _named_in(line: Line) -> JSONObject:
    """The id in the text of a row that is no body, for its report."""
    found = None if line.layout is not None else _ID.search(line.raw)
    return {} if found is None else {"document_id": found[1].decode(errors="replace")}


def failure(line: Line, document_id: str | None, error: DomainError) -> Failure:
    return Failure(line, document_id, error.message, type(error).__name__)


def mended(body: JSONObject) -> JSONObject:
    """The body in a line of an errors file (`reporting.error_line`). Raises what `jsonio.loads` does."""
    about = body.pop(ERROR_MEMBER)
    if LINE_MEMBER not in body:
        return body
    if isinstance(about, dict) and "bytes" in about:
        raise PayloadTooLargeError("The errors file holds only the beginning of this line, which was too long.")
    text: str | bytes = body[LINE_MEMBER]
    if not isinstance(text, str):
        raise ValidationError(Fault(("body", LINE_MEMBER), "must be the text of the line", "string_type"))
    if isinstance(about, dict) and LAYOUT_MEMBER in about:
        try:
            text = delimited.read_again(text, about[LAYOUT_MEMBER])
        except ValueError as error:
            raise ValidationError(Fault(("body", LINE_MEMBER), str(error), "unreadable_row")) from None
    inner = jsonio.loads(text)
    if not isinstance(inner, dict):
        raise ValidationError(Fault(("body",), "must be a JSON object", "dict_type"))
    return inner


def _texts(given: DocumentInput, payload: str, may_exceed: bool) -> tuple[str, str, str, str, str]:
    """The JSON columns. Raises PayloadTooLargeError."""
    texts = (
        payload,
        jsonio.dumps(given.internal_metadata) if given.internal_metadata else "{}",
        jsonio.dumps(given.system) if given.system else "{}",
        jsonio.dumps(given.source_blobs) if given.source_blobs else "[]",
        jsonio.dumps(given.document_blobs) if given.document_blobs else "[]",
    )
    if may_exceed:
        services.require_size(sum(map(jsonio.stored_bytes, texts)) + services.lineage_bytes(given.lineage))
    return texts


# PostgreSQL's text format of COPY ------------------------------------------------------------------------------------

NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copied(text: str | None) -> str:
    """A column's value in COPY's text format."""
    if text is None:
        return NULL
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:  # four of these are faster than one regex
        return text.translate(_ESCAPES)
    return text
