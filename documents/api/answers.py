"""From stored documents to responses: the rendering the request chose, ETag, conditional answers."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from documents import blobs
from documents.renderings import NO_EXTRAS, Extras, renderer
from documents.stored import StoredDocument
from mixpeek_site.api.query import boolean
from mixpeek_site.errors import Fault, ValidationError

RENDERING_PARAMETERS = frozenset(
    ("schema_version", "return_url", "return_urls", "return_presigned_urls", "return_vectors", "return_vector_names")
)
_URL_FLAGS = ("return_presigned_urls", "return_urls", "return_url")
_ETAG = re.compile(r'(W/)?"(\d+)(?:-[^"]*)?"')


@dataclass(frozen=True, slots=True)
class Shape:
    """How a request wants its documents shown."""

    schema_version: str | None = None  # None: as each document chose at its creation
    urls: bool = False

    def of(self, document: StoredDocument) -> str:
        return self.schema_version or document.schema_version or settings.DEFAULT_SCHEMA_VERSION

    def render(self, document: StoredDocument, organization_id: str) -> str:
        """The document's JSON text."""
        version = self.of(document)
        extras = NO_EXTRAS
        if self.urls:
            signed = blobs.signed(document.document_blobs)
            extras = Extras(signed.document_blobs, signed.presigned_url, signed.presigned_urls)
        return renderer(version)(document, organization_id, extras)

    def etag(self, document: StoredDocument) -> str:
        """A strong tag of the version and the representation."""
        return f'"{document.version}-{self.of(document)}{"-urls" if self.urls else ""}"'


PLAIN_SHAPE = Shape()


def read_shape(query: dict[str, str]) -> Shape:
    """Raises ValidationError for a flag that is no boolean or an unknown schema_version."""
    if not query:
        return PLAIN_SHAPE
    version = query.get("schema_version") or None
    if version not in (None, "native", "v1", "v2"):
        raise ValidationError(Fault(("query", "schema_version"), "must be native, v1 or v2", "enum"))
    return Shape(version, urls=any([boolean(query, flag) for flag in _URL_FLAGS]))


def document_response(
    request: HttpRequest, document: StoredDocument, shape: Shape, organization_id: str
) -> HttpResponse:
    """200 with the document and its ETag; 304 when a GET's If-None-Match names it and no URL was signed."""
    etag = shape.etag(document)
    wanted = request.META.get("HTTP_IF_NONE_MATCH")
    if wanted and not shape.urls and request.method in ("GET", "HEAD") and _names(wanted, etag):
        return HttpResponseNotModified(headers={"ETag": etag})
    response = HttpResponse(shape.render(document, organization_id), content_type="application/json")
    response.headers["ETag"] = etag
    return response


def _names(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in header.split(",")]


def if_match(request: HttpRequest) -> list[int] | None:
    """The versions that If-Match accepts; None without the header and for `*`. Weak and foreign tags match nothing."""
    header = request.META.get("HTTP_IF_MATCH")
    if not header or header.strip() == "*":
        return None
    tags = (_ETAG.fullmatch(tag.strip()) for tag in header.split(","))
    return [int(tag[2]) for tag in tags if tag and not tag[1] and len(tag[2]) < 19]
