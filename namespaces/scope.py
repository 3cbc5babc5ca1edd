"""The one place that turns a caller and its identifiers into a namespace and a collection (contract section 1).

An identifier is an id when it looks like one (`ns_…`, `col_…`), else a name; names may not look like ids, so one
index look-up decides. A `Scope` is not looked up beforehand: `Scope.cte` is the first part of every statement, which
so always names its namespace, sees renames and deletions at once, and finds nothing where the key may not look.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mixpeek_site import ids, sql
from mixpeek_site.errors import BadRequestError, NotFoundError
from namespaces.credentials import Credentials
from namespaces.models import BUCKET_PREFIX, COLLECTION_PREFIX, NAMESPACE_PREFIX


@dataclass(frozen=True, slots=True)
class Scope:
    """A namespace as the caller named it, within what its key may see."""

    organization_id: int
    organization_public_id: str
    identifier: str
    patterns: tuple[str, ...]  # LIKE patterns over namespace ids and names; empty: all

    def cte(self, collection_identifier: str | None = None) -> tuple[str, tuple[Any, ...]]:
        """SQL of a common table expression `scope` with its parameters: one row if the caller sees the place, else none.

        Columns: namespace_id, namespace, and with a collection also collection_id, collection, feature_extractor_id.
        """
        namespace_is_id = ids.looks_like_id(NAMESPACE_PREFIX, self.identifier)
        seen: tuple[Any, ...] = (self.organization_id, sql.text(self.identifier))
        if self.patterns:
            seen += (list(self.patterns), list(self.patterns))
        if collection_identifier is None:
            return _cte(namespace_is_id, bool(self.patterns), None), seen
        collection_is_id = ids.looks_like_id(COLLECTION_PREFIX, collection_identifier)
        return _cte(namespace_is_id, bool(self.patterns), collection_is_id), (sql.text(collection_identifier), *seen)


@lru_cache
def _cte(namespace_is_id: bool, has_patterns: bool, collection_is_id: bool | None) -> str:
    columns = "n.id AS namespace_id, n.public_id AS namespace"
    source = "namespaces_namespace n"
    if collection_is_id is not None:
        columns += ", c.id AS collection_id, c.public_id AS collection, c.feature_extractor_id"
        source += (
            " JOIN namespaces_collection c ON c.namespace_id = n.id AND c.deleted_at IS NULL"
            f" AND c.{'public_id' if collection_is_id else 'name'} = %s"
        )
    where = f"n.organization_id = %s AND n.{'public_id' if namespace_is_id else 'name'} = %s AND n.deleted_at IS NULL"
    if has_patterns:
        where += " AND (n.public_id LIKE ANY(%s) OR n.name LIKE ANY(%s))"
    return f"scope AS (SELECT {columns} FROM {source} WHERE {where})"


def scope_for(credentials: Credentials, identifier: str | None) -> Scope:
    """The scope of a request. Without an identifier: the organization's only namespace.

    Raises BadRequestError when the key sees none or several and the request names none. Costs a statement only then.
    """
    patterns = tuple(map(like_pattern, credentials.namespace_patterns))
    if identifier is None:
        identifier = _only_namespace(credentials.organization_id, patterns)
    return Scope(credentials.organization_id, credentials.organization_public_id, identifier, patterns)


def like_pattern(pattern: str) -> str:
    """A key's namespace pattern (an id, a name, or a beginning with a trailing `*`) as a LIKE pattern."""
    beginning = pattern.removesuffix("*")
    escaped = beginning.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped + ("%" if pattern.endswith("*") else "")


def _only_namespace(organization_id: int, patterns: tuple[str, ...]) -> str:
    found = sql.rows(
        "SELECT public_id FROM namespaces_namespace n WHERE organization_id = %s AND deleted_at IS NULL"
        " AND (%s OR n.public_id LIKE ANY(%s) OR n.name LIKE ANY(%s)) LIMIT 2",
        (organization_id, not patterns, list(patterns), list(patterns)),
    )
    if len(found) != 1:
        raise BadRequestError("Name a namespace in the X-Namespace header: its id (ns_…) or its name.", header="X-Namespace")
    return str(found[0][0])


def namespace_not_found(identifier: str) -> NotFoundError:
    return NotFoundError(f"Namespace {identifier} was not found.", resource="namespace", id=identifier)


def collection_not_found(identifier: str) -> NotFoundError:
    return NotFoundError(f"Collection {identifier} was not found.", resource="collection", id=identifier)


def bucket_not_found(identifier: str) -> NotFoundError:
    return NotFoundError(f"Bucket {identifier} was not found.", resource="bucket", id=identifier)


def object_not_found(object_id: str, bucket_identifier: str) -> NotFoundError:
    return NotFoundError(f"Object {object_id} was not found in bucket {bucket_identifier}.", resource="object", id=object_id)


def require_namespace(scope: Scope) -> int:
    """The namespace's internal id. Raises NotFoundError."""
    cte, params = scope.cte()
    row = sql.one(f"WITH {cte} SELECT namespace_id FROM scope", params)
    if row is None:
        raise namespace_not_found(scope.identifier)
    return int(row[0])


def require_collection(scope: Scope, collection_identifier: str) -> int:
    """The collection's internal id. Raises NotFoundError for the namespace or the collection."""
    cte, params = scope.cte(collection_identifier)
    row = sql.one(f"WITH {cte} SELECT collection_id FROM scope", params)
    if row is None:
        require_namespace(scope)
        raise collection_not_found(collection_identifier)
    return int(row[0])


def require_bucket(scope: Scope, bucket_identifier: str) -> tuple[int, int]:
    """Internal ids of the namespace and the bucket. Raises NotFoundError for either."""
    cte, params = scope.cte()
    column = "public_id" if ids.looks_like_id(BUCKET_PREFIX, bucket_identifier) else "name"
    row = sql.one(
        f"WITH {cte} SELECT scope.namespace_id, b.id FROM scope"
        f" LEFT JOIN namespaces_bucket b ON b.namespace_id = scope.namespace_id AND b.{column} = %s",
        (*params, sql.text(bucket_identifier)),
    )
    if row is None:
        raise namespace_not_found(scope.identifier)
    if row[1] is None:
        raise bucket_not_found(bucket_identifier)
    return int(row[0]), int(row[1])
