"""A document's blobs as its page shows them: what each is, where it can be fetched, and whether to show it as an image.

Nothing is fetched by the server. The browser fetches previews, lazily and without a referrer, and only of raster images
at addresses that are http(s) or that a blob store signs; SVG may hold scripts and links, and is never shown in place.
"""

import posixpath
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mixpeek_site import jsonio
from mixpeek_site.blob_stores import Owner, Signed, sign

SHOWN = 100
_RASTER = {"image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/avif", "image/bmp"}
_RASTER_ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp"}
_KNOWN = {"field", "role", "type", "url", "size_bytes", "content_type", "filename", "presigned_url", "unavailable_reason"}


@dataclass(frozen=True, slots=True)
class BlobLine:
    """`link`: an address that a browser may open, else ""; `preview`: the same of an image, else ""; `note`: why not.

    `image`: it says that it is one."""

    field: str
    role: str
    type: str
    content_type: str
    filename: str
    size: str
    url: str
    link: str
    preview: str
    note: str
    image: bool
    more: list[tuple[str, str]]
    of_source: bool = False


@dataclass(frozen=True, slots=True)
class BlobLines:
    lines: list[BlobLine]
    total: int


def blob_lines(document_blobs: str, source_blobs: str, owner: Owner) -> BlobLines:
    """The first `SHOWN` blobs, the document's own first. `owner`: whose document it is; the caller may read it."""
    own = jsonio.loads_stored(document_blobs)
    sources = jsonio.loads_stored(source_blobs)
    lines = [_line(_with_url(blob, owner)) for blob in own[:SHOWN]]
    lines += [_line(_with_url(blob, owner), of_source=True) for blob in sources[: SHOWN - len(lines)]]
    return BlobLines(lines, len(own) + len(sources))


def _with_url(blob: dict[str, Any], owner: Owner) -> dict[str, Any]:
    url = _text(blob, "url")
    signed = sign(url, owner) if url else Signed(None)
    return {**blob, "presigned_url": signed.url, "unavailable_reason": signed.reason}


def _line(blob: dict[str, Any], of_source: bool = False) -> BlobLine:
    url, content_type, type_ = _text(blob, "url"), _text(blob, "content_type"), _text(blob, "type")
    link = _openable(_text(blob, "presigned_url"))
    image = _is_image(type_, content_type, url)
    note = _text(blob, "unavailable_reason")
    if image and _is_svg(content_type, url):
        note = note or "SVG can hold scripts, so it is not shown here."
    elif image and not link and not note:
        note = "Its address is none that a browser may fetch."
    size = blob.get("size_bytes")
    return BlobLine(
        field=_text(blob, "field") or ("source" if of_source else ""),
        role=_text(blob, "role"),
        type=type_,
        content_type=content_type,
        filename=_text(blob, "filename"),
        size=_bytes(size) if isinstance(size, int) and not isinstance(size, bool) else "",
        url=url,
        link=link,
        preview=link if image and not _is_svg(content_type, url) else "",
        note=note,
        image=image,
        more=[(name, _word(value)) for name, value in blob.items() if name not in _KNOWN and value is not None][:20],
        of_source=of_source,
    )


def _text(blob: dict[str, Any], name: str) -> str:
    value = blob.get(name)
    return value if isinstance(value, str) else ""


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else jsonio.dumps(value)
    return text if len(text) <= 200 else text[:200] + "…"


def _openable(url: str) -> str:
    return url if url.partition("://")[0].lower() in ("http", "https") else ""


def _is_image(type_: str, content_type: str, url: str) -> bool:
    if content_type:
        return content_type.partition(";")[0].strip().lower() in _RASTER or _is_svg(content_type, url)
    return type_.lower() == "image" or _ending(url) in _RASTER_ENDINGS


def _is_svg(content_type: str, url: str) -> bool:
    return "svg" in content_type.lower() or _ending(url) in (".svg", ".svgz")


def _ending(url: str) -> str:
    try:
        return posixpath.splitext(urlsplit(url).path)[1].lower()
    except ValueError:  # such as an unclosed bracket in the host
        return ""


def _bytes(size: int) -> str:
    """1536 → 1.5 kB."""
    if abs(size) < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    power = min((len(str(abs(size))) - 1) // 3, 5)
    return f"{size / 1000**power:,.1f} {('kB', 'MB', 'GB', 'TB', 'PB')[power - 1]}"
