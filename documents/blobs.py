"""Blob URLs in answers: signed for whoever may have them, or why not (contract section 9).

Blobs are read as JSON texts: a page has thousands, and nothing but three of their members matters here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from mixpeek_site import blob_stores, jsonio
from mixpeek_site.blob_stores import Owner


class _Url(msgspec.Struct):
    """What is read of a blob where nothing else is asked."""

    url: str


_blobs = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_urls = msgspec.json.Decoder(list[_Url])
_text = msgspec.json.Decoder(str)


@dataclass(frozen=True, slots=True)
class SignedBlobs:
    """A document's blobs as shown when URLs are asked for; JSON texts."""

    document_blobs: str
    presigned_url: str | None
    presigned_urls: str


_NONE = SignedBlobs("[]", None, "[]")


def signed(document_blobs: str, owner: Owner) -> SignedBlobs:
    """Blobs with a `presigned_url` each, or the reason why there is none. No network call. `owner`: whose document it is."""
    if document_blobs == "[]":
        return _NONE
    shown: list[str] = []
    urls: list[str] = []
    first: str | None = None
    for blob in _blobs.decode(document_blobs):
        members = "".join([f"{jsonio.dumps(name)}:{bytes(value).decode()}," for name, value in blob.items()])
        found = blob_stores.sign(_text.decode(blob["url"]), owner)
        if found.url is None:
            shown.append(f'{{{members}"unavailable_reason":{jsonio.dumps(found.reason)}}}')
            continue
        url = jsonio.dumps(found.url)
        first = first or url
        shown.append(f'{{{members}"presigned_url":{url}}}')
        urls.append(f'{{"key_name":{bytes(blob["field"]).decode()},"object_key":{_object_key(blob)},"presigned_url":{url}}}')
    return SignedBlobs(f"[{','.join(shown)}]", first, f"[{','.join(urls)}]")


def unavailable(document_blobs: str, owner: Owner) -> set[str]:
    """Why some of the blobs have no `presigned_url`: the reasons, none if all have one."""
    if document_blobs == "[]":
        return set()
    return {blob_stores.why_not(blob.url, owner) for blob in _urls.decode(document_blobs)} - {""}


class Fetchable(NamedTuple):
    """A blob to be fetched: `url`, or the `reason` why it can't be."""

    field: str
    url: str | None
    reason: str


def fetchable(document_blobs: str, owner: Owner) -> Iterator[Fetchable]:
    """The blobs one by one, in their order."""
    for blob in _blobs.decode(document_blobs):
        found = blob_stores.sign(_text.decode(blob["url"]), owner)
        yield Fetchable(_text.decode(blob["field"]), found.url, found.reason)


def _object_key(blob: dict[str, msgspec.Raw]) -> str:
    """The key inside the bucket, as JSON: what the blob says, else the path of its URL."""
    said = blob.get("object_key")
    if said is not None and bytes(said) not in (b"null", b'""'):
        return bytes(said).decode()
    scheme, _, rest = _text.decode(blob["url"]).partition("://")
    if scheme.lower() in ("s3", "local"):
        return jsonio.dumps(rest.partition("/")[2])
    try:
        return jsonio.dumps(urlsplit(f"{scheme}://{rest}").path.lstrip("/"))
    except ValueError:  # such as an unclosed bracket in the host
        return '""'
