"""Blob URLs in answers: which of them a client can fetch (contract section 9)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mixpeek_site import jsonio


@dataclass(frozen=True, slots=True)
class SignedBlobs:
    """A document's blobs as shown when URLs are asked for; JSON texts."""

    document_blobs: str
    presigned_url: str | None
    presigned_urls: str


def signed(document_blobs: str) -> SignedBlobs:
    """Blobs with a `presigned_url` each, or the reason why there is none. No network call."""
    shown: list[dict[str, Any]] = []
    urls: list[dict[str, str]] = []
    for blob in jsonio.loads(document_blobs):
        url, reason = _signed_url(blob["url"])
        if url is None:
            shown.append({**blob, "unavailable_reason": reason})
            continue
        shown.append({**blob, "presigned_url": url})
        urls.append(
            {
                "key_name": blob["field"],
                "object_key": blob.get("object_key") or _path(url).lstrip("/"),
                "presigned_url": url,
            }
        )
    first = jsonio.dumps(urls[0]["presigned_url"]) if urls else None
    return SignedBlobs(jsonio.dumps(shown), first, jsonio.dumps(urls))


def unavailable(document_blobs: str) -> set[str]:
    """Why some of the blobs have no `presigned_url`: the reasons, none if all have one."""
    if document_blobs == "[]":
        return set()
    found = (_signed_url(blob["url"]) for blob in jsonio.loads(document_blobs))
    return {reason for url, reason in found if url is None}


def _signed_url(url: str) -> tuple[str | None, str]:
    scheme = url.partition("://")[0].lower()
    if scheme in ("http", "https"):
        return url, ""
    return None, f"No blob store is configured for {scheme}:// URLs."


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # such as an unclosed bracket in the host
        return ""
