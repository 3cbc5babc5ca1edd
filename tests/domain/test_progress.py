"""What a command says of how far it is: plain lines every few seconds, or a bar where there is a terminal."""

from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from types import SimpleNamespace

import pytest

from mixpeek_site.management import progress
from mixpeek_site.management.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets the clock go on by so many seconds; nothing else does."""
    now = [1000.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def on(seconds: float) -> None:
        now[0] += seconds

    return on


def test_a_line_says_rate_share_and_time_left_and_the_next_one_waits(passes: Callable[[float], None]) -> None:
    said = StringIO()
    with Progress(4000, said, doing="import") as shown:
        for count, position in ((100, 400), (2000, 1000), (2001, 1001), (4000, 3000)):
            passes(2.5)
            shown.update(count, position)
    assert said.getvalue().splitlines() == [
        "import: 2,000 documents, 400/s, 25 %, about 15 s left",
        "import: 4,000 documents, 400/s, 75 %, about 3 s left",
    ]


def test_without_a_size_nothing_is_said_of_the_time_left(passes: Callable[[float], None]) -> None:
    said = StringIO()
    with Progress(None, said, noun=None) as shown:
        passes(5)
        shown.update(5 * 1536)
    assert said.getvalue() == "7.5 KiB, 1.5 KiB/s\n"


def test_a_terminal_gets_one_line_that_is_drawn_again_and_ends_full(passes: Callable[[float], None]) -> None:
    said = Terminal()
    with Progress(10, said, "rows", in_bytes=False, doing="check") as shown:
        passes(5)
        shown.update(4)
        shown.write("a line between")
    drawn = said.getvalue()
    assert "a line between\n" in drawn
    last = drawn.rstrip("\n").rsplit("\r", 1)[-1]
    assert last.startswith("check: 100%|")
    assert "10.0/10.0" in last
    assert "4 rows, 1/s" in last


def test_what_failed_is_not_shown_as_done(passes: Callable[[float], None]) -> None:
    said = Terminal()
    with suppress(RuntimeError), Progress(10, said, in_bytes=False) as shown:
        passes(5)
        shown.update(4)
        raise RuntimeError
    assert "100%" not in said.getvalue()
    assert " 40%|" in said.getvalue()
