"""`manage.py import_documents`: what goes in, what is refused and how it is told, and that it is what the API would have done."""

import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from documents.models import Document
from mixpeek_site import jsonio
from tests import cast, generators
from tests.cast import Api
from tests.commands import running
from tests.commands.running import Ran, places

pytestmark = pytest.mark.django_db


def imported(api: Api, collection: str, content: bytes | list[Any], folder: Path, *options: str) -> Ran:
    """Run the command on a file of this content; a list is one JSON line each."""
    file = folder / "input.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else "".join(f"{jsonio.dumps(body)}\n" for body in content).encode())
    return ran(api, collection, str(file), *options)


def ran(api: Api, collection: str, file: str, *options: str) -> Ran:
    return running.ran("import_documents", file, *places(api, collection), *options)


@pytest.fixture
def api() -> Api:
    return cast.api()


@pytest.fixture
def collection(api: Api) -> str:
    return cast.collection(api, "scenes")


@pytest.fixture
def get(api: Api) -> Callable[[str], Any]:
    return lambda document_id: api.get(f"/v1/documents/{document_id}").json()


def stored(api: Api) -> set[str]:
    return set(Document.objects.filter(namespace__public_id=api.namespace).values_list("document_id", flat=True))


# Reading --------------------------------------------------------------------------------------------------------------


def test_lines_become_documents_and_are_counted(api: Api, collection: str, tmp_path: Path) -> None:
    ran = imported(api, collection, [{"title": f"n{n}"} for n in range(25)], tmp_path, "--batch-size", "10")
    assert ran.code == 0
    assert ran.out.startswith("25 lines: 25 imported, 0 failed")
    titles = [document["title"] for document in listed(api, collection)]
    assert titles == [f"n{n}" for n in range(25)]


def listed(api: Api, collection: str) -> list[Any]:
    found: list[Any] = api.post(f"/v1/collections/{collection}/documents/list", {"limit": 1000}).json()["results"]
    return found


def test_every_generations_body_is_read(api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]) -> None:
    bodies: list[Any] = [
        {
            "document_id": "one",
            "document_schema_version": "v1",
            "source_details": [{"type": "bucket", "object_id": "o", "source_id": "b"}],
        },
        {"document_id": "two", "source_type": "bucket", "source_object_id": "o", "root_bucket_id": "b"},
        {"document_id": "three", "_internal": {"modality": "video", "lineage": {"source_object_id": "o"}}},
    ]
    assert imported(api, collection, bodies, tmp_path).code == 0
    assert get("one")["root_object_id"] == "o"
    assert get("two")["_internal"]["lineage"]["path"] == f"b/{collection}"
    assert get("three")["_internal"]["modality"] == "video"


def test_gzip_is_recognised_by_its_first_bytes(api: Api, collection: str, tmp_path: Path) -> None:
    content = gzip.compress(b'{"document_id": "a"}\n') + gzip.compress(b'{"document_id": "b"}')
    assert imported(api, collection, content, tmp_path).code == 0
    assert stored(api) == {"a", "b"}


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress])
def test_standard_input_is_read(
    api: Api, collection: str, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(pack(b'{"document_id": "a"}\n'))))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert ran(api, collection, "-").code == 0
    assert stored(api) == {"a"}


def test_blank_lines_windows_line_ends_and_a_byte_order_mark_are_fine(api: Api, collection: str, tmp_path: Path) -> None:
    ran = imported(api, collection, b'\xef\xbb\xbf{"document_id": "a"}\r\n\r\n  \n\t{"document_id":\t"b"}', tmp_path)
    assert (ran.code, stored(api)) == (0, {"a", "b"})


def test_damaged_gzip_ends_the_import_after_the_last_whole_line(api: Api, collection: str, tmp_path: Path) -> None:
    lines = b"".join(b'{"document_id": "%d"}\n' % n for n in range(50_000))
    with pytest.raises(CommandError, match="can't be read to its end"):
        imported(api, collection, gzip.compress(lines)[:-2000], tmp_path, "--batch-size", "700")
    whole = zlib.decompressobj(wbits=31).decompress(gzip.compress(lines)[:-2000]).count(b"\n")
    assert stored(api) == {str(n) for n in range(whole)}


def test_limit_reads_so_many_lines(api: Api, collection: str, tmp_path: Path) -> None:
    imported(api, collection, [{"document_id": str(n)} for n in range(5)], tmp_path, "--limit", "3")
    assert stored(api) == {"0", "1", "2"}


def test_what_is_wrong_with_the_command_line_is_said_before_anything_is_read(api: Api, collection: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"can't be opened"):
        ran(api, collection, str(tmp_path / "missing.jsonl"))
    with pytest.raises(CommandError, match=r"is a directory|can't be opened"):
        ran(api, collection, str(tmp_path))
    with pytest.raises(CommandError, match=r"Collection nowhere was not found"):
        imported(api, "nowhere", b"", tmp_path)
    with pytest.raises(CommandError, match=r"names a file that is to be imported"):
        imported(api, collection, b"", tmp_path, "--errors", str(tmp_path / "input.jsonl"))


# Bad lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": ', "is not JSON"),
        (b'{"a": NaN}', "is not JSON"),
        (b'"text"', "must be a JSON object"),
        (b"[]", "must be a JSON object"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (rb'{"a": "\u0000"}', "U+0000"),
        (rb'{"a": "\ud800"}', "lone surrogate"),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "deeper than 64"),
        (b'{"a": ' + b"[" * 90_000, "deeper than 64"),
        (b'{"a": 1e2000}', "more than 1000 digits"),
        (b'{"document_id": "batch"}', "word of the URL space"),
        (b'{"document_id": 7}', "must be a string"),
        (b'{"collection_id": "elsewhere"}', "another collection"),
        (b'{"_secret": 1}', "names beginning with _"),
        (b'{"source_type": "planet"}', "must be bucket or collection"),
        (b'{"vectors": {"a": []}}', "dimensions"),
    ],
)
def test_a_bad_line_is_reported_and_does_not_stop_the_rest(
    api: Api, collection: str, tmp_path: Path, line: bytes, reason: str
) -> None:
    errors = tmp_path / "errors.jsonl"
    content = b'{"document_id": "a"}\n' + line + b'\n{"document_id": "b"}\n'
    ran = imported(api, collection, content, tmp_path, "--errors", str(errors))
    assert (ran.code, stored(api)) == (3, {"a", "b"})
    [told] = errors.read_text().splitlines()
    assert reason in json.loads(told)["_import_error"]["reason"]
    assert json.loads(told)["_import_error"]["line"] == 2


def test_a_line_beyond_the_limit_is_skipped_without_being_held(api: Api, collection: str, tmp_path: Path, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1000
    fits = b'{"document_id": "fits", "a": "%s"}' % (b"x" * (1000 - 32))
    content = b'{"a": "' + b"x" * 3_000_000 + b'"}\n' + fits + b"\n" + b" " * 5000 + b'{"document_id": "c"}\n{"document_id": "b"}'
    ran = imported(api, collection, content, tmp_path)
    assert len(fits) == 1000
    assert (ran.code, stored(api)) == (3, {"fits", "b"})
    assert "has 3000010" in ran.err


def test_a_document_that_grows_beyond_the_limit_when_stored_is_refused(
    api: Api, collection: str, tmp_path: Path, settings: Any
) -> None:
    settings.MAX_DOCUMENT_BYTES = 20_000
    bomb = {"document_id": "bomb", "a": [jsonio.loads("1e900")] * 50}
    ran = imported(api, collection, [bomb, {"document_id": "b", "a": "x" * 10_000}], tmp_path)
    assert (ran.code, stored(api)) == (3, {"b"})
    assert "One document may have 20000 bytes" in ran.err


def test_the_errors_file_can_be_mended_and_fed_again(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]
) -> None:
    errors = tmp_path / "errors.jsonl"
    content = b'{"document_id": "a", "source_type": "planet", "n": 1.50}\n{"document_id": "b"\n["\xff"]\n'
    assert imported(api, collection, content, tmp_path, "--errors", str(errors)).code == 3
    mended = errors.read_text().replace('"planet"', '"bucket"').replace(r"{\"document_id\": \"b\"", r"{\"document_id\": \"b\"}")
    again = imported(api, collection, mended.encode(), tmp_path, "--errors", str(tmp_path / "still.jsonl"))
    assert again.out.startswith("3 lines: 2 imported, 1 failed")
    assert (jsonio.dumps(get("a")["n"]), stored(api)) == ("1.50", {"a", "b"})


def test_an_errors_file_on_a_full_disk_ends_the_import_in_a_sentence(api: Api, collection: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="The errors file /dev/full can't be written: No space left on device"):
        imported(api, collection, b"[]\n{}", tmp_path, "--errors", "/dev/full")
    assert len(stored(api)) == 1


def test_an_errors_file_unmended_fails_for_the_same_reasons(api: Api, collection: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    imported(api, collection, b'{"source_type": "planet", "n": 1.50}\n{"a"\n[]\n{}x\n', tmp_path, "--errors", str(first))
    assert ran(api, collection, str(first), "--errors", str(second)).code == 3
    told = [[jsonio.loads(line) for line in file.open()] for file in (first, second)]
    files = [{line["_import_error"].pop("file") for line in lines} for lines in told]
    assert told[0] == told[1]
    assert files == [{str(tmp_path / "input.jsonl")}, {str(first)}]


def test_without_an_errors_file_the_first_failures_are_shown(api: Api, collection: str, tmp_path: Path) -> None:
    ran = imported(api, collection, b"[]\n" * 15, tmp_path)
    assert ran.err.count("must be a JSON object") == 10
    assert "--errors FILE keeps them all" in ran.err


# Conflicts --------------------------------------------------------------------------------------------------------------


def test_an_id_that_exists_fails_its_line_by_default(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]
) -> None:
    imported(api, collection, [{"document_id": "a", "title": "first"}], tmp_path)
    ran = imported(api, collection, [{"document_id": "a", "title": "second"}, {"document_id": "b"}], tmp_path)
    assert (ran.code, get("a")["title"], stored(api)) == (3, "first", {"a", "b"})
    assert "Document a exists already." in ran.err


@pytest.mark.parametrize(("mode", "title", "counts"), [("skip", "first", "1 skipped"), ("replace", "second", "1 replaced")])
def test_of_two_lines_with_one_id_the_order_decides(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any], mode: str, title: str, counts: str
) -> None:
    lines = [{"document_id": "a", "title": "first"}, {"document_id": "a", "title": "second"}]
    ran = imported(api, collection, lines, tmp_path, "--on-conflict", mode)
    assert (ran.code, get("a")["title"]) == (0, title)
    assert counts in ran.out


@pytest.mark.pgvector
def test_replace_does_what_put_does(api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]) -> None:
    body: Any = {
        "document_id": "a",
        "title": "old",
        "metadata": {"a": 1},
        "internal_metadata": {"x": 1},
        "content_hash": "h",
        "vectors": {"v": [1]},
        "document_blobs": [{"field": "f", "url": "u"}],
    }
    imported(api, collection, [body, {**body, "document_id": "b"}], tmp_path)
    before = {name: version(name) for name in ("a", "b")}
    new: Any = {"title": "new", "metadata": {}, "enrichments": {"e": 1}, "source_blobs": [], "vectors": {"w": [2]}}
    assert api.put("/v1/documents/b", new).status_code == 200
    assert imported(api, collection, [{**new, "document_id": "a"}], tmp_path, "--on-conflict", "replace").code == 0
    assert plain(get("a")) == plain(get("b"))
    assert all(version(name) > before[name] for name in ("a", "b"))
    query = "?return_vectors=true"
    assert [api.get(f"/v1/documents/{name}{query}").json()["vectors"] for name in "ab"] == [{"v": [1], "w": [2]}] * 2


def version(document_id: str) -> tuple[int, Any]:
    found = Document.objects.get(document_id=document_id)
    return found.version, found.updated_at


def plain(document: Any) -> str:
    """A document without what differs from one to the next by nature."""
    text = re.sub(r'"(created_at|updated_at|timestamp)":"[^"]*"', r'"\1":""', jsonio.dumps(document))
    return cast.compact(json.loads(re.sub(r'"(document_id|internal_id|namespace_id)":"[^"]*"', r'"\1":""', text)))


def test_replace_moves_a_document_and_its_subtree(api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]) -> None:
    tree = [bucket_document("p", "one"), bucket_document("q", "two"), child("a", "p"), child("b", "a")]
    imported(api, collection, tree, tmp_path)
    moved = [child("n", "a"), child("a", "q"), child("m", "b")]
    assert imported(api, collection, moved, tmp_path, "--on-conflict", "replace").code == 0
    assert {get(name)["_internal"]["lineage"]["root_object_id"] for name in ("a", "b", "n", "m")} == {"two"}


def test_replace_compares_a_body_with_what_an_earlier_line_made_of_its_document(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]
) -> None:
    waiting = child("x", "a", source_collection_id="col_other")
    imported(api, collection, [waiting], tmp_path)
    ran = imported(api, collection, [{"document_id": "a"}, waiting], tmp_path, "--on-conflict", "replace")
    assert ran.code == 3
    assert "is not the collection of the source document" in ran.err
    assert get("x")["_internal"]["lineage"]["source_collection_id"] == collection


def test_empty_parts_that_v1_shows_are_not_made_by_a_replace(api: Api, collection: str, tmp_path: Path) -> None:
    imported(api, collection, [{"document_id": "a"}, {"document_id": "b", "enrichments": {"e": 1}}], tmp_path)
    empty: Any = {"metadata": {}, "enrichments": {}, "source_details": []}
    lines = [{**empty, "document_id": name} for name in ("a", "b")]
    assert imported(api, collection, lines, tmp_path, "--on-conflict", "replace").code == 0
    stored = dict(Document.objects.filter(namespace__public_id=api.namespace).values_list("document_id", "system"))
    assert stored == {"a": {}, "b": {"enrichments": {}}}


def test_replacing_a_document_of_another_collection_fails_its_line(api: Api, collection: str, tmp_path: Path) -> None:
    other = cast.collection(api)
    imported(api, other, [{"document_id": "a"}], tmp_path)
    ran = imported(api, collection, [{"document_id": "a"}], tmp_path, "--on-conflict", "replace")
    assert ran.code == 3
    assert f"exists already in collection {other}" in ran.err


def test_the_id_of_a_document_in_a_deleted_collection_is_free(api: Api, collection: str, tmp_path: Path) -> None:
    gone = cast.collection(api)
    imported(api, gone, [{"document_id": "a"}], tmp_path)
    api.delete(f"/v1/collections/{gone}")
    assert imported(api, collection, [{"document_id": "a"}], tmp_path).code == 0
    assert api.get("/v1/documents/a").json()["collection_id"] == collection


def test_a_dry_run_counts_as_the_import_does_and_changes_nothing(api: Api, collection: str, tmp_path: Path) -> None:
    imported(api, collection, [{"document_id": "old"}], tmp_path)
    lines = [{"document_id": "old"}, {"document_id": "a"}, {"document_id": "a"}, child("b", "a"), {"source_type": "x"}]
    dry = imported(api, collection, lines, tmp_path, "--dry-run", "--batch-size", "1")
    assert stored(api) == {"old"}
    wet = imported(api, collection, lines, tmp_path, "--batch-size", "1")
    assert dry.code == wet.code == 3
    assert dry.out.split(", in ")[0] == wet.out.split(", in ")[0] == "5 lines: 2 imported, 3 failed"
    assert "nothing was changed" in dry.out


# Lineage ----------------------------------------------------------------------------------------------------------------


def bucket_document(name: str, root: str) -> Any:
    return {"document_id": name, "source_type": "bucket", "source_object_id": root}


def child(name: str, parent: str, **more: Any) -> Any:
    return {"document_id": name, "source_document_id": parent, **more}


@pytest.mark.parametrize("order", ["abcd", "dcba", "bdac"])
@pytest.mark.parametrize("size", ["1", "2", "100"])
def test_parents_come_before_or_after_their_children(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any], order: str, size: str
) -> None:
    bodies = {"a": bucket_document("a", "root"), "b": child("b", "a"), "c": child("c", "b"), "d": child("d", "c")}
    assert imported(api, collection, [bodies[name] for name in order], tmp_path, "--batch-size", size).code == 0
    lineage = get("d")["_internal"]["lineage"]
    assert lineage["root_object_id"] == "root"
    assert [step.get("document_id") for step in lineage["chain"]] == ["a", "b", "c", None]
    assert get("c")["_internal"]["lineage"]["source_collection_id"] == collection


def test_the_bucket_of_a_stored_object_is_filled_in_and_a_wrong_one_refused(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]
) -> None:
    bucket = cast.bucket(api)
    cast.bucket_object(api, bucket, "clip")
    bodies = [bucket_document("a", "clip"), {**bucket_document("b", "clip"), "root_bucket_id": "bkt_other"}]
    ran = imported(api, collection, bodies, tmp_path)
    assert (ran.code, get("a")["_internal"]["lineage"]["path"]) == (3, f"{bucket}/{collection}")
    assert "body.root_bucket_id: differs from the stored object's" in ran.err


def test_contradictions_with_a_stored_parent_are_bad_lines(api: Api, collection: str, tmp_path: Path) -> None:
    imported(api, collection, [bucket_document("p", "root")], tmp_path)
    bodies = [child("a", "p", root_object_id="other"), child("b", "p", source_collection_id="col_x"), child("c", "p")]
    ran = imported(api, collection, bodies, tmp_path)
    assert (ran.code, stored(api)) == (3, {"p", "c"})
    assert "differs from the stored parent's" in ran.err
    assert "is not the collection of the source document" in ran.err


@pytest.mark.parametrize("size", ["1", "100"])
def test_the_line_that_closes_a_circle_is_refused(api: Api, collection: str, tmp_path: Path, size: str) -> None:
    circle = [child("a", "c"), child("b", "a"), child("c", "b"), child("d", "d")]
    ran = imported(api, collection, circle, tmp_path, "--batch-size", size)
    assert (ran.code, stored(api)) == (3, {"a", "b"})


def test_a_document_below_another_of_its_batch_by_way_of_a_stored_one_gets_its_root(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]
) -> None:
    imported(api, collection, [child("x", "a")], tmp_path)
    assert imported(api, collection, [child("b", "x"), bucket_document("a", "root"), child("c", "b")], tmp_path).code == 0
    assert get("c")["_internal"]["lineage"]["root_object_id"] == "root"


def test_a_document_without_lineage_links_the_children_that_wait_for_it(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]
) -> None:
    imported(api, collection, [child("x", "a"), child("y", "x")], tmp_path)
    assert imported(api, collection, [{"document_id": "a"}], tmp_path).code == 0
    assert [step.get("document_id") for step in get("y")["_internal"]["lineage"]["chain"]] == ["a", "x", None]


NAMES = list("abcde")
references = st.sampled_from([None, None, "r1", "r2"])
extras = st.fixed_dictionaries(
    {},
    optional={
        "root_object_id": references,
        "root_bucket_id": references,
        "lineage_path": st.just("b/c/d"),
        "source_collection_id": st.sampled_from(["scenes", "col_other"]),
        "lineage_chain": st.just([{"collection_id": "col_z", "feature_extractor_id": "z_v1", "document_id": "zz"}]),
        "internal_metadata": st.just({"ingestion_status": "COMPLETED"}),
        "document_schema_version": st.sampled_from(["v1", "v2", "native"]),
    },
)
lineages = st.one_of(
    st.just({}),
    st.builds(lambda root: {"source_type": "bucket", "source_object_id": root}, st.sampled_from(["r1", "r2", "clip"])),
    st.builds(lambda parent: {"source_document_id": parent}, st.sampled_from(NAMES)),
    st.builds(lambda parent: {"source_document_id": parent}, st.sampled_from(NAMES)),
)


def named(names: list[str], parts: list[tuple[Any, ...]]) -> list[Any]:
    return [
        {**fields, **lineage, **more, "document_id": name} for name, (fields, lineage, more) in zip(names, parts, strict=False)
    ]


bodies = st.builds(
    named,
    st.permutations(NAMES) | st.lists(st.sampled_from(NAMES), min_size=7, max_size=7),
    st.lists(st.tuples(generators.user_fields, lineages, extras), max_size=7),
)
OF_R2 = bucket_document("a", "r2")


@given(bodies=bodies, size=st.sampled_from([1, 2, 3, 100]), first=st.integers(0, 3))
# Roots that follow from earlier lines, parents that come after their children were checked, circles by way of stored documents.
@example(bodies=[OF_R2, child("b", "a"), child("c", "b", root_object_id="r1")], size=100, first=0)
@example(bodies=[child("x", "a"), OF_R2, child("b", "x", root_object_id="r1")], size=100, first=1)
@example(bodies=[child("b", "a"), child("c", "b", root_object_id="r1"), OF_R2], size=100, first=0)
@example(bodies=[child("x", "a"), child("b", "x", root_object_id="r1"), OF_R2], size=100, first=1)
@example(bodies=[child("x", "a"), child("b", "x"), child("c", "b"), child("a", "c"), child("c", "a")], size=100, first=1)
@example(bodies=[child("x", "a"), child("y", "b"), child("a", "y"), child("b", "x")], size=100, first=2)
@example(bodies=[child("x", "a"), child("y", "b"), child("b", "x"), child("c", "b"), OF_R2], size=100, first=2)
@settings(max_examples=60, phases=[Phase.explicit, Phase.generate])
def test_an_import_stores_and_refuses_what_creates_one_after_the_other_would(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[Any], size: int, first: int
) -> None:
    """`first`: so many lines are stored before the import begins."""
    by_api, by_import = (cast.api() for _ in range(2))
    places = [(api, cast.collection(api, "scenes")) for api in (by_api, by_import)]
    for api, _ in places:
        cast.bucket_object(api, cast.bucket(api, "films"), "clip")
    answers = [by_api.post(f"/v1/collections/{places[0][1]}/documents", body).status_code for body in bodies]
    for body in bodies[:first]:
        by_import.post(f"/v1/collections/{places[1][1]}/documents", body)
    errors = tmp_path_factory.mktemp("import") / "errors.jsonl"
    imported(by_import, places[1][1], bodies[first:], errors.parent, "--errors", str(errors), "--batch-size", str(size))
    failed = [json.loads(line)["_import_error"]["line"] + first for line in errors.open()]
    assert failed == [number for number, code in enumerate(answers, 1) if code != 200 and number > first]
    assert [alike(*place) for place in places[:1]] == [alike(*place) for place in places[1:]]


def alike(api: Api, collection: str) -> dict[str, str]:
    """The documents of a namespace, comparable with those of another one."""
    return {name: neutral(api.get(f"/v1/documents/{name}").content.decode(), api, collection) for name in sorted(stored(api))}


def neutral(text: str, api: Api, collection: str) -> str:
    text = text.replace(collection, "THE-COLLECTION").replace(str(api.namespace), "NS")
    text = text.replace(api.scope.organization_public_id, "ORG")
    text = re.sub(r"bkt_[0-9a-f]{24}", "BKT", text)
    text = re.sub(r'"(created_at|updated_at|timestamp)": ?"[^"]*"', r'"\1":""', text)
    return cast.compact(jsonio.loads(text))


@given(fields=generators.user_fields)
def test_any_value_is_stored_as_a_create_stores_it(tmp_path_factory: pytest.TempPathFactory, fields: Any) -> None:
    api = cast.api()
    created, loaded = cast.collection(api), cast.collection(api)
    body = {**fields, "content_hash": "h"} if len(fields) % 2 else fields  # with and without anything that is converted
    accepted = api.post(f"/v1/collections/{created}/documents", body).status_code == 200
    assert (imported(api, loaded, [body], tmp_path_factory.mktemp("import")).code == 0) == accepted
    one, other = ([plain(document) for document in listed(api, collection)] for collection in (created, loaded))
    assert [text.replace(created, loaded) for text in one] == other


@pytest.mark.pgvector
def test_features_and_vectors_are_stored(api: Api, collection: str, tmp_path: Path) -> None:
    vectors = {"dense": [0.5, -1], "sparse": {"indices": [3, 9], "values": [1, 2]}, "multi": [[1, 2], [3, 4]]}
    features = [{"feature_extractor_id": "x_v1", "payload": {"tab": "a\tb\\"}, "vectors": {"odd\tname": [1]}}]
    imported(api, collection, [{"document_id": "a", "vectors": vectors, "features": features}], tmp_path)
    found = api.get("/v1/documents/a?return_vectors=true").json()["vectors"]
    assert found == {**vectors, "odd\tname": [1]}


def test_texts_that_copy_would_misread_are_stored_exactly(
    api: Api, collection: str, tmp_path: Path, get: Callable[[str], Any]
) -> None:
    text = 'tab\t newline\n return\r backslash\\ \\N \\. quote" é 😀'
    body: Any = {"document_id": "a", "t": text, "source_type": "bucket", "source_object_id": text, "lineage_path": text}
    imported(api, collection, [body, {"t": text}], tmp_path)
    assert (get("a")["t"], get("a")["_internal"]["lineage"]["path"]) == (text, text)
    assert {document["t"] for document in listed(api, collection)} == {text}


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    """The command is quiet about its threads: none may be left running after it."""
    import threading

    yield
    for thread in threading.enumerate():
        if thread.name == "import-reader":
            thread.join(5)
            assert not thread.is_alive()
