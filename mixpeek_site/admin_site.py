"""The admin's site: its name, and a place where the applications put pages that belong to no single model."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, path

from mixpeek_site.errors import ServiceUnavailableError

logger = logging.getLogger("mixpeek.admin")

View = Callable[..., HttpResponseBase]

_pages: list[tuple[str, View, str]] = []
_start_sections: list[Callable[[HttpRequest], dict[str, Any]]] = []


def add_page(route: str, view: View, name: str) -> None:
    """A page below /admin/, for signed-in staff, that `reverse("admin:<name>")` finds. The view checks permissions itself."""
    _pages.append((route, view, name))


def add_start_section(context: Callable[[HttpRequest], dict[str, Any]]) -> None:
    """More context for the start page (templates/admin/index.html)."""
    _start_sections.append(context)


# The side bar: what staff work with first, in the order of what holds what, then who may.
_NAVIGATION = (
    ("Content", ("Document", "BucketObject", "Collection", "Bucket", "Namespace")),
    ("Access", ("ApiKey", "Organization", "User", "Group", "AuditEntry")),
)
_SHORT_NAMES = {"BucketObject": "Objects"}


def _or_unavailable(view: View) -> View:
    """Instead of an error page: a plain word that the database could not be had."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (ServiceUnavailableError, OperationalError, InterfaceError):
            logger.warning("The database failed %s", request.path, exc_info=True)
            page = render_to_string("admin/unavailable.html")  # no context of the request: it would ask the database again
            return HttpResponse(page, status=503, headers={"Retry-After": "1"})

    return answered


class StoreAdminSite(admin.AdminSite):
    site_header = "Document store"
    site_title = "Document store"
    index_title = "Overview"
    site_url = None
    empty_value_display = "\u2013"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        pages = [path(route, self.admin_view(view), name=name) for route, view, name in _pages]
        # Nothing has a page outside of the admin; the address would say which numbers there are.
        return [*pages, *(each for each in super().get_urls() if getattr(each, "name", None) != "view_on_site")]

    def admin_view(self, view: View, cacheable: bool = False) -> Any:
        return super().admin_view(_or_unavailable(view), cacheable)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        models = {model["object_name"]: model for app in context["available_apps"] for model in app["models"]}
        shown = [(heading, [models[name] for name in names if name in models]) for heading, names in _NAVIGATION]
        context["navigation"] = [
            (heading, [(_SHORT_NAMES.get(model["object_name"], model["name"]), model["admin_url"]) for model in held])
            for heading, held in shown
            if held
        ]
        return context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context: dict[str, Any] = {}
        for section in _start_sections:
            context |= section(request)
        return super().index(request, context | (extra_context or {}))
