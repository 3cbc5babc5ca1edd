"""From a line to a document that is ready to be written: the API's own reading and checks, and the row's text for COPY."""

import re
from typing import NamedTuple

from django.conf import settings

from documents import services
from documents.features import NamedFeature, read_features
from documents.importing.reading import Line
from documents.importing.reporting import ERROR_MEMBER, LINE_MEMBER, Failure
from documents.inputs import RESERVED, DocumentInput, read_create
from mixpeek_site import jsonio
from mixpeek_site.errors import BadRequestError, DomainError, Fault, PayloadTooLargeError, ValidationError
from mixpeek_site.jsonio import JSONObject

# jsonb writes 1e99 out in 100 digits, so a short text may become a long one; a text this much under the limit, whose
# exponents have one digit, can't.
_LARGEST_GROWTH = 4


class Prepared(NamedTuple):
    """A document that is valid by itself. `parts` are its JSON columns, escaped for COPY and joined by tabs."""

    line: Line
    given: DocumentInput
    parts: str
    features: list[NamedFeature]

    @property
    def document_id(self) -> str | None:
        return self.given.document_id

    @property
    def parent_id(self) -> str | None:
        return self.given.lineage.source_document_id


def prepare(line: Line, collection_names: frozenset[str]) -> Prepared | Failure:
    """`collection_names`: how a body may name the collection, its id and its name."""
    document_id = None
    try:
        if line.length:
            limit: int = settings.MAX_BODY_BYTES
            raise PayloadTooLargeError(f"A line may have {limit} bytes; this one has {line.length}.", limit_bytes=limit)
        body = jsonio.loads(line.raw)
        if not isinstance(body, dict):
            raise ValidationError(Fault(("body",), "must be a JSON object", "dict_type"))
        raw: bytes | None = line.raw
        if ERROR_MEMBER in body:
            body, raw = mended(body), None
        found = body.get("document_id")
        document_id = found if isinstance(found, str) else None
        if not RESERVED.isdisjoint(body) or body.get("metadata", body) is None:
            raw = None  # the payload is not the whole body
        given = read_create(body)
        if given.collection is not None and given.collection not in collection_names:
            raise BadRequestError(f"The body's collection_id is {given.collection}, which is another collection.")
        return Prepared(line, given, _parts(given, line.raw, raw), read_features(given))
    except DomainError as error:
        return failure(line, document_id, error)


def failure(line: Line, document_id: str | None, error: DomainError) -> Failure:
    return Failure(line, document_id, error.message, type(error).__name__)


def mended(body: JSONObject) -> JSONObject:
    """The body in a line of an errors file (`reporting.error_line`). Raises what `jsonio.loads` does."""
    about = body.pop(ERROR_MEMBER)
    if LINE_MEMBER not in body:
        return body
    if isinstance(about, dict) and "bytes" in about:
        raise PayloadTooLargeError("The errors file holds only the beginning of this line, which was too long.")
    text = body[LINE_MEMBER]
    if not isinstance(text, str):
        raise ValidationError(Fault(("body", LINE_MEMBER), "must be the text of the line", "string_type"))
    inner = jsonio.loads(text.encode(errors="surrogateescape"))
    if not isinstance(inner, dict):
        raise ValidationError(Fault(("body",), "must be a JSON object", "dict_type"))
    return inner


def _parts(given: DocumentInput, line: bytes, whole: bytes | None) -> str:
    """`whole`: the line's text when it is the payload as it stands, which saves writing it anew."""
    payload = whole.decode() if whole is not None and whole.startswith(b"{") else jsonio.dumps(given.payload)
    others = (
        jsonio.dumps(given.internal_metadata) if given.internal_metadata else "{}",
        jsonio.dumps(given.system) if given.system else "{}",
        jsonio.dumps(given.source_blobs) if given.source_blobs else "[]",
        jsonio.dumps(given.document_blobs) if given.document_blobs else "[]",
    )
    if len(line) * _LARGEST_GROWTH > settings.MAX_DOCUMENT_BYTES or jsonio.has_long_exponent(line):
        services.require_size(jsonio.stored_bytes(payload) + sum(map(jsonio.stored_bytes, others)))
    parts = "\t".join(others)
    if "\\" in parts:
        parts = parts.replace("\\", "\\\\")
    # The line's own text may have tabs and carriage returns between its tokens.
    return f"{copied(payload)}\t{parts}\t{given.schema_version or NULL}"


# PostgreSQL's text format of COPY ------------------------------------------------------------------------------------

NULL = "\\N"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copied(text: str | None) -> str:
    """A column's value in COPY's text format."""
    if text is None:
        return NULL
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text
