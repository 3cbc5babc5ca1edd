"""What staff did in the admin: one entry per create, change and delete, written in the transaction of the change.

    with atomic():
        services.replace_document(…)
        audit.record(request, namespace_id, "document", document_id, "changed", {"payload": ["title", "metadata.tags"]})
"""

from typing import Any, Final, Literal

from django.http import HttpRequest

Action = Literal["created", "changed", "deleted", "revoked", "exported"]

KINDS: Final = ("organization", "API key", "namespace", "collection", "bucket", "object", "document", "staff")


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
