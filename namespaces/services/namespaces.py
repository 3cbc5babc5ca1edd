"""Namespaces of an organization."""

import psycopg

from mixpeek_site import sql
from mixpeek_site.errors import ForbiddenError
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic
from namespaces import dependents, rows
from namespaces.models import NAMESPACE_PREFIX, Namespace, new_namespace_id
from namespaces.scope import Scope, namespace_not_found
from namespaces.services.common import UNCHANGED, Text, assignments, name_taken, present, require_chosen_id, require_name, taken

# Without a conflict target: the id's and the name's constraint both count, whichever another transaction hits first.
_INSERT = f"""
INSERT INTO namespaces_namespace AS t (organization_id, public_id, name, description, config, created_at, updated_at)
SELECT %s, %s, %s, %s, %s::jsonb, moment, moment FROM clock_timestamp() AS moment
ON CONFLICT DO NOTHING
RETURNING {rows.NAMESPACE.sql}
"""
_NAME_TAKEN = "SELECT 1 FROM namespaces_namespace WHERE organization_id = %s AND name = %s AND deleted_at IS NULL"


def create_namespace(
    *,
    organization_id: int,
    name: str,
    namespace_id: str | None = None,
    description: str | None = None,
    config: JSONObject | None = None,
    key_patterns: tuple[str, ...] = (),
) -> Namespace:
    """A new namespace of the organization. `key_patterns`: those of the caller's key; empty means unlimited.

    Raises ValidationError for the name, the id or the declared indexes and vectors, ForbiddenError when the key's patterns
    would not let it in, and AlreadyExistsError when the id or name is taken.
    """
    require_name(name, NAMESPACE_PREFIX)
    if namespace_id is not None:
        require_chosen_id(namespace_id, NAMESPACE_PREFIX)
    chosen = namespace_id or new_namespace_id()
    if key_patterns and not any(_matches(pattern, text) for pattern in key_patterns for text in (chosen, name)):
        raise _outside(name)
    with atomic():
        row = sql.one(_INSERT, (organization_id, chosen, name, description, present(config or {})))
        if row is None:
            found = sql.one(_NAME_TAKEN, (organization_id, name))
            raise taken("namespace", name=name, chosen_id=namespace_id, name_is_taken=found is not None or namespace_id is None)
        made = rows.namespace(row)
        _declare(made, config or {}, is_new=True)
    return made


def update_namespace(
    *, scope: Scope, name: str | None = None, description: Text = UNCHANGED, config: JSONObject | None = None
) -> Namespace:
    """Set what is named; members of `config` replace the stored ones, None removes one.

    Raises NotFoundError, ValidationError for the name or the declared indexes and vectors, AlreadyExistsError when the name
    is taken, ConflictError when vectors are stored that a new declaration would refuse, and ForbiddenError when the key's
    patterns would lose the namespace by it.
    """
    if name is not None:
        require_name(name, NAMESPACE_PREFIX)
    setting, values = assignments(name=name, description=description, config=config or {})
    cte, params = scope.cte()
    statement = f"""
        WITH {cte} UPDATE namespaces_namespace t SET {setting} FROM scope
        WHERE t.id = scope.namespace_id AND t.deleted_at IS NULL
        RETURNING {rows.NAMESPACE.sql}, %s OR t.public_id LIKE ANY(%s) OR t.name LIKE ANY(%s)
    """
    patterns = list(scope.patterns)
    try:
        with atomic():
            row = sql.one(statement, (*params, *values, not patterns, patterns, patterns))
            if row is None:
                raise namespace_not_found(scope.identifier)
            if not row[-1]:
                raise _outside(name or "")
            changed = rows.namespace(row)
            _declare(changed, config or {}, is_new=False)
    except psycopg.errors.UniqueViolation:
        raise name_taken("namespace", name or "") from None
    return changed


def delete_namespace(*, scope: Scope) -> None:
    """Hides the namespace and all it holds at once, and frees its id and name; the rows are purged behind.

    Raises NotFoundError.
    """
    cte, params = scope.cte()
    statement = f"""
        WITH {cte} UPDATE namespaces_namespace t SET deleted_at = clock_timestamp() FROM scope
        WHERE t.id = scope.namespace_id AND t.deleted_at IS NULL RETURNING t.id
    """
    if sql.one(statement, params) is None:
        raise namespace_not_found(scope.identifier)


def _declare(namespace: Namespace, config: JSONObject, *, is_new: bool) -> None:
    """Have the payload indexes made that a new config names, and the vectors checked.

    Raises ValidationError for what can't be, ConflictError when vectors are stored that would be refused.
    """
    if "payload_indexes" in config:
        dependents.documents.declare_payload_indexes(namespace.pk, config["payload_indexes"] or [])
    if "vector_configs" in config:
        dependents.documents.declare_vector_configs(namespace.pk, config["vector_configs"] or [], is_new=is_new)


def _matches(pattern: str, text: str) -> bool:
    """Whether a key's pattern (an id, a name, or a beginning with a trailing `*`) covers an id or name."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _outside(name: str) -> ForbiddenError:
    return ForbiddenError(f"This key is limited to other namespaces than {name!r}.")
