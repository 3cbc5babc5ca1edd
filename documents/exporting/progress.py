"""How far an export is: a bar on a terminal, else a plain line or a line of JSON every few seconds."""

import json
import time
from typing import IO, Final

from tqdm import tqdm

_EVERY_SECONDS: Final = 5.0
_BAR: Final = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} documents [{elapsed}<{remaining}, {rate_fmt}]"


class Progress:
    """`expected`: documents in all, None when unknown: then there is a rate, and no time left."""

    def __init__(self, expected: int | None, stream: IO[str], *, as_json: bool = False) -> None:
        self._expected = expected
        self._stream = stream
        self._as_json = as_json
        self._begun = self._said = time.monotonic()
        self._bar = None
        if stream.isatty() and not as_json:
            self._bar = tqdm(
                total=expected,
                unit="",
                file=stream,
                dynamic_ncols=True,
                bar_format=_BAR if expected is not None else None,
            )

    def update(self, documents: int, bytes_: int) -> None:
        if self._bar is not None:
            self._bar.update(documents - self._bar.n)
            return
        now = time.monotonic()
        if now - self._said < _EVERY_SECONDS:
            return
        self._said = now
        rate = documents / max(now - self._begun, 1e-9)
        left = None if self._expected is None else max(self._expected - documents, 0) / max(rate, 1e-9)
        if self._as_json:
            said = {"documents": documents, "bytes": bytes_, "per_second": round(rate), "expected": self._expected}
            self._stream.write(json.dumps({**said, "seconds_left": None if left is None else round(left)}) + "\n")
        else:
            of_all = f" of {self._expected:,}" if self._expected is not None else ""
            until = "" if left is None else f", about {left:.0f} s left"
            self._stream.write(f"{documents:,}{of_all} documents, {rate:,.0f}/s{until}\n")
        self._stream.flush()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun
