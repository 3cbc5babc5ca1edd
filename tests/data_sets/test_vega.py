"""The data of the package vega-datasets (PyPI): arrays of JSON and tables of CSV, compared with what Python's readers see."""

import csv
import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests import cast
from tests.cast import Api
from tests.data_sets.bringing import bring, parsed, payloads

pytestmark = [pytest.mark.full, pytest.mark.django_db]

ARRAYS = {
    "anscombe": 44,
    "barley": 120,
    "burtin": 16,
    "cars": 406,
    "crimea": 24,
    "driving": 55,
    "iris": 150,
    "ohlc": 44,
    "wheat": 52,
}
TABLES = {
    "airports": 3376,
    "iowa-electricity": 51,
    "la-riots": 63,
    "seattle-temps": 8759,
    "seattle-weather": 1461,
    "sf-temps": 8759,
    "stocks": 560,
    "us-employment": 120,
}


@pytest.fixture(scope="module")
def folder() -> Path:
    """The package's code needs pandas, which is not installed: only its files are used."""
    found = importlib.util.find_spec("vega_datasets")
    assert found is not None, "make test-full installs vega-datasets"
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "_data"


@pytest.fixture
def api() -> Api:
    return cast.api()


def test_every_array_comes_in_value_for_value(api: Api, folder: Path) -> None:
    for name, count in ARRAYS.items():
        cast.collection(api, name)
        said = bring(api, folder / f"{name}.json", options=f"--collection {name}")
        assert said.startswith(f"{count} lines: {count} imported, 0 failed")
        assert payloads(api, name) == parsed(folder / f"{name}.json")
    car = payloads(api, "cars")[10]
    assert (car["Name"], car["Miles_per_Gallon"], car["Year"]) == ("citroen ds-21 pallas", None, "1970-01-01")


def test_every_table_comes_in_value_for_value(api: Api, folder: Path) -> None:
    for name, count in TABLES.items():
        cast.collection(api, name)
        said = bring(api, folder / f"{name}.csv", options=f"--collection {name}")
        assert said.startswith(f"{count:,} lines: {count:,} imported, 0 failed")
        with open(folder / f"{name}.csv", newline="", encoding="utf-8-sig") as file:
            assert payloads(api, name) == [{key: typed(text) for key, text in row.items()} for row in csv.DictReader(file)]


def typed(text: str) -> Any:
    """What a cell is, said in another way than the reader does."""
    if text == "":
        return None
    digits = text.removeprefix("-").replace(".", "", 1)
    if (
        digits.isdecimal()
        and not text.endswith(".")
        and (text.lstrip("-")[:2] in ("0", "0.") or text.lstrip("-")[0] in "123456789")
    ):
        return Decimal(text) if "." in text else int(text)
    return {"true": True, "false": False, "TRUE": True, "FALSE": False}.get(text, text)


def test_airports_by_their_codes(api: Api, folder: Path) -> None:
    """Codes such as 035 and 1E5 look like numbers."""
    cast.collection(api, "airports")
    options = (
        "--collection airports --id-field iata --types iata=string --map latitude=metadata.at.lat --map longitude=metadata.at.lon"
    )
    said = bring(api, folder / "airports.csv", options=options)
    assert said.startswith("3,376 lines: 3,376 imported, 0 failed")
    found = api.get("/v1/documents/SFO").json()
    assert {name: found[name] for name in ("iata", "name", "city", "state", "country", "metadata")} == {
        "iata": "SFO",
        "name": "San Francisco International",
        "city": "San Francisco",
        "state": "CA",
        "country": "USA",
        "metadata": {"at": {"lat": Decimal("37.61900194"), "lon": Decimal("-122.3748433")}},
    }
    with open(folder / "airports.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert api.get(f"/v1/documents/{row['iata']}").json()["iata"] == row["iata"]
    again = bring(api, folder / "airports.csv", options=f"{options} --on-conflict skip")
    assert again.startswith("3,376 lines: 0 imported, 3,376 skipped")


def test_stocks_go_to_a_collection_for_each_symbol(api: Api, folder: Path) -> None:
    said = bring(api, folder / "stocks.csv", options="--collection-field symbol --create-collections")
    assert said.startswith("560 lines: 560 imported")
    with open(folder / "stocks.csv", newline="", encoding="utf-8") as file:
        rows = [{key: typed(text) for key, text in row.items()} for row in csv.DictReader(file)]
    symbols = {row["symbol"] for row in rows}
    assert symbols == {"MSFT", "AMZN", "IBM", "GOOG", "AAPL"}
    for symbol in symbols:
        assert payloads(api, symbol) == [row for row in rows if row["symbol"] == symbol]


def test_all_files_are_one_run(api: Api, folder: Path) -> None:
    cast.collection(api, "all")
    said = bring(api, folder / "*.csv", folder / "*.json", options="--collection all --batch-size 1000")
    total = sum(TABLES.values()) + sum(ARRAYS.values())
    lines = said.splitlines()
    assert [line.rpartition("/")[2] for line in lines[:-1]] == [
        *(f"{name}.csv: {count:,} lines, 0 failed" for name, count in TABLES.items()),
        *(f"{name}.json: {count:,} lines, 0 failed" for name, count in ARRAYS.items()),
    ]
    assert lines[-1].startswith(f"{total:,} lines: {total:,} imported")
    assert len(payloads(api, "all")) == total
