"""What a search asks for, as small values."""

from dataclasses import dataclass
from typing import Final

from documents.listing import Question
from documents.searching.vectors import QueryVector
from documents.vector_indexes.expressions import Metric
from mixpeek_site.jsonio import Location

GROUPED: Final = 1000
"""The best documents, of which a search makes groups."""

FUSED: Final = 100
"""Documents of each of two rankings that are fused, at least: more where the page ends later."""

RANK_CONSTANT: Final = 60


@dataclass(frozen=True, slots=True)
class Like:
    """A document of the namespace whose vector is meant."""

    document_id: str
    location: Location


@dataclass(frozen=True, slots=True)
class Wanted:
    """Near what. Vectors with `feature_uri`; or, of a single collection, those called `name`, or its only ones.

    `metric`: for vectors that are not declared.
    """

    near: QueryVector | Like
    location: Location
    name: str | None = None
    feature_uri: str | None = None
    metric: Metric | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Which documents (`question`: places, filters, partition; its `search` are words to rank by) and near what.

    With words and a vector both rankings are fused. `threshold`: the least score.
    """

    question: Question
    wanted: Wanted | None = None
    threshold: float | None = None
