"""Distances of pgvector and the scores made of them, higher is better (docs/search.md)."""

from typing import Final

from documents.vector_indexes.expressions import OPERATORS, Metric

METRICS: Final[tuple[Metric, ...]] = ("cosine", "l2", "dot")
DEFAULT: Final[Metric] = "cosine"

_LARGEST: Final = "3.4028234663852886e38::float8"  # of float32: an inner product beyond it counts as that

# Of a distance that is NaN there is no score. Each falls where the distance grows.
_SCORES: Final[dict[Metric, str]] = {
    "cosine": "1 - {0}",
    "l2": "1 / (1 + {0})",
    "dot": f"GREATEST(LEAST(-{{0}}, {_LARGEST}), -{_LARGEST})",
}


def score(metric: Metric, distance: str) -> str:
    """SQL of the score, a finite float8, of a distance that is a number."""
    return _SCORES[metric].format(distance)


def operator(metric: Metric) -> str:
    """pgvector's distance."""
    return OPERATORS[metric]
