"""What staff did in the admin: one entry per create, change and delete, written in the transaction of the change.

    with atomic():
        services.replace_document(…)
        audit.record(request, namespace_id, "document", document_id, "changed", {"payload": audit.changed_paths(before, after)})

Entries name the namespace by its number, and outlive it, its user and what they are about. Nobody changes them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from django.db import connection
from django.http import HttpRequest

from mixpeek_site import jsonio, sql

Action = Literal["created", "changed", "deleted", "revoked", "exported"]

KINDS: Final = ("namespace", "collection", "bucket", "object", "document", "organization", "API key", "user", "group")
MAX_PATHS: Final = 50
_MAX_NAME: Final = 200

_INSERT = """
INSERT INTO namespaces_auditentry (at, user_number, username, namespace_number, namespace_name, kind, subject, action, changes)
SELECT clock_timestamp(), %s, %s, %s, (SELECT n.name FROM namespaces_namespace n WHERE n.id = %s), %s, subject, %s, %s::jsonb
FROM unnest(%s::text[]) WITH ORDINALITY AS each (subject, place) ORDER BY place
"""


def record(
    request: HttpRequest,
    namespace_id: int | None,
    kind: str,
    id: str,
    action: Action,
    changes: dict[str, Any] | None = None,
) -> None:
    """Keep who did what, in the caller's transaction (`mixpeek_site.transactions.atomic`). One statement.

    `kind` is one of KINDS, `id` what people know the thing by (a public id, an object's or document's id). `changes`
    says what changed by name, never values of payloads: {"fields": ["name", "config"]}, {"payload": ["title"]},
    {"on_children": "cascade", "documents": 61}. Secrets do not belong here.
    """
    record_many(request, namespace_id, kind, [id], action, changes)


def record_many(
    request: HttpRequest,
    namespace_id: int | None,
    kind: str,
    ids: Sequence[str],
    action: Action,
    changes: dict[str, Any] | None = None,
) -> None:
    """The same for several things to which the same was done: an entry for each. One statement."""
    assert connection.in_atomic_block, "what is recorded belongs into the transaction of the change"
    assert kind in KINDS, kind
    said = jsonio.dumps(changes or {})
    who = (request.user.pk, request.user.get_username())
    subjects = [each[:_MAX_NAME] for each in ids]
    sql.run(_INSERT, (*who, namespace_id, namespace_id, kind, action, said, subjects))


def changed_paths(before: Any, after: Any) -> list[str]:
    """Where two JSON values differ: dotted paths, at most MAX_PATHS, then how many more ("… 12 more")."""
    found = list(_differences(before, after, ""))
    more = len(found) - MAX_PATHS
    return found if more <= 0 else [*found[:MAX_PATHS], f"… {more} more"]


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            below = _below(path, name)
            if name in before and name in after:
                yield from _differences(before[name], after[name], below)
            else:
                yield below
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from _differences(left, right, _below(path, str(place)))
    elif jsonio.dumps(before) != jsonio.dumps(after):  # by their text: 1 is not 1.0 to somebody who edits it, true is not 1
        yield path or "(all of it)"


def _below(path: str, name: str) -> str:
    return f"{path}.{name}"[: _MAX_NAME + 1].removeprefix(".") if path else name[:_MAX_NAME]
