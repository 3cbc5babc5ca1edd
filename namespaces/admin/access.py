"""Which namespaces a member of staff reaches: the one place that the admin's own pages ask.

Until staff can be bound to namespaces, that is every living one; Django's permissions say what may be done there.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

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
    return None


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
