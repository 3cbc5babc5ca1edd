"""What `migrate` does about pgvector: it installs it where it may, and says what to do where it may not."""

from typing import Any

import pytest
from django.db import connection

from documents.features import extension
from mixpeek_site import sql
from tests import cast
from tests.api.places import Documents

pytestmark = [pytest.mark.pgvector, pytest.mark.django_db]

COLUMN = """
SELECT t.typname, a.attstorage::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = 'documents_feature'::regclass AND a.attname = 'embedding'
"""


@pytest.fixture
def without(db: None) -> None:
    """As on a server that had no pgvector when the database was made."""
    sql.run("ALTER TABLE documents_feature ALTER COLUMN embedding TYPE real[] USING embedding::real[]")
    sql.run("DROP EXTENSION vector")


def test_a_database_that_gets_the_extension_later_keeps_its_numbers(db: None, request: pytest.FixtureRequest) -> None:
    api = cast.api()
    documents = Documents(api, cast.collection(api))
    made = documents.new({"vectors": {"v": [0.1, -0.0, 1e-40, 3.4028234663852886e38]}})
    before = documents.api.get(documents.url(made, "?return_vectors=true")).content
    request.getfixturevalue("without")
    assert sql.one(COLUMN) == ("_float4", "x")
    assert documents.api.get(documents.url(made, "?return_vectors=true")).content == before
    extension.ensure("default")
    assert sql.one(COLUMN) == ("vector", "e")
    assert documents.api.get(documents.url(made, "?return_vectors=true")).content == before


def test_where_all_is_done_it_is_one_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        extension.ensure("default")


def test_a_role_that_may_not_is_told_how(without: None, capsys: pytest.CaptureFixture[str]) -> None:
    sql.run("CREATE ROLE may_nothing")
    sql.run("SET LOCAL ROLE may_nothing")
    extension.ensure("default")
    said = capsys.readouterr().err
    assert "CREATE EXTENSION IF NOT EXISTS vector" in said
    assert "everything else works" in said
    sql.run("RESET ROLE")
    assert sql.one(COLUMN) == ("_float4", "x")


def test_an_older_version_counts_as_none(without: None, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(extension, "MINIMUM", (99,))
    extension.ensure("default")
    assert "at least 0.8 is needed" in capsys.readouterr().err
    assert sql.one(COLUMN) == ("_float4", "x")
    assert connection.needs_rollback is False
