"""How the routes of places and objects are described: the site's builders, and the parameters that several have."""

from mixpeek_site.api.schema import PAGE_PARAMETERS, choice, flag, operation, text

__all__ = ["LIST", "choice", "flag", "operation", "text"]

LIST = [
    *PAGE_PARAMETERS,
    text("search", "A part of the name, id or description."),
    text("filters", "The body's `filters` as JSON text."),
    text("sort", "The body's `sort` as JSON text."),
    flag("case_sensitive", "Whether filters and search regard case."),
    flag("include_system", "Accepted; there are no system resources here."),
]
