"""Installations that tests may start and break, apart from the one that the suite itself runs on."""

import shutil
from collections.abc import Iterator

import pytest

from tests.project import installation
from tests.project.installation import ACCOUNTS, Installation


@pytest.fixture(scope="session", autouse=True)
def _no_copies_left() -> Iterator[None]:
    yield
    installation.remove_copies()


@pytest.fixture(params=[ACCOUNTS[0], *(pytest.param(other, marks=pytest.mark.full) for other in ACCOUNTS[1:])])
def here(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """A new installation without a cluster, of the account that runs the tests; an ordinary user's turn comes in the full run."""
    yield from _installation(request.param)


@pytest.fixture
def anywhere() -> Iterator[Installation]:
    """The same of the account that runs the tests, where the account does not matter at all."""
    yield from _installation(ACCOUNTS[0])


def _installation(account: str) -> Iterator[Installation]:
    parent = installation.short_directory()
    made = Installation(account, parent / "data")
    made.make_data_dir()
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(parent)
