"""`manage.py import_documents` with files of every format, fields that are mapped, and rows that name their collections."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from django.core.management import CommandError, call_command
from pyarrow import parquet

from documents.models import Document
from mixpeek_site import jsonio
from namespaces import services
from tests import cast
from tests.cast import Api, compact
from tests.commands.running import places, ran

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return cast.api()


def bring(api: Api, *arguments: str | Path) -> tuple[int, str]:
    """Run the command; its exit code and what it says."""
    told = ran("import_documents", *map(str, arguments), *places(api))
    return told.code, told.err + told.out


def write(file: Path, content: str) -> Path:
    file.write_text(content)
    return file


def stored(api: Api) -> dict[str, tuple[str, Any]]:
    """Collection and user fields by document id."""
    found = Document.objects.filter(namespace__public_id=api.namespace)
    return {row[0]: (row[1], row[2]) for row in found.values_list("document_id", "collection__name", "payload")}


def test_bad_rows_of_csv_are_mended_in_the_errors_file(api: Api, tmp_path: Path) -> None:
    cast.collection(api, "films")
    file = write(tmp_path / "films.csv", 'code;metadata.year;title\nm1;1927;Metropolis\nm2;1931\nm3;1922;"Nosferatu\nm 4;1;x\n')
    errors, still = tmp_path / "bad.jsonl", tmp_path / "worse.jsonl"
    common: list[str | Path] = ["--collection", "films", "--id-field", "code"]
    code, said = bring(api, file, *common, "--errors", errors)
    assert code == 3
    assert f"{file}, line 3: has 2 cells, and the header 3 columns" in said
    assert f"{file}, line 5 (m 4): body.document_id: " in said
    told = [json.loads(line)["_import_error"] for line in errors.open()]
    assert [(one["file"], one["line"]) for one in told] == [(str(file), 3), (str(file), 4), (str(file), 5)]
    code, said = bring(api, errors, *common, "--errors", still)
    assert (code, [json.loads(line)["_import_error"]["reason"] for line in still.open()][2]) == (3, told[2]["reason"])
    mended = errors.read_text().replace("m2;1931", "m2;1931;M").replace(r"\"Nosferatu", r"\"Nosferatu\"").replace("m 4", "m4")
    code, said = bring(api, write(tmp_path / "mended.jsonl", mended), *common)
    assert code == 0, said
    assert stored(api) == {
        "m1": ("films", {"code": "m1", "metadata": {"year": 1927}, "title": "Metropolis"}),
        "m2": ("films", {"code": "m2", "metadata": {"year": 1931}, "title": "M"}),
        "m3": ("films", {"code": "m3", "metadata": {"year": 1922}, "title": "Nosferatu"}),
        "m4": ("films", {"code": "m4", "metadata": {"year": 1}, "title": "x"}),
    }


@pytest.mark.parametrize("rendering", ["native", "v1", "v2"])
@pytest.mark.parametrize("question", [{}, {"group_by": "title"}])
def test_a_saved_answer_of_a_list_comes_back(api: Api, tmp_path: Path, rendering: str, question: dict[str, Any]) -> None:
    """Of this server, in any rendering: what another server of the API said is the same, or less."""
    films, shots = cast.collection(api, "films"), cast.collection(api, "shots")
    source = {"source_type": "bucket", "source_object_id": "o", "root_bucket_id": "b"}
    one = {"document_id": "f1", "title": "T", "n": jsonio.loads("1.50"), "document_blobs": [{"field": "a", "url": "s3://x/y"}]}
    api.post(f"/v1/collections/{films}/documents", {**one, **source, "internal_metadata": {"ingestion_status": "DONE"}})
    api.post(f"/v1/collections/{films}/documents", {"document_id": "f2", "title": "T", "metadata": {"a": None}})
    api.post(f"/v1/collections/{shots}/documents", {"document_id": "s1", "source_document_id": "f1"})
    asked = {**question, "limit": 100, "schema_version": rendering}
    answer = api.post("/v1/documents/list", asked)
    file = tmp_path / "saved.json"
    file.write_bytes(answer.content)

    other = cast.api()
    for name, config in (("films", films), ("shots", shots)):
        services.create_collection(scope=other.scope, name=name, collection_id=config, config={"source": {"type": "none"}})
    code, said = bring(other, file, "--collection-field", "collection_id")
    assert (code, said.splitlines()[-1][:29]) == (0, "3 lines: 3 imported, 0 failed"), said
    for name in ("f1", "f2", "s1"):
        before, after = (at.get(f"/v1/documents/{name}?schema_version=native").json() for at in (api, other))
        for document in (before, after):
            for member in ("internal_id", "namespace_id", "created_at", "updated_at"):
                document["_internal"].pop(member)
            for step in document["_internal"].get("lineage", {}).get("chain", ()):
                step.pop("timestamp")
            for part in (document, document["_internal"]):
                for empty in ("metadata", "source_blobs", "source_details", "enrichments"):
                    if not part.get(empty, True):
                        del part[empty]
        assert compact(after) == compact(before)


def test_rows_name_their_collections(api: Api, tmp_path: Path) -> None:
    """Children before parents and after them, in one batch and in several; what nobody knows is the line's failure."""
    for name in ("books", "pages"):
        cast.collection(api, name)
    rows = [
        {"id": "b1.p1", "kind": "pages", "of": "b1"},
        {"id": "b1", "kind": "books", "lineage": {"source_type": "bucket", "source_object_id": "shelf", "root_bucket_id": "b"}},
        {"id": "b1.p2", "kind": "pages", "of": "b1"},
        {"id": "x", "kind": "films"},
        {"id": "y"},
        {"id": "z", "kind": "books", "collection_id": "pages"},
        {"id": "b1.p2", "kind": "books"},
    ]
    file = write(tmp_path / "mixed.json", json.dumps(rows, indent=1))
    options: list[str | Path] = [
        file,
        "--collection-field",
        "kind",
        "--id-field",
        "id",
        "--map",
        "id=",
        "--map",
        "of=source_document_id",
    ]
    code, said = bring(api, *options)
    assert code == 3
    assert {name: place for name, (place, _) in stored(api).items()} == {"b1": "books", "b1.p1": "pages", "b1.p2": "pages"}
    for told in (
        f"{file}, element 4 (x): Collection films was not found",
        f"{file}, element 5 (y): The line names no collection.",
        f"{file}, element 6 (z): The body's collection_id is pages, which is another collection.",
        f"{file}, element 7 (b1.p2): Document b1.p2 exists already in collection",
    ):
        assert told in said
    for page in ("b1.p1", "b1.p2"):
        lineage = api.get(f"/v1/documents/{page}").json()["_internal"]["lineage"]
        assert (lineage["root_object_id"], len(lineage["chain"])) == ("shelf", 2)

    code, said = bring(api, *options, "--create-collections", "--collection", "books", "--on-conflict", "skip")
    assert {name: place for name, (place, _) in stored(api).items() if name in "xy"} == {"x": "films", "y": "books"}
    assert "7 lines: 2 imported, 4 skipped, 1 failed" in said


