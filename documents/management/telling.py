"""What a command that brings documents in says of them while they come and at the end, for people or programs."""

import time
from dataclasses import fields
from typing import IO, Any, Final

from documents.importing import Counts
from documents.importing.reporting import FileCounts
from mixpeek_site import jsonio

_JSON_PROGRESS_SECONDS: Final = 1.0


class JSONProgress:
    """Progress as JSON lines, with the interface of `Progress`.

    `size`: what `position` will be at the end, None when unknown: bytes, or not `in_bytes`, things themselves.
    """

    def __init__(self, size: int | None, stream: IO[str], what: str, *, in_bytes: bool) -> None:
        self._size = size
        self._stream = stream
        self._what = what
        self._in_bytes = in_bytes
        self._begun = self._said = time.monotonic()

    def update(self, count: int, position: int | None = None) -> None:
        now = time.monotonic()
        if now - self._said >= _JSON_PROGRESS_SECONDS:
            self._said = now
            told: dict[str, int | None] = {self._what: count}
            told |= {"bytes": position, "of_bytes": self._size} if self._in_bytes else {f"of_{self._what}": self._size}
            per_second = round(count / max(self.seconds, 1e-9))
            self._tell({"progress": told | {f"{self._what}_per_second": per_second}})

    def write(self, text: str) -> None:
        self._tell({"message": text.strip()})

    def close(self) -> None: ...

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def _tell(self, value: dict[str, Any]) -> None:
        self._stream.write(jsonio.dumps(value) + "\n")
        self._stream.flush()


def result(counts: Counts, what: str, seconds: float, **more: Any) -> dict[str, Any]:
    """For programs."""
    numbers = {field.name: getattr(counts, field.name) for field in fields(counts) if field.name != "files"}
    return {what: counts.lines, **numbers, "seconds": round(seconds, 3), **more}


def closing(counts: Counts, what: str, before: int, seconds: float, dry_run: bool) -> str:
    """What became of them, in a sentence. `before`: how many of them earlier runs had done."""
    parts = [f"{counts.imported:,} imported"]
    parts += [f"{getattr(counts, word):,} {word}" for word in ("replaced", "merged", "skipped") if getattr(counts, word)]
    parts.append(f"{counts.failed:,} failed")
    here = counts.lines - before
    went_on = f", {before:,} of them before" if before else ""
    undone = " Dry run: nothing was changed." if dry_run else ""
    rate = f"in {seconds:.1f} s ({here / max(seconds, 1e-9):,.0f}/s)"
    return f"{number_of(counts.lines, what)}{went_on}: {', '.join(parts)}, {rate}.{undone}"


def by_file(counts: Counts) -> dict[str, dict[str, int]]:
    """For programs."""
    return {name: {"lines": file.lines, "failed": file.failed} for name, file in counts.files.items() if name}


def of_file(counted: tuple[str, FileCounts]) -> str:
    file, counts = counted
    return f"{file}: {number_of(counts.lines, 'lines')}, {counts.failed:,} failed"


def number_of(number: int, what: str) -> str:
    """`what`: in the plural."""
    return f"{number:,} {what.removesuffix('s') if number == 1 else what}"
