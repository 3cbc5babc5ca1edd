"""JSON lines: one body a line. A line in memory is never longer than the limit."""

from collections.abc import Iterator
from typing import IO

from documents.importing.reading.lines import KEPT_OF_TOO_LONG, Line

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def lines(stream: IO[bytes], max_bytes: int, file: str) -> Iterator[Line]:
    """Every line that is not blank."""
    number = 0
    while raw := stream.readline(max_bytes + 2):  # two more for the end of a line that is just short enough
        number += 1
        if number == 1:
            raw = raw.removeprefix(_BYTE_ORDER_MARK)
        text = raw.strip()
        if len(text) > max_bytes:
            skipped = 0 if raw.endswith(b"\n") else skip_line(stream)
            yield Line(number, text[:KEPT_OF_TOO_LONG], len(raw) + skipped, None, file)
        elif not raw.endswith(b"\n") and len(raw) == max_bytes + 2 and (rest := skip_line(stream)):
            yield Line(number, text[:KEPT_OF_TOO_LONG], len(raw) + rest, None, file)  # long only by the spaces around it
        elif text:
            yield Line(number, text, 0, None, file)


def skip_line(stream: IO[bytes]) -> int:
    """Read on to the end of the line; how many bytes that was."""
    skipped = 0
    while rest := stream.readline(1 << 20):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            break
    return skipped
