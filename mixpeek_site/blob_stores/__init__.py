"""Where the bytes of blobs are, and URLs with which they can be fetched for a while: what `BLOB_STORES` names.

    local.py  a directory, served by this server          s3.py  S3 and what speaks it; sigv4.py signs, credentials.py finds keys

The functions here take any URL; the store whose it is answers. Knows neither application: a namespace is an `Owner`.
"""

from collections.abc import Iterable

from django.conf import settings

from mixpeek_site.blob_stores import names
from mixpeek_site.blob_stores.configuration import LocalOptions, Options
from mixpeek_site.blob_stores.interface import Owner, Signed, Store
from mixpeek_site.blob_stores.local import LocalStore
from mixpeek_site.blob_stores.s3 import S3Store

__all__ = ["Owner", "Signed", "delete", "local_store", "new_url", "put", "sign", "sign_by", "stores"]

_MAX_SHOWN = 40


def sign(url: str, owner: Owner) -> Signed:
    """A URL that can be fetched, or why there is none. http(s) URLs are that themselves. No network call, never an error."""
    return sign_by(stores(), url, owner)


def sign_by(among: tuple[Store, ...], url: str, owner: Owner) -> Signed:
    """`sign`, for those who sign many: `among` is what `stores()` answered."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return Signed(None, "It is no URL: it has no ://.")
    lowered = scheme.lower()
    if lowered in ("http", "https"):
        return Signed(url)
    if lowered != scheme:
        url = f"{lowered}://{rest}"
    refused: Signed | None = None
    for store in among:
        signed = store.sign(url, owner)
        if signed is not None:
            if signed.url is not None:
                return signed
            refused = refused or signed
    return refused or Signed(None, _unknown(lowered, rest))


def new_url(owner: Owner, filename: str | None, content_type: str) -> str:
    """Where a new blob goes: in the first store. `filename` as a client says it."""
    return stores()[0].new_url(owner, names.safe(filename, content_type))


def put(url: str, chunks: Iterable[bytes], content_type: str) -> None:
    """Store the bytes of a `new_url`, whole or not at all. Raises ServiceUnavailableError, and what `chunks` raises."""
    stores()[0].put(url, chunks, content_type)


def delete(url: str) -> bool:
    """Remove what was `put` there; False when no store is configured for it any more. Raises ServiceUnavailableError."""
    store = _holder(url)
    if store is None:
        return False
    store.delete(url)
    return True


def stores() -> tuple[Store, ...]:
    """Of `settings.BLOB_STORES`, in its order. Raises ImproperlyConfigured when one of them lacks what it needs."""
    global _made
    options: tuple[Options, ...] = settings.BLOB_STORES
    if _made[0] is not options:
        _made = options, tuple(LocalStore(each) if isinstance(each, LocalOptions) else S3Store(each) for each in options)
    return _made[1]


_made: tuple[tuple[Options, ...], tuple[Store, ...]] = (), ()


def local_store() -> LocalStore | None:
    return next((store for store in stores() if isinstance(store, LocalStore)), None)


def _holder(url: str) -> Store | None:
    return next((store for store in stores() if store.holds(url)), None)


def _unknown(scheme: str, rest: str) -> str:
    if scheme == "s3":
        bucket = rest.partition("/")[0]
        return f"No blob store is configured for the bucket {bucket if len(bucket) <= _MAX_SHOWN else bucket[:_MAX_SHOWN] + '…'}."
    return f"No blob store is configured for {scheme if len(scheme) <= _MAX_SHOWN else scheme[:_MAX_SHOWN] + '…'}:// URLs."
