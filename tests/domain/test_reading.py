"""Readers of imports: whatever the format, the bodies that were written come back; whatever the bytes, nothing but faults."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import simplejson
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from documents import paths
from documents.importing.preparing import prepare, whole_body
from documents.importing.reading import FORMATS, Line, Reading, SourceError, delimited, json_values, open_source
from documents.importing.reporting import Failure, error_line
from documents.inputs import RESERVED
from mixpeek_site import jsonio
from tests import generators
from tests.cast import compact

LIMIT = 1 << 20


def read(folder: Path, content: bytes, name: str = "input", **how: Any) -> list[Line]:
    file = folder / name
    file.write_bytes(content)
    with open_source(str(file), Reading(**how)) as source:
        return list(source.lines(LIMIT))


def bodies(lines: list[Line]) -> list[Any]:
    assert [line.fault for line in lines] == [None] * len(lines)
    return [whole_body(line) for line in lines]


def same(one: Any, other: Any) -> bool:
    """`other`: what was written, in which -0 may be a Decimal."""
    return compact(one) == compact(jsonio.loads(jsonio.dumps(other)))


# What was written is read ---------------------------------------------------------------------------------------------

rows = st.lists(generators.objects, max_size=5)


@given(rows, st.sampled_from([None, 2]))
def test_arrays_answers_and_lines_hold_the_same_bodies(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[Any], indent: int | None
) -> None:
    folder = tmp_path_factory.getbasetemp()
    texts = [simplejson.dumps(row, use_decimal=True, indent=indent) for row in given_rows]
    array = "[" + ",\n".join(texts) + "]"
    answers = {
        "array.json": array,
        "results.json": f'{{"stats": {{"results": [1]}}, "results": {array}, "groups": null, "pagination": {{}}}}',
        "groups.json": f'{{"results": null, "groups": [{{"group_key": [{{}}], "documents": {array}, "count": 1}}]}}',
        "documents.json": f'{{"root_object_id": "[", "documents": {array}}}',
        "one after the other.json": "\n".join(f'{{"results": [{text}]}}' for text in texts),
        "lines.jsonl": "\n".join(jsonio.dumps(row) for row in given_rows),
    }
    for name, text in answers.items():
        assert same(bodies(read(folder, text.encode(), name)), given_rows), name


# Tables ---------------------------------------------------------------------------------------------------------------


def is_a_users(name: str) -> bool:
    """Hypothesis also tries the words that it finds in the code, the reserved names among them."""
    return name.strip() == name != "" and not name.startswith("_") and name not in RESERVED


names = st.lists(generators.keys.filter(is_a_users), min_size=1, max_size=4, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Names of columns, and rows of JSON values."""
    columns = draw(names)
    width = len(columns)
    return columns, draw(st.lists(st.lists(generators.values, min_size=width, max_size=width), max_size=4))


def at(name: str) -> str:
    """A column's name that leads to one key and not through several."""
    return paths.name_of((name,))


@given(tables(), st.sampled_from([(",", "csv"), ("\t", "tsv")]), st.sampled_from(["\n", "\r\n"]))
def test_rows_of_csv_come_back(
    tmp_path_factory: pytest.TempPathFactory, table: tuple[list[str], list[list[Any]]], kind: tuple[str, str], end: str
) -> None:
    """Columns of texts are forced to be; in the others a cell's look tells what it is, so numbers and JSON need no word."""
    columns, given_rows = table
    text = io.StringIO()
    writer = csv.writer(text, delimiter=kind[0], lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow([f"{at(name)}" for name in columns] + ["text"])
    for row in given_rows:
        writer.writerow(["" if value is None else jsonio.dumps(value) for value in row] + [str(row[0])])
    types = {at(name): "json" for name in columns} | {"text": "string"}
    if "text" in columns:
        return
    lines = read(tmp_path_factory.getbasetemp(), text.getvalue().encode(), f"table.{kind[1]}", types=types)
    assert same(bodies(lines), [dict(zip(columns, row, strict=True)) | {"text": str(row[0])} for row in given_rows])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", "null"),
        ("0", "0"),
        ("-12.50", "-12.50"),
        ("18446744073709551617", "18446744073709551617"),
        ("1e+40", "1e+40"),
        ("1E5", '"1E5"'),
        ("007", '"007"'),
        ("+5", '"+5"'),
        ("1,5", '"1,5"'),
        ("TRUE", "true"),
        ("false", "false"),
        ("truth", '"truth"'),
        ("NaN", '"NaN"'),
        ('{"a": [1.0]}', '{"a": [1.0]}'),
        (" x", '" x"'),
        ("٣", '"٣"'),
    ],
)
def test_what_a_cell_is(tmp_path: Path, cell: str, value: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["a", "b"], [cell, "x"]])
    [line] = read(tmp_path, text.getvalue().encode(), "input.csv")
    assert line.raw.decode() == f'{{"a":{value},"b":"x"}}'


