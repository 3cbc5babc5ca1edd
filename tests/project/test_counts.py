"""Every statement that makes or deletes documents is known here by its file, and shown to count what it does."""

import re
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from documents import housekeeping, services
from documents.filters import read_filters
from documents.inputs import read_create
from documents.models import Document
from documents.sample import stdlib
from documents.services import many
from namespaces import services as places
from tests import cast
from tests.cast import Api
from tests.counts import require_exact

ROOT = Path(__file__).resolve().parent.parent.parent
_WRITES = re.compile(r"\b(INSERT INTO|DELETE FROM|COPY|TRUNCATE|MERGE INTO)\s+documents_document\b", re.IGNORECASE)
_BY_ORM = re.compile(r"\bDocument\.objects[^\n]*\.(?:create|bulk_create|get_or_create|update_or_create|delete)\(")

pytestmark = pytest.mark.django_db


def statements() -> Counter[tuple[str, str]]:
    """How many statements of which kind each source file has."""
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted(ROOT.glob("*/**/*.py")):
        file = path.relative_to(ROOT)
        if file.parts[0] in ("documents", "namespaces", "mixpeek_site") and "migrations" not in file.parts:
            text = re.sub(r'\A""".*?"""', "", path.read_text(), flags=re.DOTALL)
            found.update((str(file), kind.upper()) for kind in _WRITES.findall(text))
            found.update((str(file), "ORM") for _ in _BY_ORM.findall(text))
    return found


def create(api: Api, collection: str, **body: object) -> str:
    stored = services.create_document(scope=api.scope, collection=collection, given=read_create(body))
    return stored.document_id


def family(api: Api, collection: str) -> str:
    """A document with children and grandchildren in another collection, under the object o; its id."""
    below = cast.collection(api)
    top = create(api, collection, source_object_id="o")
    for _ in range(2):
        create(api, below, source_document_id=create(api, below, source_document_id=top))
    return top


def load(api: Api, collection: str, lines: str, tmp_path: Path) -> None:
    file = tmp_path / "documents.jsonl"
    file.write_text(lines)
    place = ["--namespace", str(api.namespace), "--collection", collection]
    call_command("import_documents", str(file), *place, "--on-conflict", "skip", stdout=StringIO(), stderr=StringIO())


# One for each statement: it writes, and by how many documents the database has more afterwards. ------------------------


def a_create(api: Api, collection: str, _: Path) -> int:
    create(api, collection)
    return 1


def a_create_over_a_hidden_document(api: Api, collection: str, _: Path) -> int:
    hidden = cast.collection(api)
    create(api, hidden, document_id="doc_1")
    places.delete_collection(scope=api.scope, collection_identifier=hidden)
    create(api, collection, document_id="doc_1")
    return 1


def a_delete(api: Api, collection: str, _: Path) -> int:
    for on_children in ("detach", "restrict"):
        gone = create(api, collection)
        services.delete_document(scope=api.scope, collection=collection, document_id=gone, on_children=on_children)
    return 0


def a_delete_of_a_root_object(api: Api, collection: str, _: Path) -> int:
    family(api, collection)
    assert services.delete_documents_of_root(scope=api.scope, object_id="o") == 5
    return 0


def a_cascade(api: Api, collection: str, _: Path) -> int:
    top = family(api, collection)
    assert services.delete_document(scope=api.scope, collection=None, document_id=top, on_children="cascade") == 5
    return 0


def deletes_of_many(api: Api, collection: str, _: Path) -> int:
    names = [create(api, collection, title="gone" if number < 3 else "kept") for number in range(6)]
    node = read_filters({"field": "title", "operator": "eq", "value": "gone"}, ("filters",))
    assert node is not None
    assert many.delete_matching(scope=api.scope, collection=collection, node=node) == 3
    many.delete_documents(scope=api.scope, collection=collection, document_ids=names[2:5])
    return 1


def an_import(api: Api, collection: str, tmp_path: Path) -> int:
    load(api, collection, '{}\n{"document_id": "doc_1"}\n{"document_id": "doc_1"}\n', tmp_path)
    return 2


def an_import_over_a_hidden_document(api: Api, collection: str, tmp_path: Path) -> int:
    hidden = cast.collection(api)
    create(api, hidden, document_id="doc_1")
    places.delete_collection(scope=api.scope, collection_identifier=hidden)
    load(api, collection, '{"document_id": "doc_1"}\n', tmp_path)
    return 1


def a_purge(api: Api, collection: str, _: Path) -> int:
    for _each in range(3):
        create(api, collection)
    places.delete_collection(scope=api.scope, collection_identifier=collection)
    [line] = housekeeping.purge_collections(lambda: False)
    assert "3 documents" in line
    return 0


Exercise = Callable[[Api, str, Path], int]
EXERCISES: list[tuple[str, str, Exercise]] = [
    ("documents/services/creating.py", "INSERT INTO", a_create),
    ("documents/services/creating.py", "DELETE FROM", a_create_over_a_hidden_document),
    ("documents/services/deleting.py", "DELETE FROM", a_delete),
    ("documents/services/deleting.py", "DELETE FROM", a_delete_of_a_root_object),
    ("documents/services/many/deleting.py", "DELETE FROM", deletes_of_many),
    ("documents/lineage.py", "DELETE FROM", a_cascade),
    ("documents/importing/copying.py", "COPY", an_import),
    ("documents/importing/writing.py", "DELETE FROM", an_import_over_a_hidden_document),
    ("documents/housekeeping.py", "DELETE FROM", a_purge),
]


def test_every_statement_that_changes_how_many_documents_there_are_has_its_exercise() -> None:
    """A new one needs its delta (documents/counting.py: count_created, count_gone) and a line in EXERCISES."""
    assert statements() == Counter((file, kind) for file, kind, _ in EXERCISES)


@pytest.mark.parametrize("exercise", [exercise for _, _, exercise in EXERCISES], ids=lambda each: each.__name__)
def test_it_counts_what_it_does(exercise: Exercise, tmp_path: Path) -> None:
    api = cast.api()
    assert exercise(api, cast.collection(api), tmp_path) == Document.objects.count()
    require_exact()


def test_the_sample_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    api = cast.api()
    monkeypatch.setattr(stdlib, "WELL_KNOWN", frozenset(("json", "bisect")))
    call_command("load_sample", "--organization", api.scope.organization_public_id, stdout=StringIO(), stderr=StringIO())
    assert Document.objects.count() > 10
    require_exact()
