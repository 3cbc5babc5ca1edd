"""Which namespaces a member of staff reaches: the one place that every page of the admin asks.

Superusers reach all, and so does staff without a StaffBinding; others reach those that theirs names, and nothing that
belongs to none: organizations, API keys, staff. Django's permissions say what may be done where one reaches.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase

from mixpeek_site import sql
from mixpeek_site.errors import NotFoundError
from namespaces.models import Namespace
from namespaces.scope import Scope


def namespace_of(namespace_id: int) -> Namespace:
    """The namespace, with its organization. One statement. Raises Http404."""
    found = Namespace.objects.select_related("organization").filter(pk=namespace_id, deleted_at=None).first()
    if found is None:
        raise Http404("There is no such namespace.")
    return found


def staff_scope(namespace: Namespace) -> Scope:
    """The scope in which services act for staff; the namespace comes with its organization."""
    return Scope(namespace.organization_id, namespace.organization.public_id, namespace.public_id, ())


def reached(request: HttpRequest) -> frozenset[int] | None:
    """Internal ids of the namespaces that the user reaches; None: all. At most one statement per request."""
    known: frozenset[int] | None
    try:
        known = request._namespaces_reached  # type: ignore[attr-defined]
    except AttributeError:
        known = request._namespaces_reached = _asked(request.user)  # type: ignore[attr-defined]
    return known


_BOUND = """
SELECT array_agg(s.namespace_id) FILTER (WHERE s.namespace_id IS NOT NULL)
FROM namespaces_staffbinding b LEFT JOIN namespaces_staffnamespace s ON s.binding_id = b.user_id
WHERE b.user_id = %s GROUP BY b.user_id
"""


def _asked(user: AbstractBaseUser | AnonymousUser) -> frozenset[int] | None:
    if user.pk is None or not user.is_active:
        return frozenset()
    if getattr(user, "is_superuser", False):
        return None
    row = sql.one(_BOUND, (user.pk,))
    return None if row is None else frozenset(row[0] or ())


def is_bound(request: HttpRequest) -> bool:
    """Whether the user is limited to namespaces, and so kept from what belongs to none."""
    return reached(request) is not None


def limited(request: HttpRequest, rows: QuerySet[Any], namespace: str = "namespace_id") -> QuerySet[Any]:
    """Those of the rows whose namespace the user reaches; `namespace` is the lookup of its number."""
    within = reached(request)
    return rows if within is None else rows.filter(**{f"{namespace}__in": within})


def require(request: HttpRequest, namespace_id: int | None, *permissions: str) -> None:
    """One of the permissions (`documents.view_document`, …), in a namespace that the user reaches; None: in any.

    Raises PermissionDenied when the user has none of the permissions, Http404 when the namespace is out of reach.
    """
    if not any(request.user.has_perm(permission) for permission in permissions):
        raise PermissionDenied
    within = reached(request)
    if namespace_id is not None and within is not None and namespace_id not in within:
        raise Http404("There is no such namespace.")


def page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For pages of our own: what the domain says is missing becomes a 404."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotFoundError as error:
            raise Http404(error.message) from None

    return answered
