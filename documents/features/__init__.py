"""Features and their vectors: reading them from a body, storing them, showing them (contract section 10).

A vector is dense (a list of numbers), sparse (`{"indices": […], "values": […]}`) or multi (a list of equally long
lists), float32 each. Names are unique in a document; writing replaces the names given and leaves the others.
"""

from documents.features.clearing import clear_features
from documents.features.columns import Vectors, features_column, vectors_column, vectors_weight
from documents.features.reading import MAX_DIMENSIONS, NamedFeature, read_features
from documents.features.writing import texts, write_features, write_features_of

__all__ = [
    "MAX_DIMENSIONS",
    "NamedFeature",
    "Vectors",
    "clear_features",
    "features_column",
    "read_features",
    "texts",
    "vectors_column",
    "vectors_weight",
    "write_features",
    "write_features_of",
]
