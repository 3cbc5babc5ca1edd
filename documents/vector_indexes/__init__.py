"""Declared vector indexes of collections and namespaces (contract section 10).

`expressions` says what an index holds, `registry` what is declared where and in what state it is.
"""

from documents.vector_indexes.registry import VectorIndex, declared, forget

__all__ = ["VectorIndex", "declared", "forget"]
