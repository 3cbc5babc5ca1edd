"""Filters as the request says them, read into nodes."""

from typing import Any as Json

from documents.filters.nodes import Node
from mixpeek_site.jsonio import Location


def read_filters(raw: Json, location: Location, *, writing: bool = False) -> Node | None:
    """The tree of a filter in parsed JSON; None: it matches every document. Raises ValidationError naming the place.

    `writing`: what matches everything because it says nothing (null, `{}`, an empty group) is refused at any depth.
    """
    raise NotImplementedError
