"""Names of places in a body: columns of tables and sides of `--map`.

As in questions (documents/fields.py), a name is a dotted path or, beginning with `/`, a JSON pointer (RFC 6901), which
also reaches keys that hold dots. A name that would make no good path is a key as it stands: `No. of items`, `Dr.`, ``.
"""

from collections.abc import Sequence

Path = tuple[str, ...]


def path_of(name: str) -> Path:
    """The keys that a name leads through."""
    if name.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in name[1:].split("/"))
    steps = tuple(name.split("."))
    return steps if all(step and step == step.strip() for step in steps) else (name,)


def name_of(path: Sequence[str]) -> str:
    """A name of which `path_of` makes this path again."""
    dotted = ".".join(path)
    if path_of(dotted) == tuple(path):
        return dotted
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
