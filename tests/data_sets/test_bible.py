"""Debian's package bible-kjv: a book of books as a tree, books -> chapters -> verses, from one file of JSON lines."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from documents.models import Document
from tests import cast
from tests.data_sets.bringing import bring, checked

pytestmark = [pytest.mark.full, pytest.mark.django_db]

BOOKS, CHAPTERS, VERSES = 66, 1189, 31102
CORPUS = "kjv"


@pytest.fixture(scope="module")
def verses() -> list[tuple[str, int, int, str]]:
    """Book, chapter, verse and text, as Debian's program prints them."""
    printed = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], capture_output=True, check=True, text=True).stdout
    found = [re.fullmatch(r"(\w+?)(\d+):(\d+) (.*)", line) for line in printed.splitlines()]
    return [(one[1], int(one[2]), int(one[3]), one[4]) for one in found if one is not None]


def lines(verses: list[tuple[str, int, int, str]], bucket: str) -> Iterator[dict[str, Any]]:
    """A book before its chapters, a chapter after its verses: parents come first and last."""
    chapter: dict[str, Any] | None = None
    seen = set()
    for book, number, verse, text in verses:
        if chapter is not None and chapter["ref"] != f"{book}.{number}":
            yield chapter
        if book not in seen:
            seen.add(book)
            source = {"source_type": "bucket", "root_bucket_id": bucket, "source_object_id": CORPUS}
            yield {"stage": "books", "ref": book, "lineage": source}
        chapter = {"stage": "chapters", "ref": f"{book}.{number}", "parent": book, "number": number}
        yield {"stage": "verses", "ref": f"{book}.{number}.{verse}", "parent": chapter["ref"], "number": verse, "text": text}
    assert chapter is not None
    yield chapter


@pytest.mark.parametrize("batch_size", [700, 5000])
def test_a_book_becomes_chapters_and_verses(tmp_path: Path, verses: list[tuple[str, int, int, str]], batch_size: int) -> None:
    assert len(verses) == VERSES
    api = cast.api()
    bucket = cast.bucket(api)
    cast.bucket_object(api, bucket, CORPUS)
    ids = {name: cast.collection(api, name) for name in ("books", "chapters", "verses")}
    file = tmp_path / "kjv.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines(verses, bucket)))
    options = "--collection-field stage --id-field ref --map ref= --map stage= --map parent=source_document_id"
    said = bring(api, file, options=f"{options} --batch-size {batch_size}")
    total = BOOKS + CHAPTERS + VERSES
    assert said.startswith(f"{total:,} lines: {total:,} imported, 0 failed")

    tree = api.get(f"/v1/objects/{CORPUS}/decomposition-tree").json()
    assert (tree["total_documents"], tree["max_tier"]) == (total, 3)
    [books] = tree["tree"]
    [chapters] = books["children"]
    [leaves] = chapters["children"]
    assert [(stage["collection_name"], stage["tier"], stage["document_count"]) for stage in (books, chapters, leaves)] == [
        ("books", 1, BOOKS),
        ("chapters", 2, CHAPTERS),
        ("verses", 3, VERSES),
    ]
    path = f"{bucket}/{ids['books']}/{ids['chapters']}/{ids['verses']}"
    assert leaves["path"] == path
    assert checked(api) == {"steps": total, "orphans": 0, "contradictions": 0, "strays": 0, "cycles": 0}

    stored = dict(Document.objects.filter(collection__public_id=ids["verses"]).values_list("document_id", "payload"))
    assert stored == {f"{book}.{number}.{verse}": {"number": verse, "text": text} for book, number, verse, text in verses}
    in_chapters = Counter((book, number) for book, number, _, _ in verses)
    assert (len(in_chapters), in_chapters["Psa", 119]) == (CHAPTERS, 176)
    psalm = api.get("/v1/collections/chapters/documents/Psa.119/descendants?limit=1000").json()
    assert len(psalm) == 176

    shortest = api.get("/v1/documents/John.11.35").json()
    assert (shortest["text"], shortest["number"], shortest.get("ref")) == ("Jesus wept.", 35, None)
    lineage = shortest["_internal"]["lineage"]
    assert (lineage["root_object_id"], lineage["source_document_id"], lineage["path"]) == (CORPUS, "John.11", path)
    assert [step.get("document_id") for step in lineage["chain"]] == ["John", "John.11", None]
