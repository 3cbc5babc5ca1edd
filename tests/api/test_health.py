"""/v1/health and /v1/health/liveness"""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.cast import Api

KEYLESS = Api(None)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, db: None) -> Any:
    """Points the check of the database to another address."""
    wrapper = connections["default"]
    parameters = wrapper.get_connection_params()

    def point(**address: object) -> None:
        monkeypatch.setattr(wrapper, "get_connection_params", lambda: parameters | address)

    return point


@pytest.fixture
def frozen_server(tmp_path: Path) -> Iterator[Path]:
    """A socket that takes connections and never answers, as a stopped server's does."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / ".s.PGSQL.5432"))
        listening.listen()
        yield tmp_path


@pytest.mark.pgvector
@pytest.mark.django_db
def test_all_is_well() -> None:
    answer = KEYLESS.get("/v1/health").json()
    assert (answer["status"], answer["errors"]) == ("OK", None)
    assert (answer["data"]["metadata"], answer["data"]["vector_store"]) == (True, True)


@pytest.mark.django_db
def test_depth_and_times_on_demand() -> None:
    meta = KEYLESS.get("/v1/health?deep=true&metrics=true").json()["meta"]
    assert meta["database_version"]
    assert meta["database_milliseconds"] >= 0
    assert KEYLESS.get("/v1/health/deep?deep=true").json()["meta"]["database_version"] == meta["database_version"]
    assert KEYLESS.get("/v1/health?shallow=1").status_code == 422


def test_without_a_database_it_says_so(elsewhere: Any, tmp_path: Path) -> None:
    elsewhere(host=str(tmp_path), port="5432")
    response = KEYLESS.get("/v1/health/")
    answer = response.json()
    assert (response.status_code, answer["status"], answer["data"]["metadata"]) == (200, "DEGRADED", False)
    assert str(tmp_path) not in str(answer)


def test_a_frozen_database_keeps_nobody_waiting(elsewhere: Any, frozen_server: Path) -> None:
    elsewhere(host=str(frozen_server), port="5432")
    started = time.monotonic()
    assert KEYLESS.get("/v1/health").json()["status"] == "DEGRADED"
    assert time.monotonic() - started < 5


def test_liveness_asks_nothing_of_anyone(django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        response = KEYLESS.get("/v1/health/liveness")
    assert (response.status_code, response.json()) == (200, {"status": "OK"})


def test_other_methods_are_405() -> None:
    response = KEYLESS.post("/v1/health")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
