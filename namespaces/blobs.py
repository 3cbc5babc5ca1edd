"""The blobs of an object: from what a client sends to what is stored and shown. Nothing is fetched, nothing signed."""

import base64
import binascii
import mimetypes
import posixpath
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from mixpeek_site import ids
from mixpeek_site.jsonio import JSONObject

BLOB_PREFIX = "blob_"
URL_SCHEMES = ("http://", "https://", "s3://", "gs://", "file://")

_DATA_URI = re.compile(r"data:(?P<type>[^;,]*)(?P<options>(?:;[^;,]*)*),(?P<data>.*)", re.DOTALL)
_BARE_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def stored(sent: JSONObject) -> JSONObject:
    """A blob as it is stored and shown: `blob_id, property, key_prefix, type, properties, details`.

    `data` and `metadata` of a create become `properties`; `properties`, `details` and `blob_id` of a blob that was
    read before stay as they are. What the data itself tells (file name, type, size) fills `details`.
    """
    properties: JSONObject = {**(sent.get("properties") or {}), **(sent.get("metadata") or {}), **_of_data(sent.get("data"))}
    properties.pop("presigned_url", None)
    if sent.get("upload_id") is not None:
        properties["upload_id"] = sent["upload_id"]
    return {
        "blob_id": sent.get("blob_id") or ids.new_id(BLOB_PREFIX),
        "property": sent["property"],
        "key_prefix": sent.get("key_prefix"),
        "type": sent["type"],
        "properties": properties,
        "details": {**_details(properties, sent.get("checksum")), **(sent.get("details") or {})},
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
