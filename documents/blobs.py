"""Blob URLs in answers: signed for whoever may have them, or why not (contract section 9).

Blobs are read as JSON texts: a page has thousands, and nothing but three of their members matters here.
"""

import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from mixpeek_site import blob_stores
from mixpeek_site.blob_stores import Owner, origin
from mixpeek_site.blob_stores.interface import Store

MAX_PAGE: Final = 1000


class _Blob(msgspec.Struct):
    """What is read of a blob."""

    url: str
    field: str = ""
    object_key: msgspec.Raw = msgspec.Raw(b"null")


_texts = msgspec.json.Decoder(list[msgspec.Raw])
_blobs = msgspec.json.Decoder(list[_Blob])
_encode = msgspec.json.Encoder().encode


class SignedBlobs(NamedTuple):
    """A document's blobs as shown when URLs are asked for. `unavailable`: the reasons of blobs that have none."""

    blobs: tuple[_Blob, ...]
    urls: tuple[str | None, ...]
    unavailable: tuple[str, ...]
    document_blobs: str

    @property
    def presigned_url(self) -> str | None:
        """The first, as JSON."""
        return next((_json(url) for url in self.urls if url is not None), None)

    @property
    def presigned_urls(self) -> str:
        """All of them with what they are of, as JSON."""
        named = zip(self.blobs, self.urls, strict=True)
        return f"[{','.join([_presigned(blob, url) for blob, url in named if url is not None])}]"


_NONE = SignedBlobs((), (), (), "[]")


def signed(document_blobs: str, owner: Owner) -> SignedBlobs:
    """Blobs with a `presigned_url` each, or the reason why there is none. No network call. `owner`: whose document it is."""
    if document_blobs == "[]":
        return _NONE
    return _signed(document_blobs, owner, int(time.time()), blob_stores.stores(), origin.current())


@lru_cache(maxsize=2 * MAX_PAGE)
def _signed(document_blobs: str, owner: Owner, second: int, stores: tuple[Store, ...], origin: str | None) -> SignedBlobs:
    """A list asks twice of each document: for its warnings, and for the document."""
    shown: list[str] = []
    urls: list[str | None] = []
    reasons: dict[str, None] = {}
    blobs = _blobs.decode(document_blobs)
    for text, blob in zip(_texts.decode(document_blobs), blobs, strict=True):
        url, reason = blob_stores.sign_by(stores, blob.url, owner)
        urls.append(url)
        if url is None:
            reasons[reason] = None
            shown.append(f'{str(text, "utf-8")[:-1]},"unavailable_reason":{_json(reason)}}}')
        else:
            shown.append(f'{str(text, "utf-8")[:-1]},"presigned_url":{_json(url)}}}')
    return SignedBlobs(tuple(blobs), tuple(urls), tuple(reasons), f"[{','.join(shown)}]")


def unavailable(document_blobs: str, owner: Owner) -> tuple[str, ...]:
    """Why some of the blobs have no `presigned_url`: the reasons, none if all have one."""
    return signed(document_blobs, owner).unavailable


class Fetchable(NamedTuple):
    """A blob to be fetched: `url`, or the `reason` why it can't be."""

    field: str
    url: str | None
    reason: str


def fetchable(document_blobs: str, owner: Owner) -> Iterator[Fetchable]:
    """The blobs one by one, in their order."""
    for blob in _blobs.decode(document_blobs):
        found = blob_stores.sign(blob.url, owner)
        yield Fetchable(blob.field, found.url, found.reason)


def _json(text: str) -> str:
    return _encode(text).decode()


def _presigned(blob: _Blob, url: str) -> str:
    return f'{{"key_name":{_json(blob.field)},"object_key":{_object_key(blob)},"presigned_url":{_json(url)}}}'


def _object_key(blob: _Blob) -> str:
    """The key inside the bucket, as JSON: what the blob says, else the path of its URL."""
    said = bytes(blob.object_key)
    if said not in (b"null", b'""'):
        return said.decode()
    scheme, _, rest = blob.url.partition("://")
    if scheme.lower() in ("s3", "local"):
        return _json(rest.partition("/")[2])
    try:
        return _json(urlsplit(blob.url).path.lstrip("/"))
    except ValueError:  # such as an unclosed bracket in the host
        return '""'
