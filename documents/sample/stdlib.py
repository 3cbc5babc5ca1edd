"""The running interpreter's standard library as create bodies of the API: each module, its definitions, their methods.

Ids are made of the names (`module:json.decoder`, `class:json.decoder.JSONDecoder`), so a second run makes the same.
"""

import ast
import hashlib
import sysconfig
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mixpeek_site.jsonio import JSONObject

WELL_KNOWN: Final = frozenset(
    (
        "argparse ast base64 bisect calendar cmd collections configparser contextlib copy csv dataclasses datetime difflib"
        " enum fileinput fnmatch fractions ftplib functools getpass glob gzip hashlib heapq html http inspect io ipaddress"
        " json logging mimetypes operator os pathlib pickle platform pprint queue random re sched secrets shelve shlex"
        " shutil smtplib socket sqlite3 statistics string subprocess tarfile tempfile textwrap threading timeit tokenize"
        " traceback types typing urllib uuid wave weakref zipfile"
    ).split()
)
"""What is loaded unless everything is asked for."""

_LEFT_OUT: Final = frozenset(("site-packages", "dist-packages", "__pycache__"))
_MAX_NAME: Final = 100
_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the standard library."""

    name: str  # as imported: json.decoder
    path: Path
    file: str  # below the library's directory: json/decoder.py

    @property
    def object_id(self) -> str:
        return _id("stdlib", self.name)

    @property
    def document_id(self) -> str:
        return _id("module", self.name)


@dataclass(slots=True)
class Decomposed:
    """A module's documents, tier by tier, as create bodies without their collections."""

    module: JSONObject
    definitions: list[JSONObject] = field(default_factory=list)
    methods: list[JSONObject] = field(default_factory=list)


def modules(*, everything: bool) -> list[Module]:
    """By name. `everything`: also the lesser known ones, and the tests where they are installed."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if not _LEFT_OUT.isdisjoint(parts) or not all(part.removesuffix(".py").isidentifier() for part in parts):
            continue
        if everything or (parts[0].removesuffix(".py") in WELL_KNOWN and not {"test", "tests"} & set(parts)):
            names = [*parts[:-1], parts[-1].removesuffix(".py")]
            name = ".".join(names[:-1] if names[-1] == "__init__" and len(names) > 1 else names)
            found.append(Module(name, path, "/".join(parts)))
    return found


def decompose(module: Module) -> Decomposed:
    """Read and parse a module. One that can't be parsed is a FAILED document with the reason, and has nothing below."""
    raw = module.path.read_bytes()
    about: JSONObject = {
        "name": module.name.rpartition(".")[2],
        "qualified_name": module.name,
        "kind": "package" if module.path.name == "__init__.py" else "module",
        "file": module.file,
    }
    document: JSONObject = {
        "document_id": module.document_id,
        "source_type": "bucket",
        "source_object_id": module.object_id,
        "content_hash": f"sha256:{hashlib.sha256(raw).hexdigest()}",
        "_internal": {"modality": "text", "mime_type": "text/x-python", "size_bytes": len(raw)},
        "metadata": about,
    }
    try:
        with tokenize.open(module.path) as file:
            source = file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is deprecated in the library itself
            tree = ast.parse(source)
            lines = source.splitlines(keepends=True)
            about |= {
                "docstring": ast.get_docstring(tree),
                "imports": _imports(tree),
                "line_count": len(lines),
                "source": source,
            }
            made = Decomposed(document)
            ids: set[str] = set()
            for node in _definitions(tree.body):
                _add(made, node, module, lines, ids)
    except (SyntaxError, ValueError, RecursionError) as error:
        document["internal_metadata"] = {"ingestion_status": "FAILED", "error": f"{type(error).__name__}: {error}"}
        return Decomposed(document)
    document["internal_metadata"] = {"ingestion_status": "COMPLETED"}
    return made


def _add(made: Decomposed, node: _Definition, module: Module, lines: list[str], ids: set[str]) -> None:
    """A class or function of a module, and a class's methods."""
    definition = _document(node, module.name, module.document_id, lines, ids)
    made.definitions.append(definition)
    if isinstance(node, ast.ClassDef):
        name = definition["metadata"]["qualified_name"]
        for method in _definitions(node.body):
            if not isinstance(method, ast.ClassDef):
                made.methods.append(_document(method, name, definition["document_id"], lines, ids, kind="method"))


def _definitions(body: list[ast.stmt]) -> Iterator[_Definition]:
    """Classes and functions of a body, also those under an `if` or a `try`, as fallbacks often are."""
    for node in body:
        if isinstance(node, _Definition):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _definitions(node.body)
            for handler in getattr(node, "handlers", ()):
                yield from _definitions(handler.body)
            yield from _definitions(getattr(node, "orelse", []))
            yield from _definitions(getattr(node, "finalbody", []))


def _document(
    node: _Definition, holder: str, parent_id: str, lines: list[str], ids: set[str], kind: str | None = None
) -> JSONObject:
    name = f"{holder}.{node.name}"
    kind = kind or ("class" if isinstance(node, ast.ClassDef) else "function")
    document_id = _unused(_id(kind, name), ids)
    first = min((decorator.lineno for decorator in node.decorator_list), default=node.lineno)
    last = node.end_lineno or node.lineno
    about: JSONObject = {
        "name": node.name,
        "qualified_name": name,
        "kind": kind,
        "docstring": ast.get_docstring(node),
        "signature": _signature(node),
        "decorators": [ast.unparse(decorator) for decorator in node.decorator_list],
        "lines": {"first": first, "last": last},
        "source": "".join(lines[first - 1 : last]),
    }
    if isinstance(node, ast.ClassDef):
        about["bases"] = [ast.unparse(base) for base in node.bases]
    else:
        about["is_async"] = isinstance(node, ast.AsyncFunctionDef)
    return {
        "document_id": document_id,
        "source_type": "collection",
        "source_document_id": parent_id,
        "internal_metadata": {"ingestion_status": "COMPLETED"},
        "_internal": {"modality": "text", "mime_type": "text/x-python"},
        "metadata": about,
    }


def _signature(node: _Definition) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, [*node.bases, *node.keywords]))
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{word} {node.name}({ast.unparse(node.args)}){returns}"


def _imports(tree: ast.Module) -> list[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return sorted(found)


def _id(kind: str, name: str) -> str:
    """`kind:name`; a name that an id can't hold is cut or written in its hash."""
    if len(name) > _MAX_NAME or not name.isascii():
        readable = "".join(character for character in name if character.isascii())[: _MAX_NAME - 13]
        name = f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return f"{kind}:{name}"


def _unused(document_id: str, ids: set[str]) -> str:
    """An id that the module has not yet: a name may be defined again, as by @overload or the setter of a property."""
    unused, number = document_id, 1
    while unused in ids:
        number += 1
        unused = f"{document_id}:{number}"
    ids.add(unused)
    return unused
