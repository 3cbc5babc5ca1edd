"""Documents by what they are near to: a dense vector, words, or both (contract section 10; docs/search.md).

vectors     a query's vector, as pgvector reads it
metrics     distances and scores
questions   what was asked, as small values
places      which collections, and which of their vectors
planning    through an index or by comparing with all
statements  the statement that finds, ranks and reads
reading     running it
"""

from documents.searching.metrics import METRICS
from documents.searching.questions import Like, Search, Wanted
from documents.searching.reading import Found, FoundGroups, search, search_groups
from documents.searching.vectors import QueryVector, read_vector
from documents.vector_indexes.expressions import Metric

__all__ = [
    "METRICS",
    "Found",
    "FoundGroups",
    "Like",
    "Metric",
    "QueryVector",
    "Search",
    "Wanted",
    "read_vector",
    "search",
    "search_groups",
]
