"""Rows of a table as bodies: each column has a place, and the cells' JSON texts are put between what surrounds them."""

from collections.abc import Iterator, Sequence

from documents.importing.paths import Path, path_of
from documents.importing.reading.lines import SourceError
from mixpeek_site import jsonio

_Tree = dict[str, "_Tree | int"]


class Places:
    """Where the cells of a row stand in its body."""

    def __init__(self, names: Sequence[str], where: str) -> None:
        """`where`: the header, for people. Raises SourceError when two columns would stand in one place."""
        tree: _Tree = {}
        for column, name in enumerate(names):
            _put(tree, path_of(name), column, name, where)
        before, self._places = "{", []
        for text, column_or_end in _places(tree):
            before += text
            if column_or_end is not None:
                self._places.append((before, column_or_end))
                before = ""
        self._end = before + "}"

    def body(self, cells: Sequence[str]) -> str:
        """`cells`: a JSON text for each column."""
        texts: list[str] = []
        for before, column in self._places:
            texts += (before, cells[column])
        texts.append(self._end)
        return "".join(texts)


def _put(tree: _Tree, path: Path, column: int, name: str, where: str) -> None:
    for step in path[:-1]:
        inner = tree.setdefault(step, {})
        if isinstance(inner, int):
            raise SourceError(f"{where}: column {name} lies within another column, {step}.")
        tree = inner
    if path[-1] in tree:
        raise SourceError(f"{where}: column {name} is there twice, or others lie within it.")
    tree[path[-1]] = column


def _places(tree: _Tree) -> Iterator[tuple[str, int | None]]:
    """Texts of an object's inside, each followed by a column's cell or by nothing."""
    for number, (name, inner) in enumerate(tree.items()):
        key = f"{',' if number else ''}{jsonio.dumps(name)}:"
        if isinstance(inner, int):
            yield key, inner
        else:
            yield key + "{", None
            yield from _places(inner)
            yield "}", None
