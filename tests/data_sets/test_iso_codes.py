"""Debian's package iso-codes: objects of JSON that hold their rows in a member."""

from pathlib import Path

import pytest

from tests import cast
from tests.cast import Api
from tests.data_sets.bringing import bring, checked, parsed, payloads

pytestmark = [pytest.mark.full, pytest.mark.django_db]

FOLDER = Path("/usr/share/iso-codes/json")
STANDARDS = {"15924": 180, "3166-1": 249, "3166-2": 5000, "3166-3": 31, "4217": 170, "639-2": 487, "639-3": 7900, "639-5": 115}
"""Rows at least: Debian updates the package."""


@pytest.fixture
def api() -> Api:
    return cast.api()


def test_every_standard_comes_in_value_for_value(api: Api) -> None:
    for standard, least in STANDARDS.items():
        name = f"iso {standard}"
        cast.collection(api, name)
        file = FOLDER / f"iso_{standard}.json"
        rows = parsed(file)[standard]
        said = bring(api, file, options=f"--collection {api_id(api, name)} --records {standard}")
        assert said.startswith(f"{len(rows):,} lines: {len(rows):,} imported, 0 failed")
        assert len(rows) >= least
        assert payloads(api, name) == rows


def api_id(api: Api, name: str) -> str:
    found = api.get(f"/v1/collections/{name}").json()
    return str(found["collection_id"])


def test_subdivisions_lie_within_others(api: Api) -> None:
    """Some rows name their parents in full; the others' parents are not stored, which check_lineage tells."""
    collection = cast.collection(api, "subdivisions")
    file = FOLDER / "iso_3166-2.json"
    options = (
        "--collection subdivisions --records 3166-2 --id-field code --map parent=source_document_id --map type=metadata.type"
    )
    bring(api, file, options=options)
    rows = {row["code"]: row for row in parsed(file)["3166-2"]}
    within = {code: row["parent"] for code, row in rows.items() if "parent" in row}
    stored = [code for code, parent in within.items() if parent in rows]
    assert len(stored) > 100
    found = checked(api)
    assert (found["steps"], found["orphans"], found["contradictions"]) == (len(within), len(within) - len(stored), 0)
    zurich, parish = api.get("/v1/documents/CH-ZH").json(), api.get(f"/v1/documents/{stored[0]}").json()
    assert (zurich["code"], zurich["name"], zurich["metadata"]) == ("CH-ZH", "Zürich", {"type": "Canton"})
    lineage = parish["_internal"]["lineage"]
    assert (lineage["source_document_id"], lineage["source_collection_id"]) == (within[stored[0]], collection)
