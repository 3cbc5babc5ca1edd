"""Collections of a namespace."""

import psycopg

from mixpeek_site import sql
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic
from namespaces import dependents, rows
from namespaces.models import COLLECTION_PREFIX, Collection, new_collection_id
from namespaces.scope import Scope, collection_not_found, require_namespace
from namespaces.services.common import UNCHANGED, Text, assignments, name_taken, present, require_chosen_id, require_name, taken

PASSTHROUGH_EXTRACTOR = {"feature_extractor_name": "passthrough_extractor", "version": "v1"}
"""What a collection has to which no extractor was given: documents are written by its clients."""

_NAME_TAKEN = "SELECT 1 FROM namespaces_collection WHERE namespace_id = %s AND name = %s AND deleted_at IS NULL"


def extractor_id(extractor: JSONObject) -> str:
    """`<name>_<version>`, the form in which lineage and answers name an extractor."""
    return f"{extractor.get('feature_extractor_name', '')}_{extractor.get('version', '')}"


def create_collection(
    *,
    scope: Scope,
    name: str,
    collection_id: str | None = None,
    description: str | None = None,
    config: JSONObject | None = None,
) -> Collection:
    """A new collection. `config` holds the API's other fields by name; its `feature_extractor` is the passthrough if absent.

    Raises NotFoundError for the namespace, ValidationError for the name, the id or the vector indexes, AlreadyExistsError
    when a name or id is taken.
    """
    require_name(name, COLLECTION_PREFIX)
    if collection_id is not None:
        require_chosen_id(collection_id, COLLECTION_PREFIX)
    config = {**(config or {})}
    config["feature_extractor"] = config.get("feature_extractor") or PASSTHROUGH_EXTRACTOR
    if not config.get("vector_indexes"):
        return _insert(scope, name, collection_id, description, config)
    with atomic():
        made = _insert(scope, name, collection_id, description, config)
        dependents.documents.declare_vector_indexes(made.namespace_id, made.pk, config["vector_indexes"], is_new=True)
    return made


def _insert(scope: Scope, name: str, collection_id: str | None, description: str | None, config: JSONObject) -> Collection:
    cte, params = scope.cte()
    row = sql.one(
        f"""
        WITH {cte} INSERT INTO namespaces_collection AS t
            (namespace_id, public_id, name, description, feature_extractor_id, config, created_at, updated_at)
        SELECT scope.namespace_id, %s, %s, %s, %s, %s::jsonb, moment, moment FROM scope, clock_timestamp() AS moment
        ON CONFLICT DO NOTHING
        RETURNING {rows.COLLECTION.sql}
        """,
        (
            *params,
            collection_id or new_collection_id(),
            name,
            description,
            extractor_id(config["feature_extractor"]),
            present(config),
        ),
    )
    if row is None:
        found = sql.one(_NAME_TAKEN, (require_namespace(scope), name))
        raise taken("collection", name=name, chosen_id=collection_id, name_is_taken=found is not None or collection_id is None)
    return rows.collection(row)


def update_collection(
    *,
    scope: Scope,
    collection_identifier: str,
    name: str | None = None,
    description: Text = UNCHANGED,
    config: JSONObject | None = None,
) -> Collection:
    """Set what is named; members of `config` replace the stored ones, None removes one.

    Raises NotFoundError, ValidationError for the name or the vector indexes, AlreadyExistsError when the name is taken,
    ConflictError when vectors are stored that a new declaration would refuse.
    """
    if name is not None:
        require_name(name, COLLECTION_PREFIX)
    config = {**(config or {})}
    extractor = None
    if "feature_extractor" in config:
        config["feature_extractor"] = config["feature_extractor"] or PASSTHROUGH_EXTRACTOR
        extractor = extractor_id(config["feature_extractor"])
    setting, values = assignments(name=name, description=description, config=config, extractor_id=extractor)
    cte, params = scope.cte(collection_identifier)
    statement = f"""
        WITH {cte} UPDATE namespaces_collection t SET {setting} FROM scope
        WHERE t.namespace_id = scope.namespace_id AND t.id = scope.collection_id AND t.deleted_at IS NULL
        RETURNING {rows.COLLECTION.sql}
    """
    try:
        with atomic():
            row = sql.one(statement, (*params, *values))
            if row is None:
                require_namespace(scope)
                raise collection_not_found(collection_identifier)
            changed = rows.collection(row)
            if "vector_indexes" in config:
                declared = config["vector_indexes"] or []
                dependents.documents.declare_vector_indexes(changed.namespace_id, changed.pk, declared)
    except psycopg.errors.UniqueViolation:
        raise name_taken("collection", name or "") from None
    return changed


def delete_collection(*, scope: Scope, collection_identifier: str) -> None:
    """Hides the collection and its documents at once, and frees its id and name; the rows are purged behind.

    Raises NotFoundError.
    """
    cte, params = scope.cte(collection_identifier)
    statement = f"""
        WITH {cte} UPDATE namespaces_collection t SET deleted_at = clock_timestamp() FROM scope
        WHERE t.namespace_id = scope.namespace_id AND t.id = scope.collection_id AND t.deleted_at IS NULL
        RETURNING t.id
    """
    if sql.one(statement, params) is None:
        require_namespace(scope)
        raise collection_not_found(collection_identifier)
