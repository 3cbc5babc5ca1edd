"""Parquet files that pyarrow brings along for its own tests: diamonds, as pandas wrote them years ago."""

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from tests import cast
from tests.data_sets.bringing import bring, payloads

pytestmark = [pytest.mark.full, pytest.mark.django_db]

FOLDER = Path(pyarrow.__file__).parent / "tests/data/parquet"


def test_diamonds_come_in_value_for_value(tmp_path: Path) -> None:
    api = cast.api()
    cast.collection(api, "diamonds")
    file, errors = FOLDER / "v0.7.1.parquet", tmp_path / "errors.jsonl"
    said = bring(api, file, options=f"--collection diamonds --errors {errors}", code=3)
    assert said.startswith("10 lines: 0 imported, 10 failed")  # for pandas' index, whose name begins with _
    assert "__index_level_0__: names beginning with _ are reserved" in errors.read_text()
    said = bring(api, file, options="--collection diamonds --map __index_level_0__=number")
    assert said.startswith("10 lines: 10 imported, 0 failed")
    rows = parquet.read_table(file).rename_columns({"__index_level_0__": "number"}).to_pylist()
    assert [{name: str(value) for name, value in row.items()} for row in payloads(api, "diamonds")] == [
        {name: str(value) for name, value in row.items()} for row in rows
    ]