def test_a_dry_run_makes_no_collections(api: Api, tmp_path: Path) -> None:
    file = write(tmp_path / "x.jsonl", '{"kind": "new"}\n')
    for options in (["--collection-field", "kind"], ["--collection", "new"]):
        assert bring(api, file, *options, "--create-collections", "--dry-run")[0] == 0
        assert api.get("/v1/collections/new").status_code == 404
    assert bring(api, file, "--collection", "new", "--create-collections")[0] == 0
    assert [place for place, _ in stored(api).values()] == ["new"]


def test_replacing_with_mapped_fields_moves_a_document(api: Api, tmp_path: Path) -> None:
    cast.collection(api, "films")
    write(tmp_path / "x.csv", "id,of,n\na,,1\nb,,2\nc,a,3\n")
    options: list[str | Path] = [
        tmp_path / "x.csv",
        "--collection",
        "films",
        "--map",
        "id=document_id",
        "--map",
        "of=source_document_id",
    ]
    assert bring(api, *options)[0] == 0
    write(tmp_path / "x.csv", "id,of,n\nc,b,4\n")
    assert bring(api, *options, "--on-conflict", "replace")[0] == 0
    moved = api.get("/v1/documents/c").json()
    assert (moved["n"], moved["_internal"]["lineage"]["source_document_id"]) == (4, "b")
    assert "of" not in moved


