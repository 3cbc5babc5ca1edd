"""`_expanded`: what documents point at, in their answers. Documents are shown there as the others, without vectors."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from documents.api.answers import Shape, is_known, tagged_response
from documents.listing import Expansion, RegisteredObject, Value, expand, read_expansion
from documents.stored import StoredDocument
from mixpeek_site import jsonio
from mixpeek_site.blob_stores import Owner
from mixpeek_site.jsonio import Location
from namespaces.api import payloads
from namespaces.scope import Scope


def read_expand(query: Mapping[str, str]) -> tuple[Expansion, ...]:
    """Of a query's `expand`, names separated by commas. Raises ValidationError."""
    names = [name for name in map(str.strip, query.get("expand", "").split(",")) if name]
    return read_expansions(names, ("query", "expand"))


def read_expansions(names: Sequence[str], location: Location) -> tuple[Expansion, ...]:
    """Each name once. Raises ValidationError."""
    return tuple(read_expansion(name, (*location, place)) for place, name in enumerate(dict.fromkeys(names)))


class Expander:
    """Puts `_expanded` into rendered documents; what several of them lead to is rendered once."""

    def __init__(self, shape: Shape, owner: Owner) -> None:
        self._shape = replace(shape, vectors=False, only_vectors=(), vector_names=False)
        self._owner = owner
        self._rendered: dict[int, str] = {}

    def with_expanded(self, rendered: str, values: dict[str, Value]) -> str:
        members = ",".join([f"{jsonio.dumps(name)}:{self._text(value)}" for name, value in values.items()])
        return f'{rendered[:-1]},"_expanded":{{{members}}}}}'

    def _text(self, value: Value) -> str:
        if value is None:
            return "null"
        if isinstance(value, list):
            return f"[{','.join(map(self._text, value))}]"
        text = self._rendered.get(id(value))
        if text is None:
            text = self._rendered[id(value)] = self._render(value)
        return text

    def _render(self, value: StoredDocument | RegisteredObject) -> str:
        if isinstance(value, StoredDocument):
            return self._shape.render(value, self._owner.organization)
        urls_for = self._owner if self._shape.urls else None
        answer = payloads.bucket_object(value.row, value.bucket, document_count=value.documents, urls_for=urls_for)
        return jsonio.dumps(answer)


def expanded_response(
    request: HttpRequest, scope: Scope, document: StoredDocument, shape: Shape, expansions: Sequence[Expansion]
) -> HttpResponse:
    """200 with the document, what it leads to, and an ETag of all of that; 304 as for the document alone.

    Raises ValidationError when it leads to too much.
    """
    (values,) = expand(scope, [document], expansions, max_bytes=settings.MAX_ANSWER_BYTES)
    organization = scope.organization_public_id
    text = Expander(shape, Owner(organization, document.namespace)).with_expanded(shape.render(document, organization), values)
    etag = f'"{document.version}-expanded-{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
    if not shape.urls and is_known(request, etag):
        return HttpResponseNotModified(headers={"ETag": etag})
    return tagged_response(text, etag)
