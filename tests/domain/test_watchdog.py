"""The client-side timer: a statement that a frozen server never answers is given up."""

import threading
import time
from typing import Any

import pytest
from django.db import connection

from mixpeek_site import sql, watchdog
from mixpeek_site.errors import ServiceUnavailableError
from mixpeek_site.transactions import atomic, unhurried

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LIMIT_SECONDS", 0.5)
    monkeypatch.setattr(watchdog, "_CHECK_EVERY_SECONDS", 0.1)


def test_an_overdue_statement_is_given_up_and_the_next_one_works(impatient: None) -> None:
    started = time.monotonic()
    with pytest.raises(ServiceUnavailableError):
        sql.run("SELECT pg_sleep(20)")
    assert time.monotonic() - started < 5
    assert sql.one("SELECT 1") == (1,)


def test_so_is_one_inside_a_transaction(impatient: None) -> None:
    with pytest.raises(ServiceUnavailableError), atomic():
        sql.run("SELECT pg_sleep(20)")
    assert sql.one("SELECT 1") == (1,)


def test_a_transaction_may_be_given_longer(impatient: None) -> None:
    with unhurried(3):
        sql.run("SELECT pg_sleep(1)")
    with pytest.raises(ServiceUnavailableError):
        sql.run("SELECT pg_sleep(20)")


def test_but_not_for_ever(impatient: None) -> None:
    started = time.monotonic()
    with pytest.raises(ServiceUnavailableError), unhurried(1):
        sql.run("SELECT pg_sleep(20)")
    assert time.monotonic() - started < 5
    with pytest.raises(ServiceUnavailableError), atomic(), watchdog.patience(2):
        sql.run("SELECT pg_sleep(20)")
    assert sql.one("SELECT 1") == (1,)


def test_nor_longer_than_asked_whatever_ends_first(impatient: None) -> None:
    first, second = watchdog.patience(60), watchdog.patience(30)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    with pytest.raises(ServiceUnavailableError):
        sql.run("SELECT pg_sleep(20)")


def test_what_ends_in_time_is_left_alone(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them, however long they take together."""
    monkeypatch.setattr(watchdog, "LIMIT_SECONDS", 2)
    for _ in range(12):
        sql.run("SELECT pg_sleep(0.2)")
    assert sql.one("SELECT 1") == (1,)


def test_one_thread_watches_every_connection(impatient: None) -> None:
    outcomes: list[Any] = []

    def hang() -> None:
        try:
            sql.run("SELECT pg_sleep(20)")
        except ServiceUnavailableError as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=hang) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(outcomes) == 4
    assert [thread.name for thread in threading.enumerate()].count("statement-watchdog") == 1


def test_nothing_is_watched_when_nothing_runs() -> None:
    sql.run("SELECT 1")
    assert watchdog._running == {}