def test_parquet_comes_in_and_its_binary_columns_stay_out(api: Api, tmp_path: Path) -> None:
    cast.collection(api, "films")
    table = pyarrow.table({"code": [7, 8], "poster": [b"\x00", None], "tags": [["a"], None]})
    parquet.write_table(table, tmp_path / "films.parquet")
    options: list[str | Path] = [tmp_path / "films.parquet", "--collection", "films", "--id-field", "code"]
    with pytest.raises(CommandError, match=r"column poster holds binary data .* Leave it out: --map poster="):
        bring(api, *options)
    assert bring(api, *options, "--map", "poster=")[0] == 0
    assert stored(api) == {
        "7": ("films", {"code": 7, "tags": ["a"]}),
        "8": ("films", {"code": 8, "tags": None}),
    }


@pytest.mark.pgvector
@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_tables_that_we_exported_come_back(api: Api, tmp_path: Path, extension: str) -> None:
    """Of documents without nulls; in CSV also without texts that look like something else."""
    films = cast.collection(api, "films")
    bodies: list[Any] = [
        {
            "document_id": "a",
            "title": "x",
            "n": 1,
            "tags": [1, {"b": None}],
            "metadata": {"a.b": {" c ": 2}, "d": {}},
            "": "empty",
        },
        {"document_id": "b", "title": {"main": "y"}, "n": jsonio.loads("18446744073709551617"), "vectors": {"clip": [0.5, 0.25]}},
        {"document_id": "c", "n": jsonio.loads("0.1000000000000000055"), "source_document_id": "a", "content_hash": "h"},
        {
            "document_id": "d",
            "No. of reels": 5,
            "/x": True,
            "metadata": {"d": [[]]},
            "document_blobs": [{"field": "f", "url": "u"}],
        },
    ]
    for body in bodies:
        assert api.post(f"/v1/collections/{films}/documents", body).status_code == 200
    file = tmp_path / f"films.{extension}"
    place = ["--namespace", str(api.namespace), "--organization", api.scope.organization_public_id]
    call_command("export_documents", *place, "--collection", "films", "--output", str(file), "--vectors", stderr=StringIO())
    other = cast.api()
    services.create_collection(scope=other.scope, name="films", collection_id=films, config={"source": {"type": "none"}})
    code, said = bring(other, file, "--collection", "films")
    assert code == 0, said
    fields = [{body["document_id"]: user_fields(at, body["document_id"]) for body in bodies} for at in (api, other)]
    for name in fields[0]:
        assert json.loads(compact(fields[1][name])) == json.loads(compact(fields[0][name]))


def user_fields(api: Api, name: str) -> Any:
    document = api.get(f"/v1/documents/{name}?return_vectors=true").json()
    for member in ("internal_id", "namespace_id"):
        del document["_internal"][member]
    return without_nulls(document)


def without_nulls(value: Any) -> Any:
    """Empty cells are nulls, which the documents did not have, and objects of nothing but nulls."""
    if not isinstance(value, dict) or not value:
        return value
    kept = {name: inner for name, member in value.items() if (inner := without_nulls(member)) is not None}
    return kept or None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "Say where the documents go"),
        (["--collection", "c", "--map", "x"], "SOURCE=TARGET"),
        (["--collection", "c", "--types", "x=date"], "the type one of"),
        (["--collection", "c", "--map", "x=vector"], "can't have"),
    ],
)
def test_wrong_options_are_told(api: Api, tmp_path: Path, options: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as told:
        bring(api, write(tmp_path / "x.jsonl", "{}"), *options)
    assert told.value.returncode == 2
