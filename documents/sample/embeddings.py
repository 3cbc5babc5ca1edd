"""Vectors of texts by a small model that comes inside its package (the extra `embeddings`): no download, no GPU, no server.

The model is static: a text's vector is the mean of its words', which is enough to find what is about the same thing.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from mixpeek_site.jsonio import JSONObject

NAME: Final = "text"
DIMENSIONS: Final = 256
DECLARED: Final[JSONObject] = {"name": NAME, "dimensions": DIMENSIONS, "metric": "cosine", "type": "hnsw"}

_CHARACTERS: Final = 2000
"""Of a text that are read: the beginning says what it is about."""


class MissingExtraError(Exception):
    """The model's package is not installed."""


def embedded(texts: Sequence[str]) -> list[list[float]]:
    """A vector of length 1 for each text. Raises MissingExtraError."""
    if not texts:
        return []
    found: list[list[float]] = _model().embed([text[:_CHARACTERS] for text in texts], norm=True).tolist()
    return found


@cache
def _model() -> Any:
    try:
        import wordllama
    except ImportError as error:
        raise MissingExtraError("Embeddings need wordllama: pip install wordllama, or the extra `embeddings`.") from error
    # Its files are in the package, where it looks for them only when told to.
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


def said_by(body: JSONObject) -> str:
    """What a document of the sample is about: its names as words, its signature, what its docstring says."""
    about = body["metadata"]
    words = about["qualified_name"].replace(".", " ").replace("_", " ")
    return " ".join(filter(None, (words, about.get("signature"), about.get("docstring"))))
