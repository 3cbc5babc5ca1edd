"""One range of a file's bytes, as a client asks for it (RFC 9110, section 14). Pure functions."""

import re
from email.utils import parsedate_to_datetime
from typing import Final

_ONE: Final = re.compile(r"bytes=[ \t]*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))[ \t]*", re.ASCII)


class UnsatisfiableError(Exception):
    """The range lies beyond the end."""


def wanted(header: str | None, size: int) -> range | None:
    """The positions asked for; None: all of it, as also for several ranges and for what is no range.

    Raises UnsatisfiableError.
    """
    found = _ONE.fullmatch(header or "")
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, stop = max(0, size - int(suffix)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None
    if start >= stop:
        raise UnsatisfiableError
    return range(start, stop)


def still_holds(header: str | None, etag: str, modified: int) -> bool:
    """Whether If-Range (none: always) names this version: its ETag, or the second since 1970 when it was modified."""
    if header is None or header.strip() == etag:
        return True
    try:
        return parsedate_to_datetime(header).timestamp() == modified
    except (TypeError, ValueError, OverflowError):
        return False