def test_headers_are_paths(tmp_path: Path) -> None:
    header = "document_id,metadata.title,metadata.size.w,No. of items,/a.b,tags,metadata.size.h,,U.S. gross"
    [line] = read(tmp_path, f'{header}\nd1,T,1,2,3,"[""x""]",4,5,6\n'.encode(), "input.csv")
    assert json.loads(line.raw) == {
        "document_id": "d1",
        "metadata": {"title": "T", "size": {"w": 1, "h": 4}},
        "No. of items": 2,
        "a.b": 3,
        "tags": ["x"],
        "column_8": 5,
        "U.S. gross": 6,
    }


@given(st.lists(generators.keys, min_size=1, max_size=4))
def test_a_path_has_a_name(path: list[str]) -> None:
    assert paths.path_of(paths.name_of(path)) == tuple(path)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"a,b,a", "column a is there twice"),
        (b"a.b,/a/b", "column /a/b is there twice"),
        (b'a,"b', "line 1: the header can't be read"),
        (b"\xff,b", "not UTF-8"),
        ("a,b".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_header_that_is_none_is_told(tmp_path: Path, header: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read(tmp_path, header + b"\n1,2\n", "input.csv")


def test_bad_rows_of_csv_are_faults_and_the_rest_goes_on(tmp_path: Path) -> None:
    content = b'a,b\n1,2\n3\n4,5,6\n7,"x"y\n\n8,"two\nlines"\n9,\xff\n10,{"a\n11,"open\n12,13\n14,15\n'
    lines = read(tmp_path, content, "input.csv")
    good = {line.number: json.loads(line.raw) for line in lines if line.fault is None}
    bad = {line.number: (line.raw, line.fault) for line in lines if line.fault is not None}
    assert good == {
        2: {"a": 1, "b": 2},
        7: {"a": 8, "b": "two\nlines"},
        12: {"a": 12, "b": 13},
        13: {"a": 14, "b": 15},
    }
    assert {number: raw for number, (raw, _) in bad.items()} == {
        3: b"3",
        4: b"4,5,6",
        5: b'7,"x"y',
        9: b"9,\xff",
        10: b'10,{"a',
        11: b'11,"open',
    }
    assert bad[4][1] == "has 3 cells, and the header 2 columns"
    assert bad[10][1] == "column b: '{\"a' is not JSON; --types can make the column a string"


def test_a_bad_row_is_mended_as_csv_in_the_errors_file(tmp_path: Path) -> None:
    [line] = read(tmp_path, b"n;s.t\n1;2;3\n", "input.csv", types={"n": "string"})
    failed = prepare(line, frozenset())
    assert isinstance(failed, Failure)
    errors = error_line(failed)
    [again] = read(tmp_path, errors.encode(), "errors.jsonl")
    still = prepare(again, frozenset())
    assert isinstance(still, Failure)
    assert "has 3 cells" in still.reason
    assert json.loads(error_line(still))["_import_error"]["csv"] == json.loads(errors)["_import_error"]["csv"]
    [mended] = read(tmp_path, errors.replace("1;2;3", "1;2").encode(), "errors.jsonl")
    assert whole_body(mended) == {"n": "1", "s": {"t": 2}}


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("string", "", '""'),
        ("string", "007", '"007"'),
        ("number", "007.50", "7.50"),
        ("number", ".5", "0.5"),
        ("number", "", "null"),
        ("number", "x", None),
        ("number", "1_000", None),
        ("number", "NaN", None),
        ("boolean", "yes", "true"),
        ("boolean", "0", "false"),
        ("boolean", "", "null"),
        ("boolean", "2", None),
        ("json", '"x"', '"x"'),
        ("json", "x", None),
        ("json", "", "null"),
    ],
)
def test_a_column_can_be_forced_to_a_type(tmp_path: Path, kind: str, cell: str, value: str | None) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["a", "b"], [cell, "x"]])
    [line] = read(tmp_path, text.getvalue().encode(), "input.csv", types={"a": kind})
    if value is None:
        assert (line.fault or "").startswith("column a: ")
    else:
        assert line.raw.decode() == f'{{"a":{value},"b":"x"}}'


