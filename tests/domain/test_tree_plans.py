"""Questions about one document of a tree look their documents up, also where the planner takes them for many.

It can't know how many children one document has, and takes it for many where others have many. Without nested loops, as far
as there is another way, it plans as if there were.
"""

from collections.abc import Callable
from typing import Any

import pytest

from documents.trees import around, finding, nodes
from documents.trees.impact import of_document
from mixpeek_site import sql
from tests.admin.staff import Place
from tests.domain.test_document_plans import DOCUMENTS, fill, rows_read

pytestmark = pytest.mark.django_db

QUESTIONS: dict[str, Callable[[int], Any]] = {
    "impact": lambda namespace: of_document(namespace, None, "doc_parent").documents == 3,
    "children": lambda namespace: len(nodes.children(namespace, "doc_parent").nodes) == 2,
    "failed": lambda namespace: nodes.failed(namespace, "obj_own").nodes[0].document_id == "doc_parent",
    "path": lambda namespace: len(around.path(namespace, "doc_child_1", None, 10).chain) == 2,  # type: ignore[union-attr]
    "search": lambda namespace: len(finding.search(namespace, "obj_own", "first").hits) == 1,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_documents_are_looked_up(question: str) -> None:
    place = Place()
    parent = place.first("obj_own", "doc_parent", internal_metadata={"ingestion_status": "FAILED"})
    for name in ("doc_child_1", "doc_child_2"):
        place.child(parent, name, title="The first" if name.endswith("1") else "Another")
    fill(place.api, place.collection)
    sql.run("ANALYZE documents_document, documents_lineagestep")
    sql.run("SET LOCAL enable_nestloop = off")
    before = rows_read()
    assert QUESTIONS[question](place.pk)
    # The document that an impact is asked of is joined to its namespace, which is one row to every planner.
    assert rows_read() - before < (DOCUMENTS if question == "impact" else 0) + 100
