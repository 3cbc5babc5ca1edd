"""Rows of a table as bodies: each column has a place, which its name leads to, and the cells' JSON texts are put there.

Where null is as good as nothing, because the name is reserved, an empty cell is left out. The last column of our own
exports, `_rest`, holds what had no column: an object of JSON by path.
"""

from collections.abc import Container, Sequence

from documents.importing.reading.lines import SourceError
from documents.inputs import RESERVED
from documents.paths import REST, path_of
from mixpeek_site import jsonio
from mixpeek_site.jsonio import JSONObject


class _Node:
    """A place in a body: of a column, of others within it, or of both, of which a row may then use one."""

    __slots__ = ("column", "inner", "key")

    def __init__(self, name: str) -> None:
        self.key = jsonio.dumps(name) + ":"
        self.column: int | None = None
        self.inner: dict[str, _Node] = {}


class Places:
    """Where the cells of a row stand in its body."""

    def __init__(self, names: Sequence[str], where: str) -> None:
        """`where`: the header, for people. Raises SourceError when two columns have the same place."""
        self._names = names
        self._top = _Node("")
        self._rest: int | None = None
        self._optional = frozenset(column for column, name in enumerate(names) if path_of(name)[0] in RESERVED)
        for column, name in enumerate(names):
            if name == REST:
                self._rest = column
                continue
            node = self._top
            for step in path_of(name):
                node = node.inner.setdefault(step, _Node(step))
            if node.column is not None:
                raise SourceError(f"{where}: column {name} is there twice.")
            node.column = column

    def body(self, cells: Sequence[str]) -> str:
        """`cells`: a JSON text for each column. Raises ValueError: what is wrong with them together."""
        text = self._object(self._top, cells, self._optional) or "{}"
        if self._rest is None or cells[self._rest] == "null":
            return text
        return _with_rest(text, cells[self._rest])

    def _object(self, node: _Node, cells: Sequence[str], optional: Container[int]) -> str | None:
        """What is within a place; None if there is nothing."""
        members = []
        for inner in node.inner.values():
            column = inner.column
            if not inner.inner:
                assert column is not None
                text: str | None = cells[column]
                if text == "null" and column in optional:
                    continue
            elif column is None:
                text = self._object(inner, cells, optional)
            else:
                text = self._either(inner, column, cells)
                if text == "null" and column in optional:
                    continue
            if text is not None:
                members.append(inner.key + text)
        return f"{{{','.join(members)}}}" if members else None

    def _either(self, node: _Node, column: int, cells: Sequence[str]) -> str:
        """The column's own value, or what lies within it."""
        inner = self._object(node, cells, range(len(cells)))
        if inner is not None and cells[column] != "null":
            raise ValueError(f"column {self._names[column]} has a value, and so has one within it")
        return inner or cells[column]


def _with_rest(text: str, rest: str) -> str:
    body: JSONObject = jsonio.loads_stored(text)
    members = jsonio.loads_stored(rest)
    if not isinstance(members, dict):
        raise ValueError(f"column {REST}: must be an object of JSON")
    for name, value in members.items():
        holder = body
        *above, last = path_of(name)
        for step in above:
            if holder.get(step) is None:
                holder[step] = {}
            holder = holder[step]
            if not isinstance(holder, dict):
                raise ValueError(f"column {REST}: {name} lies within a value")
        holder[last] = value
    return jsonio.dumps(body)
