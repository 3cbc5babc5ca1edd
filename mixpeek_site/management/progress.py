"""Progress of a command: a bar with rate and time left on a terminal, else a plain line every few seconds."""

import time
from typing import IO, Final

from tqdm import tqdm

_PLAIN_LINE_SECONDS: Final = 5.0
_BAR: Final = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_BAR_WITHOUT_TOTAL: Final = "{desc}{n_fmt} [{elapsed}{postfix}]"


class Progress:
    """How far a command is.

    `size`: what `position` will be at the end, None when unknown: bytes, or with `noun` counted itself, their number.
    `noun`: what is counted, in the plural; without it the bytes are. `doing`: stands in front.
    """

    def __init__(
        self, size: int | None, stream: IO[str], noun: str | None = "documents", *, in_bytes: bool = True, doing: str = ""
    ) -> None:
        self._size = size
        self._stream = stream
        self._noun = noun
        self._doing = f"{doing}: " if doing else ""
        self._begun = self._said = time.monotonic()
        self._bar = (
            tqdm(
                total=size,
                desc=self._doing,
                unit="B" if in_bytes else "",
                unit_scale=True,
                unit_divisor=1024 if in_bytes else 1000,
                file=stream,
                bar_format=_BAR if size else _BAR_WITHOUT_TOTAL,
                dynamic_ncols=True,
            )
            if stream.isatty()
            else None
        )

    def update(self, count: int, position: int | None = None) -> None:
        """`count` things are done, and the whole is at `position` (the same where things are what is measured)."""
        now = time.monotonic()
        rate = count / max(now - self._begun, 1e-9)
        told = f"{in_bytes(count)}, {in_bytes(rate)}/s" if self._noun is None else f"{count:,} {self._noun}, {rate:,.0f}/s"
        position = count if position is None else position
        if self._bar is not None:
            self._bar.set_postfix_str(told, refresh=False)
            self._bar.update(min(position, self._size or position) - self._bar.n)
        elif now - self._said >= _PLAIN_LINE_SECONDS:
            self._said = now
            left = ""
            if self._size and position:
                seconds = max((now - self._begun) * (self._size - position) / position, 0)
                left = f", {min(100 * position / self._size, 100):.0f} %, about {seconds:.0f} s left"
            self._stream.write(f"{self._doing}{told}{left}\n")
            self._stream.flush()

    def write(self, text: str) -> None:
        """A line that does not tear the bar."""
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            self._stream.write(text + "\n")

    def clear(self) -> None:
        """Out of the way of what is written to the terminal by others; the next update brings it back."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        if self._bar is not None and self._size and failed is None:
            self._bar.update(self._size - self._bar.n)
        self.close()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun


def in_bytes(number: float) -> str:
    """`1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
