"""Declared payload indexes: `payload_indexes` of namespaces as indexes of PostgreSQL (contract sections 3 and 11).

One index per path and kind, for all namespaces that declare it (each more index on the table of documents costs every
namespace planning time). `expressions` says what an index holds, `registry` which there are, for whom and in what state,
`building` makes and drops them behind the requests.
"""

from documents.payload_indexes.building import builder
from documents.payload_indexes.expressions import EVERYTHING, SEARCH, Index, faults
from documents.payload_indexes.registry import Ready, declare, ready, states

__all__ = ["EVERYTHING", "SEARCH", "Index", "Ready", "builder", "declare", "faults", "ready", "states"]
