"""Numbers as people read them."""

from django import template

from documents.trees.nodes import COUNTED_CHILDREN

register = template.Library()


@register.filter
def number(value: int) -> str:
    """1234567 → 1,234,567"""
    return f"{value:,}"


@register.filter
def bounded(value: int) -> str:
    """A node's number of children, which is counted no further than COUNTED_CHILDREN."""
    return f"{COUNTED_CHILDREN:,}+" if value > COUNTED_CHILDREN else f"{value:,}"
