"""From stored documents to responses: the rendering the request chose, ETag, conditional answers."""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from documents import blobs
from documents.features import Vectors
from documents.renderings import NO_EXTRAS, Extras, lone_vector, renderer
from documents.stored import StoredDocument
from mixpeek_site import jsonio
from mixpeek_site.api.query import boolean
from mixpeek_site.blob_stores import Owner
from mixpeek_site.errors import Fault, ValidationError

RENDERING_PARAMETERS = frozenset(
    ("schema_version", "return_url", "return_urls", "return_presigned_urls", "return_vectors", "return_vector_names")
)
SCHEMA_VERSIONS = ("native", "v1", "v2")
URL_FLAGS = ("return_presigned_urls", "return_urls", "return_url")
_ETAG = re.compile(r'(W/)?"(\d+)(?:-[^"]*)?"')


@dataclass(frozen=True, slots=True)
class Shape:
    """How a request wants its documents shown."""

    schema_version: str | None = None  # None: as each document chose at its creation
    urls: bool = False
    vectors: bool = False
    only_vectors: tuple[str, ...] = ()  # of these names; empty: all
    vector_names: bool = False

    @property
    def needs_vectors(self) -> Vectors:
        """What has to be read of them."""
        return self.vectors or (self.vector_names and "names")

    def of(self, document: StoredDocument) -> str:
        return self.schema_version or document.schema_version or settings.DEFAULT_SCHEMA_VERSION

    def render(self, document: StoredDocument, organization_id: str) -> str:
        """The document's JSON text."""
        version = self.of(document)
        extras = NO_EXTRAS
        if self.urls:
            signed = blobs.signed(document.document_blobs, Owner(organization_id, document.namespace))
            flat = version != "native"
            extras = Extras(
                signed.document_blobs,
                signed.presigned_url if flat else None,
                signed.presigned_urls if flat else "[]",
            )
        if self.needs_vectors:
            extras = self._with_vectors(extras, jsonio.stored_members(document.vectors or "{}"))
        return renderer(version)(document, organization_id, extras)

    def _with_vectors(self, extras: Extras, stored: dict[str, str]) -> Extras:
        """`stored`: the JSON texts of the vectors by name."""
        names = jsonio.dumps(list(stored)) if self.vector_names else None
        if not self.vectors:
            return replace(extras, vector_names=names)
        shown = {name: text for name, text in stored.items() if not self.only_vectors or name in self.only_vectors}
        return replace(extras, vector_names=names, vectors=jsonio.from_members(shown), vector=lone_vector(shown))

    def etag(self, document: StoredDocument) -> str:
        """A strong tag of the version and the representation."""
        flags = ("-urls" if self.urls else "") + (f"-{self._vector_tag()}" if self.needs_vectors else "")
        return f'"{document.version}-{self.of(document)}{flags}"'

    def _vector_tag(self) -> str:
        chosen = jsonio.dumps([self.vectors, self.only_vectors, self.vector_names])
        return hashlib.sha256(chosen.encode()).hexdigest()[:12]


PLAIN_SHAPE = Shape()


def read_shape(query: dict[str, str]) -> Shape:
    """Raises ValidationError for a flag that is no boolean or an unknown schema_version."""
    if not query:
        return PLAIN_SHAPE
    version = query.get("schema_version") or None
    if version not in (None, *SCHEMA_VERSIONS):
        raise ValidationError(Fault(("query", "schema_version"), "must be native, v1 or v2", "enum"))
    vectors = boolean(query, "return_vectors")
    names = query.get("return_vector_names", "")
    vector_names = names.lower() in ("true", "1")
    only: tuple[str, ...] = ()
    if names and names.lower() not in ("true", "1", "false", "0"):
        only = () if vectors else tuple(filter(None, map(str.strip, names.split(","))))
        vectors = True
    urls = any([boolean(query, flag) for flag in URL_FLAGS])  # noqa: C419  # each is checked, whatever the first says
    return Shape(version, urls, vectors, only, vector_names)


def rendering_flags(query: dict[str, str], body: dict[str, Any]) -> dict[str, str]:
    """The rendering flags of query and body, as texts for `read_shape`; the body wins, null is absent.

    Raises ValidationError for a flag of the wrong type.
    """
    flags = {name: text for name, text in query.items() if name in RENDERING_PARAMETERS}
    for name in RENDERING_PARAMETERS:
        value = body.get(name)
        if value is None:
            continue
        if name == "schema_version":
            if value not in SCHEMA_VERSIONS:
                raise ValidationError(Fault(("body", name), "must be native, v1 or v2", "enum"))
            flags[name] = value
        elif isinstance(value, bool):
            flags[name] = "true" if value else "false"
        elif name == "return_vector_names" and isinstance(value, list) and all(isinstance(item, str) for item in value):
            flags[name] = ",".join(value)
        else:
            raise ValidationError(Fault(("body", name), "must be true or false", "bool_type"))
    return flags


def document_response(request: HttpRequest, document: StoredDocument, shape: Shape, organization_id: str) -> HttpResponse:
    """200 with the document and its ETag; 304 when a GET's If-None-Match names it and no URL was signed."""
    etag = shape.etag(document)
    if not shape.urls and is_known(request, etag):
        return HttpResponseNotModified(headers={"ETag": etag})
    return tagged_response(shape.render(document, organization_id), etag)


def tagged_response(text: str, etag: str) -> HttpResponse:
    response = HttpResponse(text, content_type="application/json")
    response.headers["ETag"] = etag
    return response


def is_known(request: HttpRequest, etag: str) -> bool:
    """Whether a GET's If-None-Match names the tag."""
    wanted = request.META.get("HTTP_IF_NONE_MATCH")
    return wanted is not None and request.method in ("GET", "HEAD") and _names(wanted, etag)


def _names(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in header.split(",")]


def if_match(request: HttpRequest) -> list[int] | None:
    """The versions that If-Match accepts; None without the header and for `*`. Weak and foreign tags match nothing."""
    header = request.META.get("HTTP_IF_MATCH")
    if not header or header.strip() == "*":
        return None
    tags = (_ETAG.fullmatch(tag.strip()) for tag in header.split(","))
    return [int(tag[2]) for tag in tags if tag and not tag[1] and len(tag[2]) < 19]
