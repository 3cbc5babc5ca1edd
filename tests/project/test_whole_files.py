"""Files that are there as a whole or not at all, whoever writes them at the same moment, or is killed."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from mixpeek_site.whole_files import TargetError, written_aside


def write(target: Path, content: bytes, meanwhile: Callable[[], object] = lambda: None) -> None:
    with written_aside(target, force=True) as (file, _):
        file.write(content)
        meanwhile()


def test_it_gets_its_name_at_the_end_and_is_gone_when_that_fails(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write(target, b"1", lambda: (os.listdir(tmp_path) == ["a.partial"]) or pytest.fail("has its name already"))
    assert os.listdir(tmp_path) == ["a"]
    with pytest.raises(ZeroDivisionError):
        write(target, b"2", lambda: 1 / 0)
    assert (os.listdir(tmp_path), target.read_bytes()) == (["a"], b"1")
    with pytest.raises(TargetError, match="--force"), written_aside(target, force=False):
        pytest.fail("began")


def test_of_two_that_write_it_at_once_the_second_is_refused(tmp_path: Path) -> None:
    def second() -> None:
        with pytest.raises(TargetError, match="Another process is writing"):
            write(tmp_path / "a", b"2")

    write(tmp_path / "a", b"1", second)
    assert (os.listdir(tmp_path), (tmp_path / "a").read_bytes()) == (["a"], b"1")


def test_one_that_comes_while_another_comes_to_its_end_leaves_what_that_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has opened the file aside when that gets its name, and locks it then."""
    target, flock = tmp_path / "a", fcntl.flock
    first = written_aside(target, force=True)
    file, _ = first.__enter__()
    file.write(b"1")

    def late(file: IO[bytes], how: int) -> None:
        monkeypatch.undo()
        first.__exit__(None, None, None)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(ZeroDivisionError):
        write(target, b"2", lambda: 1 / 0)
    assert (os.listdir(tmp_path), target.read_bytes()) == (["a"], b"1")


def test_what_was_killed_between_its_two_names_stays_whole(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write(target, b"1")
    os.link(target, tmp_path / "a.partial")
    with pytest.raises(ZeroDivisionError):
        write(target, b"2", lambda: 1 / 0)
    assert (os.listdir(tmp_path), target.read_bytes()) == (["a"], b"1")


def test_devices_and_folders_are_no_targets_and_links_are_followed(tmp_path: Path) -> None:
    for path, reason in ((Path("/dev/null"), "no file"), (tmp_path, "no file"), (tmp_path / "x" / "a", "no folder")):
        with pytest.raises(TargetError, match=reason):
            write(path, b"")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    write(tmp_path / "link", b"1")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "link").read_bytes() == b"1"
