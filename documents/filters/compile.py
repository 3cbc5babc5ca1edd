"""Filters as SQL."""

from documents.filters.nodes import Node
from mixpeek_site.sql import Fragment


def predicate(node: Node | None) -> Fragment:
    """A boolean SQL expression, never NULL, over the aliases of documents/fields.py. None: `true`."""
    raise NotImplementedError
