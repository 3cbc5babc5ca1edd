"""The import command on files that somebody else wrote, and what is then stored."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from documents.models import Document
from tests.cast import Api


def bring(api: Api, *files: Path, options: str, code: int = 0) -> str:
    """Import files; what the command says of them. `options`: as in a shell."""
    out = StringIO()
    place = ["--namespace", str(api.namespace), "--organization", api.scope.organization_public_id]
    try:
        call_command("import_documents", *map(str, files), *place, *options.split(), stdout=out, stderr=StringIO())
        ended = 0
    except SystemExit as end:
        ended = int(str(end.code))
    assert ended == code, out.getvalue()
    return out.getvalue()


def payloads(api: Api, collection: str) -> list[Any]:
    """The user fields of a collection's documents, in the order of their creation, numbers exact."""
    found = Document.objects.filter(namespace__public_id=api.namespace, collection__name=collection).order_by("id")
    return list(found.values_list("payload", flat=True))


def parsed(path: Path) -> Any:
    """A file as Python's own parser reads it, numbers exact."""
    return json.loads(path.read_bytes(), parse_float=Decimal)


def checked(api: Api) -> dict[str, int]:
    """What check_lineage finds."""
    out = StringIO()
    place = ["--namespace", str(api.namespace), "--organization", api.scope.organization_public_id]
    call_command("check_lineage", *place, "--json", stdout=out, stderr=StringIO())
    summary = json.loads(out.getvalue().splitlines()[-1])
    return {name: summary[name] for name in ("steps", "orphans", "contradictions", "strays", "cycles")}
