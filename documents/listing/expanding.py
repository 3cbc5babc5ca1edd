"""`expand`: what a document points at, read along with a page (contract section 7)."""

from collections.abc import Sequence
from typing import Any

from documents.stored import StoredDocument
from namespaces.scope import Scope


def expand(scope: Scope, documents: Sequence[StoredDocument], names: Sequence[str]) -> list[dict[str, Any]]:
    """For each document, by name: a StoredDocument, a list of them, or parsed JSON (a registered object); null if absent."""
    raise NotImplementedError
