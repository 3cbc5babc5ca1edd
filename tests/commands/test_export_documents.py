"""`manage.py export_documents`: what the file holds, in which order, and that there is one only when it is whole."""

import csv
import gzip
import io
import json
import os
import threading
from datetime import datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
import simplejson
import zstandard
from django.core.management import CommandError, call_command
from django.db import connection

from documents.exporting import Asked, begun, reading
from documents.paths import column_name, path_of
from namespaces.models import Organization
from tests import cast
from tests.cast import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return cast.api()


@pytest.fixture
def scenes(api: Api) -> str:
    return cast.collection(api, "scenes")


def ran(api: Api, output: str, *options: str) -> tuple[str, str]:
    """What the command says, on standard output and beside it."""
    out, err = StringIO(), StringIO()
    place = ["--namespace", str(api.namespace), "--organization", api.scope.organization_public_id]
    call_command("export_documents", *place, "--output", output, *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def exported(api: Api, *options: str) -> list[Any]:
    return [simplejson.loads(line, use_decimal=True) for line in ran(api, "-", *options)[0].split("\n")[:-1]]


def create(api: Api, collection: str, *bodies: dict[str, Any]) -> list[Any]:
    return [api.post(f"/v1/collections/{collection}/documents", body).json() for body in bodies]


# What and in which order ----------------------------------------------------------------------------------------------


def test_a_namespace_goes_out_collection_after_collection_in_creation_order(api: Api, scenes: str) -> None:
    shots = cast.collection(api, "shots")
    for n in range(3):
        create(api, shots, {"document_id": f"shot{2 - n}"})
        create(api, scenes, {"document_id": f"scene{n}"})
    create(cast.api(Organization.objects.get(pk=api.scope.organization_id)), "nowhere", {})
    assert [line["document_id"] for line in exported(api)] == ["scene0", "scene1", "scene2", "shot2", "shot1", "shot0"]
    assert [line["document_id"] for line in exported(api, "--collection", "shots", "--limit", "2")] == ["shot2", "shot1"]
    both = exported(api, "--collection", shots, "--collection", "scenes", "--limit", "4")
    assert [line["document_id"] for line in both] == ["scene0", "scene1", "scene2", "shot2"]


def test_lines_are_what_the_api_shows(api: Api, scenes: str) -> None:
    (made,) = create(api, "scenes", {"n": 2**64 + 1, "x": Decimal("0.1000000000000000055"), "é": "\u2028", "nul": None})
    assert exported(api) == [made]
    v1 = api.get(f"/v1/documents/{made['document_id']}?schema_version=v1").json()
    assert exported(api, "--schema-version", "v1") == [v1]


def test_native_lines_name_the_version_that_the_document_chose(api: Api, scenes: str) -> None:
    create(api, scenes, {"document_schema_version": "v1"}, {})
    assert [line.get("document_schema_version") for line in exported(api)] == ["v1", None]


@pytest.mark.parametrize(("rare", "many"), [(1, 30), (29, 30)])
def test_filters_find_the_same_by_an_index_and_by_a_walk(
    api: Api, scenes: str, rare: int, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share of 1/30 is found by the index, one of 29/30 is walked to, when collections of this size are thought large."""
    monkeypatch.setattr("documents.listing.planning.SMALL", 0)
    create(api, scenes, *({"document_id": f"d{n:02}", "kind": "rare" if n < rare else "other"} for n in range(many)))
    expected = [f"d{n:02}" for n in range(rare)]
    filters = json.dumps({"kind": "rare"})
    assert [line["document_id"] for line in exported(api, "--filters", filters)] == expected
    limited = exported(api, "--filters", filters, "--limit", "1", "--select", "kind")
    assert limited == [{"document_id": "d00", "collection_id": scenes, "kind": "rare"}]


def test_filters_come_from_a_file_too(api: Api, scenes: str, tmp_path: Path) -> None:
    create(api, scenes, {"document_id": "a", "year": 1999}, {"document_id": "b", "year": 2001})
    (tmp_path / "filters.json").write_text('{"field": "year", "operator": "gte", "value": 2000}')
    assert [line["document_id"] for line in exported(api, "--filters", f"@{tmp_path}/filters.json")] == ["b"]


def test_more_than_a_fetch_and_a_piece(api: Api, scenes: str) -> None:
    create(api, scenes, *({"document_id": f"d{n:03}", "text": "x" * 1000} for n in range(reading.AT_ONCE + 1)))
    assert [line["document_id"] for line in exported(api)] == [f"d{n:03}" for n in range(reading.AT_ONCE + 1)]


# Tables -----------------------------------------------------------------------------------------------------------------

TABLED: list[dict[str, Any]] = [
    {
        "document_id": "a",
        "title": 'x,"y"\nz',
        "n": 1,
        "score": Decimal("0.25"),
        "on": True,
        "tags": ["é"],
        "m": {"a.b": 1, "c": {}},
    },
    {"document_id": "b", "title": "", "n": 2**70, "score": 3, "on": None, "tags": [], "m": {"c": {"d": "=1+1"}}},
    {"document_id": "c", "title": 7, "score": Decimal("0.1000000000000000055"), "vectors": {"v": [0.5, 1]}},
]


@pytest.mark.pgvector
def test_csv_has_a_column_for_each_path(api: Api, scenes: str) -> None:
    create(api, scenes, *TABLED)
    text, _ = ran(api, "-", "--format", "csv", "--vectors")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [column for column in rows[0] if not column.startswith("_internal")] == [
        *("document_id", "collection_id", "/m/a.b", "m.c", "m.c.d", "n", "on", "score", "tags", "title"),
        *("document_blobs", "vectors.v", "_rest"),
    ]
    assert [(row["title"], row["n"], row["score"], row["on"]) for row in rows] == [
        ('x,"y"\nz', "1", "0.25", "true"),
        ("", str(2**70), "3", ""),
        ("7", "", "0.1000000000000000055", ""),
    ]
    assert [(row["tags"], row["/m/a.b"], row["m.c"], row["m.c.d"]) for row in rows[:2]] == [
        ('["é"]', "1", "{}", ""),
        ("[]", "", "", "=1+1"),
    ]
    assert rows[2]["vectors.v"] == "[0.5,1]"


def test_csv_for_spreadsheets_runs_no_formula(api: Api, scenes: str) -> None:
    create(api, scenes, {"title": "=1+1", "n": -1, "plain": "a"})
    text, _ = ran(api, "-", "--format", "csv", "--spreadsheet", "--select", "title,n,plain")
    assert text.startswith("\ufeffdocument_id,")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["title"], row["n"], row["plain"]) == ("'=1+1", "-1", "a")


def test_what_the_sample_did_not_show_stands_in_the_last_column(
    api: Api, scenes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("documents.exporting.pipeline.SAMPLED", 1)
    create(api, scenes, {"document_id": "a", "n": 1}, {"document_id": "b", "n": "one", "late": {"x": Decimal("1.50")}})
    rows = list(csv.DictReader(io.StringIO(ran(api, "-", "--format", "csv")[0], newline="")))
    assert [(row["n"], row["_rest"]) for row in rows] == [("1", ""), ("one", '{"late.x":1.50}')]
    ran(api, str(tmp_path / "a.parquet"))
    table = pq.read_table(tmp_path / "a.parquet").select(["n", "_rest"]).to_pylist()
    assert table == [{"n": 1, "_rest": None}, {"n": None, "_rest": '{"n":"one","late.x":1.50}'}]


@pytest.mark.pgvector
def test_parquet_columns_have_types_where_these_hold_every_value(api: Api, scenes: str, tmp_path: Path) -> None:
    create(api, scenes, *TABLED)
    ran(api, str(tmp_path / "a.parquet"), "--vectors")
    table = pq.read_table(tmp_path / "a.parquet")
    types = {
        name: str(table.schema.field(name).type) for name in ("on", "title", "n", "score", "vectors.v", "_internal.created_at")
    }
    assert types == {
        **{"on": "bool", "title": "extension<arrow.json>", "n": "extension<arrow.json>", "score": "extension<arrow.json>"},
        **{"vectors.v": "list<element: float>", "_internal.created_at": "timestamp[us, tz=UTC]"},
    }
    rows = table.select(["n", "score", "on", "vectors.v", "m.c.d"]).to_pylist()
    assert rows == [
        {"n": "1", "score": "0.25", "on": True, "vectors.v": None, "m.c.d": None},
        {"n": str(2**70), "score": "3", "on": None, "vectors.v": None, "m.c.d": "=1+1"},
        {"n": None, "score": "0.1000000000000000055", "on": None, "vectors.v": [0.5, 1.0], "m.c.d": None},
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet", "parquet --vectors"])
def test_tables_come_back_through_an_import(api: Api, scenes: str, tmp_path: Path, ending: str) -> None:
    """As far as a table tells: null and missing are one."""
    bodies = [{"document_id": "a", "title": "x, y", "n": 12, "m": {"a.b": "c"}, "tags": [1, "é"], "source_object_id": "o"}]
    made = create(api, scenes, *bodies, {"document_id": "b", "title": "z", "source_document_id": "a"})
    suffix, *options = ending.split()
    output = str(tmp_path / f"a.{suffix}")
    definitions = str(tmp_path / "defs.jsonl")
    ran(api, output, *options, "--collections-file", definitions)
    copy = cast.api(Organization.objects.get(pk=api.scope.organization_id))
    place = ["--namespace", str(copy.namespace), "--organization", copy.scope.organization_public_id]
    said = {"stdout": StringIO(), "stderr": StringIO()}
    into = ["--collection-field", "collection_id", "--collections-file", definitions, "--map", "_rest="]
    try:
        call_command("import_documents", output, *place, *into, **said)
    except SystemExit:
        raise AssertionError(said["stderr"].getvalue()) from None
    for before in made:
        after = copy.get(f"/v1/documents/{before['document_id']}").json()
        held = {name: after[name] for name in ("title", "n", "m", "tags") if before.get(name) is not None}
        assert held == {name: before[name] for name in held}
        assert after["_internal"]["created_at"] == before["_internal"]["created_at"]
        assert after["_internal"]["lineage"]["root_object_id"] == "o"


def test_what_is_selected_has_one_column_where_the_rendering_has_it(api: Api, scenes: str, tmp_path: Path) -> None:
    """By whichever of its names it is asked for, and also where the documents do not have it."""
    create(api, scenes, {"document_id": "a", "metadata": {"title": "x"}})
    file = tmp_path / "a.csv"
    for select, columns in (
        ("/metadata/title,metadata.title", ["metadata.title"]),
        ("/metadata/year,metadata.year,metadata", ["metadata.title", "metadata.year"]),
        ("created_at,_internal.created_at", ["_internal.created_at"]),
        ("internal_metadata.k,/a.b/c,/document_id", ["/a.b/c", "_internal.metadata.k"]),
    ):
        ran(api, str(file), "--select", select, "--force")
        assert next(csv.reader(file.open()))[2:-1] == columns
        call_command("import_documents", str(file), *place(api), "--on-conflict", "replace", stdout=StringIO())
    for version in ("v1", "v2"):
        ran(api, str(file), "--select", "created_at,metadata.title", "--force", "--schema-version", version)
        assert next(csv.reader(file.open()))[2:-1] == ["created_at", "metadata.title"]


def place(api: Api) -> list[str]:
    return ["--namespace", str(api.namespace), "--organization", api.scope.organization_public_id, "--collection", "scenes"]


def test_names_of_columns_are_those_that_an_import_reads() -> None:
    for path in (("a", "b"), ("a.b", "c"), ("", "a"), ("/a",), ("a", "0"), (" a", "b"), ("a~b/c", "d."), ("é",)):
        assert path_of(column_name(path)) == path


# Files ------------------------------------------------------------------------------------------------------------------


def test_endings_choose_format_and_compression(api: Api, scenes: str, tmp_path: Path) -> None:
    create(api, scenes, {"title": "x"})
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.csv.gz"):
        ran(api, str(tmp_path / name), "--schema-version", "v2")
    plain = (tmp_path / "a.jsonl").read_bytes()
    assert json.loads(plain)["title"] == "x"
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == plain
    assert zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / "a.jsonl.zst").read_bytes()) == plain
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).startswith(b"document_id,collection_id,title,")


def test_an_existing_file_stays_unless_forced(api: Api, scenes: str, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    output.write_text("before")
    with pytest.raises(CommandError, match="--force writes over it"):
        ran(api, str(output))
    assert output.read_text() == "before"
    create(api, scenes, {})
    ran(api, str(output), "--force")
    assert output.read_text().startswith("{")
    assert os.listdir(tmp_path) == ["a.jsonl"]


@pytest.mark.parametrize("failing", [KeyboardInterrupt(), OSError(28, "No space left on device"), ValueError("a bug")])
def test_nothing_is_left_of_an_export_that_fails(
    api: Api, scenes: str, tmp_path: Path, failing: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(api, scenes, {}, {})
    asked = []

    def fail_at_the_second(*arguments: Any) -> str:
        asked.append(arguments)
        assert os.listdir(tmp_path) != ["kept"], "the file is begun aside"
        if len(asked) == 2:
            raise failing
        return "{}"

    (tmp_path / "kept").write_text("")
    monkeypatch.setattr("documents.exporting.pipeline.rendered", fail_at_the_second)
    with pytest.raises((SystemExit, CommandError, ValueError)) as ended:
        ran(api, str(tmp_path / "a.jsonl.gz"), "--collections-file", str(tmp_path / "defs.jsonl"))
    if isinstance(failing, KeyboardInterrupt):
        assert ended.value.args == (130,)
    assert os.listdir(tmp_path) == ["kept"]


def test_definitions_say_how_to_make_the_collections_again(api: Api, tmp_path: Path) -> None:
    made = api.post("/v1/collections", {"collection_name": "scenes", "source": {"type": "none"}, "description": "x"}).json()
    ran(api, str(tmp_path / "a.jsonl"), "--collections-file", str(tmp_path / "defs.jsonl"))
    definition = json.loads((tmp_path / "defs.jsonl").read_text())
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(definition.pop(name)) == datetime.fromisoformat(made[name])
    copy = cast.api()
    assert copy.post("/v1/collections", definition).json()["collection_id"] == made["collection_id"]


# What is said -----------------------------------------------------------------------------------------------------------


def test_what_was_done_is_told_to_people_and_to_programs(api: Api, scenes: str, tmp_path: Path) -> None:
    create(api, scenes, {}, {})
    out, err = ran(api, str(tmp_path / "a.jsonl"))
    assert out == ""
    assert err.startswith("2 documents to ")
    out, _ = ran(api, str(tmp_path / "b.jsonl"), "--json")
    told = json.loads(out)
    assert (told["documents"], told["format"], told["collections"]) == (2, "jsonl", [scenes])
    assert told["bytes"] == os.stat(tmp_path / "b.jsonl").st_size


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--filters", "{"], "not JSON"),
        (["--filters", "@/nowhere"], "can't be read"),
        (["--filters", '{"field": "a", "operator": "like"}'], "operator"),
        (["--filters", '{"field": "a", "operator": "regex", "value": "("}'], "regular expression"),
        (["--collection", "nowhere"], "Collection nowhere was not found"),
        (["--json", "--output", "-"], "standard output"),
        (["--output", "/nowhere/a.jsonl"], "no folder"),
        (["--output", "/dev/null"], "no file that could be replaced"),
        (["--output", "/nowhere/a.parquet.gz"], "Parquet is compressed inside"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(
    api: Api, scenes: str, tmp_path: Path, options: list[str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        ran(api, str(tmp_path / "a.jsonl"), *options)
    assert os.listdir(tmp_path) == []


# One moment -------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_everything_comes_from_one_moment(api: Api, scenes: str) -> None:
    """Documents made, changed and deleted by others while an export is under way are as they were when it began."""
    shots = cast.collection(api, "shots")
    create(api, scenes, *({"document_id": f"a{n:03}", "n": 0} for n in range(reading.AT_ONCE + 50)))
    create(api, shots, {"document_id": "b", "n": 0})
    found = []
    with begun(api.scope, Asked(), statement_seconds=30) as export:
        pieces = export.pieces()
        found.append(next(pieces).content)
        other = threading.Thread(target=_change_all)
        other.start()
        other.join()
        found += [piece.content for piece in pieces]
    lines = [json.loads(line) for line in b"".join(found).splitlines()]
    assert [(line["document_id"], line["n"]) for line in lines] == [
        *((f"a{n:03}", 0) for n in range(reading.AT_ONCE + 50)),
        ("b", 0),
    ]


def _change_all() -> None:
    settings = connection.settings_dict
    with psycopg.connect(
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        host=settings["HOST"],
        port=settings["PORT"],
    ) as other:
        other.execute("UPDATE documents_document SET payload = '{\"n\": 1}'")
        other.execute("DELETE FROM documents_document WHERE document_id = 'b' OR document_id > 'a200'")
