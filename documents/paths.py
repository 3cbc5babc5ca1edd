"""Names of places in a body: columns of tables and sides of `--map`.

As in questions (documents/fields.py), a name is a dotted path or, beginning with `/`, a JSON pointer (RFC 6901), which
also reaches keys that hold dots. A name that would make no good path is a key as it stands: `No. of items`, `Dr.`, ``.
"""

from collections.abc import Sequence
from typing import Final

from mixpeek_site import pointers

Path = tuple[str, ...]

REST: Final = "_rest"
"""The last column of our own tables: an object of JSON by path, of what found no column."""


def path_of(name: str) -> Path:
    """The keys that a name leads through."""
    if name.startswith("/"):
        return pointers.steps_of(name)
    steps = tuple(name.split("."))
    return steps if all(step and step == step.strip() for step in steps) else (name,)


def column_name(path: Sequence[str]) -> str:
    """The name of a column of our own tables: a pointer also where keys are of an unusual make."""
    if path[0].startswith("/") or any(not step or "." in step or step != step.strip() for step in path):
        return pointers.pointer_of(path)
    return ".".join(path)


def name_of(path: Sequence[str]) -> str:
    """A name of which `path_of` makes this path again."""
    dotted = ".".join(path)
    if path_of(dotted) == tuple(path):
        return dotted
    return pointers.pointer_of(path)
