"""Declared vector indexes of collections, and vector configs of namespaces (contract section 10).

`declarations` reads what clients declare, `expressions` says what an index holds, `registry` what is declared where and in
what state it is, `building` makes and drops the indexes behind the requests.
"""

from documents.vector_indexes.building import builder
from documents.vector_indexes.declarations import config_faults, index_faults
from documents.vector_indexes.registry import VectorIndex, config_states, declare, declare_configs, declared, forget, states

__all__ = [
    "VectorIndex",
    "builder",
    "config_faults",
    "config_states",
    "declare",
    "declare_configs",
    "declared",
    "forget",
    "index_faults",
    "states",
]
