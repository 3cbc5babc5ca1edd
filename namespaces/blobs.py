"""The blobs of an object: from what a client sends to what is stored and shown. Nothing is fetched, nothing signed.

Bytes in a body go to a blob store, and the row keeps their URL: `inline` finds them. Short texts, numbers and JSON stay where
they are (docs/blobs.md).
"""

import base64
import binascii
import mimetypes
import posixpath
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from mixpeek_site import ids
from mixpeek_site.jsonio import JSONObject

BLOB_PREFIX = "blob_"
URL_SCHEMES = ("http://", "https://", "s3://", "gs://", "file://", "local://")
INLINE_TEXT_BYTES = 4096
"""A longer text goes to the blob store."""

_DATA_URI = re.compile(r"data:(?P<type>[^;,]*)(?P<options>(?:;[^;,]*)*),(?P<data>.*)", re.DOTALL)
_BARE_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Inline:
    """Bytes that a body held. `rest`: what else its `data` said of them."""

    content: bytes
    content_type: str | None
    filename: str | None
    rest: JSONObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that a blob store holds, as what names them is described. `checksum`: `sha256:` and 64 hex digits."""

    upload_id: str
    url: str
    size_bytes: int
    checksum: str
    content_type: str
    filename: str | None


def inline(sent: JSONObject) -> Inline | None:
    """The bytes in a blob's `data`: a data URI, `{base64, mime_type, filename}`, or a long text; None if there are none.

    Raises ValueError for what should be base64 and is not.
    """
    data = sent.get("data")
    if isinstance(data, dict) and "base64" in data:
        rest = {name: value for name, value in data.items() if name != "base64"}
        found = _text_of(rest, "mime_type"), _text_of(rest, "filename")
        if not isinstance(data["base64"], str):
            raise ValueError("base64 must be a text")
        uri = _DATA_URI.fullmatch(data["base64"])
        if uri is None:
            return Inline(_decoded(data["base64"]), *found, rest)
        return Inline(_of_uri(uri), found[0] or uri["type"] or None, found[1], rest)
    if not isinstance(data, str) or data.startswith(URL_SCHEMES):
        return None
    uri = _DATA_URI.fullmatch(data)
    if uri is not None:
        return Inline(_of_uri(uri), uri["type"] or "text/plain", None)
    content = data.encode()
    return Inline(content, "text/plain", None) if len(content) > INLINE_TEXT_BYTES else None


def stored(sent: JSONObject, kept: Kept | None = None) -> JSONObject:
    """A blob as it is stored and shown: `blob_id, property, key_prefix, type, properties, details`.

    `data` and `metadata` of a create become `properties`; `properties`, `details` and `blob_id` of a blob that was
    read before stay as they are. What the data itself tells (file name, type, size) fills `details`. `kept`: where the
    bytes are that `data` held or `upload_id` names.
    """
    data = sent.get("data")
    rest = {name: value for name, value in data.items() if name != "base64"} if isinstance(data, dict) else {}
    said = _of_data(data) if kept is None else {**rest, "url": kept.url}
    properties: JSONObject = {**(sent.get("properties") or {}), **(sent.get("metadata") or {}), **said}
    for name in ("presigned_url", "unavailable_reason"):
        properties.pop(name, None)
    if sent.get("upload_id") is not None:
        properties["upload_id"] = sent["upload_id"]
    details = _details(properties, sent.get("checksum"))
    if kept is not None:
        details = {
            "filename": kept.filename or _text_of(properties, "filename"),
            "size_bytes": kept.size_bytes,
            "mime_type": kept.content_type,
            "hash": kept.checksum,
        }
    return {
        "blob_id": sent.get("blob_id") or ids.new_id(BLOB_PREFIX),
        "property": sent["property"],
        "key_prefix": sent.get("key_prefix"),
        "type": sent["type"],
        "properties": properties,
        "details": {**details, **(sent.get("details") or {})} if kept is None else {**(sent.get("details") or {}), **details},
    }


def size_of(blobs: list[JSONObject]) -> int:
    """Bytes of all blobs together, as far as their details tell."""
    sizes = (blob["details"].get("size_bytes") for blob in blobs)
    return sum(size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53)


def _of_data(data: Any) -> JSONObject:
    if data is None:
        return {}
    if isinstance(data, dict):
        return data
    if isinstance(data, str) and data.startswith(URL_SCHEMES):
        return {"url": data}
    return {"data": data}


def _details(properties: JSONObject, checksum: str | None) -> JSONObject:
    name, media_type, size = properties.get("filename"), properties.get("mime_type"), properties.get("size_bytes")
    url, data = properties.get("url"), properties.get("base64", properties.get("data"))
    if isinstance(url, str):
        name = name or posixpath.basename(_path(url)) or None
    if isinstance(data, str):
        found = _DATA_URI.fullmatch(data)
        if found is not None:
            media_type = media_type or found["type"] or None
            size = _base64_size(found["data"]) if ";base64" in found["options"].lower() else len(unquote(found["data"]).encode())
        else:
            size = _base64_size(data) if "base64" in properties else len(data.encode())
    if media_type is None and isinstance(name, str):
        media_type = mimetypes.guess_type(name)[0]
    return {
        "filename": name if isinstance(name, str) else None,
        "size_bytes": size if isinstance(size, int) and not isinstance(size, bool) else None,
        "mime_type": media_type if isinstance(media_type, str) else None,
        "hash": f"sha256:{checksum.lower()}" if checksum and _BARE_SHA256.fullmatch(checksum) else checksum,
    }


def contradicts(sent: JSONObject, kept: Kept) -> bool:
    """Whether the blob says a SHA-256 that its bytes do not have. Other kinds of checksums are not looked at."""
    said = sent.get("checksum")
    bare = said.removeprefix("sha256:") if isinstance(said, str) else ""
    return _BARE_SHA256.fullmatch(bare) is not None and f"sha256:{bare.lower()}" != kept.checksum


def _text_of(holder: JSONObject, name: str) -> str | None:
    value = holder.get(name)
    return value if isinstance(value, str) else None


def _of_uri(uri: re.Match[str]) -> bytes:
    return _decoded(uri["data"]) if ";base64" in uri["options"].lower() else unquote_to_bytes(uri["data"])


def _decoded(text: str) -> bytes:
    """Of base64 in either alphabet, with or without padding, in lines or not. Raises ValueError."""
    compact = text.translate(_ALPHABETS) if text.isascii() else text
    return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)


_ALPHABETS = str.maketrans("-_", "+/", " \t\r\n=")


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path)
    except ValueError:  # such as an unclosed bracket in the host
        return ""


def _base64_size(text: str) -> int | None:
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None
