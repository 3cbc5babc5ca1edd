"""Declared vector indexes of collections, and vector configs of namespaces (contract section 10).

`declarations` reads what clients declare, `declaring` puts it into the `registry`, which statements ask, `states` says how far
it is; `expressions` says what an index holds, `building` makes and drops the indexes behind the requests.
"""

from documents.vector_indexes.building import builder
from documents.vector_indexes.declarations import config_faults, index_faults
from documents.vector_indexes.declaring import declare, declare_configs
from documents.vector_indexes.registry import VectorIndex, declared, forget
from documents.vector_indexes.states import config_states, states

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