def test_a_column_may_lie_within_another_if_each_row_uses_one_of_them(tmp_path: Path) -> None:
    lines = read(tmp_path, b"a,a.b,a.c,content_hash\n1,,,\n,2,,h\n,,,\n3,4,,\n", "input.csv")
    bodies_before = [json.loads(line.raw) for line in lines if line.fault is None]
    assert bodies_before == [{"a": 1}, {"a": {"b": 2}, "content_hash": "h"}, {"a": None}]
    assert lines[3].fault == "column a has a value, and so has one within it"


def test_types_of_an_unknown_column_are_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column zip"):
        read(tmp_path, b"a\n1\n", "input.csv", types={"zip": "string"})


# Parquet --------------------------------------------------------------------------------------------------------------


def packed(table: pyarrow.Table, rows_in_a_group: int = 2) -> bytes:
    into = io.BytesIO()
    parquet.write_table(table, into, row_group_size=rows_in_a_group)
    return into.getvalue()


scalars = {
    pyarrow.int64(): st.integers(-(2**63), 2**63 - 1),
    pyarrow.uint64(): st.integers(0, 2**64 - 1),
    pyarrow.float64(): st.floats(allow_nan=False, allow_infinity=False),
    pyarrow.bool_(): st.booleans(),
    pyarrow.string(): generators.texts,
    pyarrow.decimal128(38, 9): st.integers(-(10**37), 10**37).map(lambda number: Decimal(f"{number}e-9")),
}


@st.composite
def columns(draw: st.DrawFn, depth: int = 2) -> tuple[pyarrow.DataType, Any]:
    """A type, and how its values are drawn."""
    kind = draw(st.sampled_from(["scalar", "scalar", "list", "struct"]) if depth else st.just("scalar"))
    if kind == "scalar":
        of = draw(st.sampled_from(list(scalars)))
        return of, scalars[of] | st.none()
    if kind == "list":
        inner, values = draw(columns(depth - 1))
        return pyarrow.list_(inner), st.lists(values, max_size=3) | st.none()
    fields = draw(st.dictionaries(generators.texts.filter(bool), columns(depth - 1), min_size=1, max_size=3))
    struct = pyarrow.struct([(name, of) for name, (of, _) in fields.items()])
    return struct, st.fixed_dictionaries({name: values for name, (_, values) in fields.items()}) | st.none()


@given(st.data())
def test_rows_of_parquet_come_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    drawn = data.draw(st.dictionaries(generators.texts.filter(is_a_users), columns(), min_size=1, max_size=3))
    given_rows = data.draw(st.lists(st.fixed_dictionaries({name: values for name, (_, values) in drawn.items()}), max_size=5))
    arrays = [pyarrow.array([row[name] for row in given_rows], of) for name, (of, _) in drawn.items()]
    table = pyarrow.table(arrays, names=[at(name) for name in drawn])
    lines = read(tmp_path_factory.getbasetemp(), packed(table), "rows.parquet")
    assert [line.number for line in lines] == list(range(1, len(given_rows) + 1))
    assert same(bodies(lines), given_rows)


def test_types_of_parquet_that_json_lacks(tmp_path: Path) -> None:
    at_noon = datetime(2024, 2, 29, 12, tzinfo=UTC)
    table = pyarrow.table(
        {
            "at": pyarrow.array([at_noon], pyarrow.timestamp("us", "Europe/Berlin")),
            "nanos": pyarrow.array([1_500_000_001], pyarrow.timestamp("ns")),
            "early": pyarrow.array([-1], pyarrow.timestamp("ms")),
            "times": pyarrow.array([[at_noon, None]], pyarrow.list_(pyarrow.timestamp("ms"))),
            "nested": pyarrow.array([{"on": at_noon.date(), "n": 1}], pyarrow.struct([("on", pyarrow.date32()), ("n", "int8")])),
            "day": pyarrow.array([at_noon.date()], pyarrow.date64()),
            "clock": pyarrow.array([at_noon.time()], pyarrow.time64("us")),
            "map": pyarrow.array([[("k", 1), ("l", None)]], pyarrow.map_(pyarrow.string(), pyarrow.int8())),
            "word": pyarrow.array(["x"]).dictionary_encode(),
            "json": pyarrow.array(['{"a": 1.50}'], pyarrow.json_()),
            "single": pyarrow.array([0.1], pyarrow.float32()),
            "metadata.title": ["T"],
        }
    )
    [line] = read(tmp_path, packed(table), "input.parquet")
    assert json.loads(line.raw, parse_float=str) == {
        "at": "2024-02-29T12:00:00Z",
        "nanos": "1970-01-01T00:00:01.500000001Z",
        "early": "1969-12-31T23:59:59.999Z",
        "times": ["2024-02-29T12:00:00Z", None],
        "nested": {"on": "2024-02-29", "n": 1},
        "day": "2024-02-29",
        "clock": "12:00:00",
        "map": {"k": 1, "l": None},
        "word": "x",
        "json": {"a": "1.50"},
        "single": "0.10000000149011612",
        "metadata": {"title": "T"},
    }


def test_binary_columns_are_refused_unless_they_are_left_out(tmp_path: Path) -> None:
    content = packed(pyarrow.table({"image": [b"\x00"], "a": [1], "took": pyarrow.array([1], pyarrow.duration("s"))}))
    with pytest.raises(SourceError, match=r"column image holds binary data \(binary\).*--map image="):
        read(tmp_path, content, "input.parquet")
    with pytest.raises(SourceError, match="column took holds values of the type"):
        read(tmp_path, content, "input.parquet", dropped=frozenset(["image"]))
    [line] = read(tmp_path, content, "input.parquet", dropped=frozenset(["image", "took"]))
    assert line.raw == b'{"a":1}'


def test_cells_of_parquet_that_are_not_json_are_faults_of_their_row(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "document_id": ["a", "b", "c"],
            "x": [1.0, float("nan"), 2.0],
            "t": pyarrow.array([0, 0, 10**15], pyarrow.timestamp("s")),
        }
    )
    found = [prepare(line, frozenset()) for line in read(tmp_path, packed(table), "input.parquet")]
    failed = [one for one in found if isinstance(one, Failure)]
    assert [(one.line.number, one.document_id) for one in failed] == [(2, "b"), (3, "c")]
    assert [one.reason for one in failed] == [
        "column x: nan is not a number of JSON",
        "column t: a time beyond the years 1 to 9999",
    ]
    again = [prepare(line, frozenset()) for line in read(tmp_path, "\n".join(map(error_line, failed)).encode(), "e.jsonl")]
    assert all(isinstance(one, Failure) for one in again)  # until somebody mends them


# Compression, several files, the choice -------------------------------------------------------------------------------


def zstd_in_frames(raw: bytes) -> bytes:
    half = len(raw) // 2
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    return compressor.compress(raw[:half]) + compressor.compress(raw[half:])


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "x.csv.gz"), (zstd_in_frames, "x.csv.zst")])
def test_packed_files_are_read_and_damage_is_told(tmp_path: Path, pack: Callable[[bytes], bytes], name: str) -> None:
    whole = b"a\n" + b"".join(b"%d\n" % number for number in range(20_000))
    content = pack(whole)
    assert [json.loads(line.raw)["a"] for line in read(tmp_path, content, name)] == list(range(20_000))
    for damaged, some in ((content[:-50], True), (content[:2000] + b"damage" + content[2006:], False)):
        (tmp_path / name).write_bytes(damaged)
        seen: list[Line] = []
        with open_source(str(tmp_path / name)) as source, pytest.raises(SourceError, match=f"{name} can't be read to its end"):
            seen += source.lines(LIMIT)
        assert [json.loads(line.raw)["a"] for line in seen] == list(range(len(seen)))
        assert bool(seen) or not some  # what was whole before the damage


def test_files_and_globs_are_one_input_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("a\n1\n")
    (tmp_path / "a.jsonl").write_text('{"a": 2}\n')
    (tmp_path / "c.json").write_text('[{"a": 3}]')
    with open_source([str(tmp_path / "c.json"), str(tmp_path / "[ab].*")]) as source:
        found = [(Path(line.file).name, line.unit, line.number, json.loads(line.raw)["a"]) for line in source.lines(LIMIT)]
        assert source.position() == source.size
    assert found == [("c.json", "element", 1, 3), ("a.jsonl", "line", 1, 2), ("b.csv", "line", 2, 1)]
    for wrong in (["nowhere*"], [str(tmp_path / "c.json"), "nowhere.json"], [str(tmp_path)], ["-", "-"]):
        with pytest.raises(SourceError), open_source(wrong):
            pass


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b'{"a": 1}\n{"a": 2}', 2),
        (b' [{"a": 1}]', 1),
        (b'{\n "a": 1\n}', 1),
        (b'{"results": [{"a": 1}, {"a": 2}, {"a": 3}], "pagination": {}}', 3),
        (b"", 0),
    ],
)
def test_without_an_extension_the_first_bytes_tell(tmp_path: Path, content: bytes, count: int) -> None:
    for packed_content in (content, gzip.compress(content), zstandard.compress(content)):
        assert len(bodies(read(tmp_path, packed_content))) == count


def test_records_name_where_the_rows_are(tmp_path: Path) -> None:
    content = b'{"3166-1": [{"a": 1}], "pages": [{"results": [{"a": 2}]}, {"results": null}, {"results": [{"a": 3}]}]}'
    assert bodies(read(tmp_path, content, "x.json", records=("3166-1",))) == [{"a": 1}]
    assert bodies(read(tmp_path, content, "x.json", records=("pages", "results"))) == [{"a": 2}, {"a": 3}]
    assert len(bodies(read(tmp_path, content, "x.json", records=()))) == 1
    with pytest.raises(SourceError, match="nothing at --records b"):
        read(tmp_path, content, "x.json", records=("b",))


