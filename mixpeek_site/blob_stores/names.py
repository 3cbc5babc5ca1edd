"""Names of files that are safe wherever they go: a path, a header, a URL."""

import mimetypes
import posixpath
import re
import unicodedata
from typing import Final

MAX_BYTES: Final = 120
BINARY: Final = "application/octet-stream"
_TYPES: Final = mimetypes.MimeTypes()  # Python's own: those of the machine differ from one to the next
_UNSAFE: Final = re.compile(r"[^\w.-]+")
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,80}/[A-Za-z0-9!#$&^_.+-]{1,80}")


def safe(filename: str | None, content_type: str) -> str:
    """Letters, digits, `_`, `.` and `-`, at most MAX_BYTES in UTF-8, with an ending that says the type if one does."""
    last = unicodedata.normalize("NFC", filename or "").replace("\\", "/").rpartition("/")[2]
    stem, ending = posixpath.splitext(_UNSAFE.sub("_", last).strip("._"))
    ending = ending.encode()[:16].decode(errors="ignore") or _TYPES.guess_extension(content_type) or ""
    stem = stem.encode()[: MAX_BYTES - len(ending.encode())].decode(errors="ignore")
    return f"{stem or 'blob'}{ending}"


def media_type(text: str | None) -> str:
    """`image/png` of `Image/PNG; q=1`; BINARY of what is none."""
    found = (text or "").partition(";")[0].strip()
    return found.lower() if _MEDIA_TYPE.fullmatch(found) else BINARY


def guessed(filename: str) -> str:
    """By the ending; of a compressed file the type of what it is, not of what is in it."""
    found, encoding = _TYPES.guess_type(filename)
    return {"gzip": "application/gzip"}.get(encoding, BINARY) if encoding else found or BINARY
