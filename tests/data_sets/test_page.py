"""docs/moving-your-data.md: its commands are run as they stand there, and say what stands there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from namespaces import services
from tests import server

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]

PAGE = server.PROJECT / "docs/moving-your-data.md"
OTHER_SERVER = "From another server"
"""The section whose commands need another server; tests/commands/test_import_from_server.py walks it."""


def steps(*, other_server: bool = False) -> Iterator[tuple[str, str]]:
    """Each command of the page, or of its section about another server, and what it says there."""
    for section in re.split(r"(?m)^(?=## )", PAGE.read_text()):
        if section.removeprefix("## ").startswith(OTHER_SERVER) is not other_server:
            continue
        for block in re.findall(r"(?ms)^```console\n(.*?)^```$", section):
            for step in re.split(r"(?m)^\$ ", block)[1:]:
                lines = step.splitlines()
                more = next((n for n, line in enumerate(lines[1:], 1) if not line.startswith("> ")), len(lines))
                yield "\n".join([lines[0], *(line[2:] for line in lines[1:more])]), "\n".join(lines[more:])


def alike(said: str) -> str:
    """Without what differs from one run to the next: made ids, seconds and rates, progress of a slow machine."""
    said = re.sub(r"(?m)^[\d,]+ \w+, [\d,]+/s.*\n", "", said)
    said = re.sub(r"\b(ns|col|doc)_[0-9a-f]{24}\b", r"\1_…", said)
    return re.sub(r"in \d+\.\d s( \([\d,]+/s\))?", "in … s", said).strip()


def walk(command: str, folder: Path, database: str) -> str:
    """What a command says."""
    python = f'"{sys.executable}"'
    functions = f'manage.py() {{ {python} "{server.PROJECT}/manage.py" "$@"; }}; python() {{ {python} "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-c", functions + command],
        cwd=folder,
        env={**os.environ, "DATABASE_URL": database, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    services.create_organization(name="walker")
    try:
        for command, said in steps():
            assert alike(walk(command, tmp_path, server._database_url())) == alike(said), command
    finally:
        server.remove_committed()
