"""The SQL of a vector index: what it holds of a feature, and of which features.

PostgreSQL uses a partial index only for a statement that says the same, constants included, so names and numbers are
literals here, quoted by psycopg. The predicate is total: it leaves out vectors of another dimension instead of failing on
them, so that no index, also one on its way out, can ever refuse a write.
"""

from typing import Final, Literal

from psycopg import sql

Metric = Literal["cosine", "l2", "dot"]
IndexType = Literal["hnsw", "exact"]

OPERATORS: Final[dict[Metric, str]] = {"cosine": "<=>", "l2": "<->", "dot": "<#>"}
"""pgvector's distance by each metric, smaller is nearer; `<#>` is the negative inner product."""

_CLASSES: Final[dict[Metric, str]] = {"cosine": "vector_cosine_ops", "l2": "vector_l2_ops", "dot": "vector_ip_ops"}

M: Final = 16
EF_CONSTRUCTION: Final = 128
"""Links of a vector in the graph, as pgvector has it, and how many candidates are looked at for them: twice as many as there, for
a graph in which searches don't get lost."""

MAX_HNSW_DIMENSIONS: Final = 2_000
"""What pgvector can index of the type `vector`."""

NAME_PREFIX: Final = "document_vector_"


def index_name(number: int) -> str:
    """The name of the index that has this number in the registry."""
    return f"{NAME_PREFIX}{number}"


def expression(dimensions: int, table: str = "") -> str:
    """The vector; `table` stands before the column."""
    return f"({table}embedding::vector({dimensions:d}))"


def predicate(collection_id: int, name: str, dimensions: int, table: str = "") -> str:
    """Which features the index holds. A literal % is one %."""
    literal = sql.Literal(name).as_string(None).strip()
    return (
        f"{table}collection_id = {collection_id:d} AND {table}name = {literal} AND {table}kind = 'dense'"
        f" AND vector_dims({table}embedding) = {dimensions:d}"
    )


def definition(number: int, collection_id: int, name: str, dimensions: int, metric: Metric) -> str:
    """The statement that makes the index."""
    return (
        f"CREATE INDEX CONCURRENTLY {index_name(number)} ON documents_feature"
        f" USING hnsw ({expression(dimensions)} {_CLASSES[metric]}) WITH (m = {M}, ef_construction = {EF_CONSTRUCTION})"
        f" WHERE {predicate(collection_id, name, dimensions)}"
    )
