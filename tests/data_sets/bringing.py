"""The import command on files that somebody else wrote, and what is then stored."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from documents.models import Document
from tests.cast import Api
from tests.commands.running import places, ran


def bring(api: Api, *files: Path, options: str, code: int = 0) -> str:
    """Import files; what the command says of them. `options`: as in a shell."""
    told = ran("import_documents", *map(str, files), *places(api), *options.split())
    assert told.code == code, told
    return told.out


def payloads(api: Api, collection: str) -> list[Any]:
    """The user fields of a collection's documents, in the order of their creation, numbers exact."""
    found = Document.objects.filter(namespace__public_id=api.namespace, collection__name=collection).order_by("id")
    return list(found.values_list("payload", flat=True))


def parsed(path: Path) -> Any:
    """A file as Python's own parser reads it, numbers exact."""
    return json.loads(path.read_bytes(), parse_float=Decimal)


def checked(api: Api) -> dict[str, int]:
    """What check_lineage finds."""
    summary = json.loads(ran("check_lineage", *places(api), "--json").out.splitlines()[-1])
    return {name: summary[name] for name in ("steps", "orphans", "contradictions", "strays", "cycles")}