# JSON that is damaged, long or spread over windows ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "good", "reason"),
    [
        (b'[{"a": 1}, {"a": 2}', 2, "byte 19: expected , or ], not its end"),
        (b'[{"a": 1}, {"a": ', 1, "ends in the middle of the value that begins at byte 11"),
        (b'[{"a": 1}, {"a": "', 1, "ends in the middle of the value that begins at byte 11"),
        (b'[{"a": 1} {"a": 2}]', 1, "byte 10: expected , or ], not '{'"),
        (b'[{"a": 1},]', 1, "expected a value, not ']'"),
        (b'{"results": [{"a": 1}], "pagination"', 1, "expected :, not its end"),
        (b'{"results": [{"a": 1}]', 1, "expected , or }, not its end"),
    ],
)
def test_a_file_that_is_cut_off_is_told_after_what_came_before(tmp_path: Path, content: bytes, good: int, reason: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    seen: list[Line] = []
    with open_source(str(tmp_path / "x.json")) as source, pytest.raises(SourceError) as told:
        seen.extend(source.lines(LIMIT))
    assert reason in str(told.value)
    assert [json.loads(line.raw) for line in seen] == [{"a": number} for number in range(1, good + 1)]


def test_an_element_that_is_damaged_costs_itself(tmp_path: Path) -> None:
    content = b'[\n{"a": 1},\n{"a": "x},\n{"a": [2]},\n{"a": 3 4},\n5,\n{"a": 6}\n]'
    lines = read(tmp_path, content, "x.json")
    found = [prepare(line, frozenset()) for line in lines]
    assert [isinstance(one, Failure) for one in found] == [False, True, False, True, True, False]
    assert json.loads(lines[-1].raw) == {"a": 6}


def test_long_elements_are_skipped_without_being_held() -> None:
    class Endless(io.RawIOBase):
        """An array whose second element is 13 MB of strings and brackets."""

        pieces = iter(
            [b'[{"a": 1}, {"b": "', *[b'[x\\"]' * 170_000] * 10, b'", "c": [', *[b'"{",' * 200_000] * 5, b'{}]}, {"d": 1}]']
        )
        largest = 0

        def read(self, size: int = -1) -> bytes:
            Endless.largest = max(Endless.largest, size)
            return next(self.pieces, b"")

    lines = list(json_values.lines(Endless(), 1000, "x"))  # type: ignore[arg-type]
    assert [line.raw for line in (lines[0], lines[2])] == [b'{"a": 1}', b'{"d": 1}']
    assert lines[1].length == 18 - 11 + 5 * 170_000 * 10 + 9 + 4 * 200_000 * 5 + 4
    assert len(lines[1].raw) == 200
    assert Endless.largest < 4_000_000


@given(st.lists(generators.objects, max_size=4), st.integers(1, 7))
def test_where_a_window_ends_changes_nothing(given_rows: list[Any], size: int) -> None:
    class Small(io.BytesIO):
        def read(self, wanted: int | None = -1) -> bytes:
            return super().read(size)

    content = ("[" + " , ".join(map(jsonio.dumps, given_rows)) + "]").encode()
    assert same(bodies(list(json_values.lines(Small(content), LIMIT, "x"))), given_rows)
    lengths = [len(jsonio.dumps(row).encode()) for row in given_rows]
    assert [line.length or len(line.raw) for line in json_values.lines(Small(content), 1, "x")] == lengths


# Garbage ----------------------------------------------------------------------------------------------------------------

pieces = st.binary(max_size=8) | st.sampled_from(
    [
        b'{"a":1}',
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b",",
        b":",
        b"\n",
        b"\r",
        b"\\",
        b'""',
        b'"results"',
        b"a,b\n",
        b"PAR1",
        b"\xef\xbb\xbf",
        *(b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x00", b"1e999999999", b"\xff\xfe", b"NaN", b"\t"),
    ]
)
garbage = st.lists(pieces, max_size=12).map(b"".join)


@given(garbage, st.sampled_from([None, *FORMATS]), st.sampled_from([lambda raw: raw, gzip.compress, zstandard.compress]))
@example(b'"' * 3, "csv", gzip.compress)
def test_garbage_gives_faults_and_source_errors_alone(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, kind: str | None, pack: Callable[[bytes], bytes]
) -> None:
    try:
        lines = read(tmp_path_factory.getbasetemp(), pack(content), format=kind)
    except SourceError:
        return
    for line in lines:
        one = prepare(line, frozenset())
        if isinstance(one, Failure):
            again = json.loads(error_line(one))
            assert again["_import_error"]["reason"]


@given(st.binary(max_size=400), st.integers(0, 500))
def test_a_damaged_parquet_file_gives_a_source_error(tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int) -> None:
    whole = bytearray(packed(pyarrow.table({"a": [1, 2, 3], "b": ["x", "y", None]})))
    whole[place : place + len(noise)] = noise[: max(0, len(whole) - place)]
    with suppress(SourceError):
        for line in read(tmp_path_factory.getbasetemp(), bytes(whole), "damaged.parquet"):
            prepare(line, frozenset())


def test_a_layout_that_somebody_spoilt_is_a_fault() -> None:
    for layout in (None, {}, {"delimiter": "", "columns": ["a"], "types": {}}, {"delimiter": ",", "columns": [1], "types": []}):
        with pytest.raises(ValueError, match="no row that can be read"):
            delimited.read_again("1", layout)
