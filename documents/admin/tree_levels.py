"""Levels of a tree as pages show them: which siblings are asked for, their branches, and the links to the rest."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from documents.trees import failures, nodes
from documents.trees.nodes import Node, Siblings, Within
from documents.trees.ways import Way
from namespaces.admin.urls import tree_url

ORPHANS = "orphans"
FAILED = "failed"


class Tree(NamedTuple):
    namespace_id: int
    object_id: str


class Which(NamedTuple):
    """Which siblings: the children of a document, or a list of the whole tree.

    `group`: "" for what comes from the root itself, ORPHANS, FAILED, or a stage as "<collection id>.<tier>".
    """

    of: str | None = None
    group: str = ""
    status: str | None = None

    @classmethod
    def asked(cls, query: QueryDict) -> "Which":
        return cls(query.get("of") or query.get("at") or None, query.get("group", ""), query.get("status") or None)

    @property
    def stage(self) -> tuple[str, int] | None:
        """Raises Http404 for a group that there is not."""
        if self.of is not None or self.group in ("", ORPHANS, FAILED):
            return None
        collection, _, tier = self.group.rpartition(".")
        if not collection or not (tier.isdecimal() and tier.isascii() and len(tier) < 9):
            raise Http404("There is no such stage.")
        return collection, int(tier)

    @property
    def flat(self) -> bool:
        """A list of documents from anywhere in the tree."""
        return self.of is None and self.group not in ("", ORPHANS)

    def read(self, tree: Tree, within: Within) -> Siblings:
        """One statement. Raises Http404."""
        if self.of is not None:
            return nodes.children(tree.namespace_id, self.of, within)
        stage = self.stage
        if stage is not None:
            return nodes.of_stage(*tree, *stage, self.status, within)
        return {"": nodes.first_level, ORPHANS: nodes.orphans, FAILED: nodes.failed}[self.group](*tree, within)

    def params(self, of: str) -> dict[str, Any]:
        """As a query; `of`: the parameter for the document."""
        given = {of: self.of, "group": self.group} if self.of is None else {of: self.of}
        return {name: value for name, value in (given | {"status": self.status}).items() if value}


class Rest(NamedTuple):
    """Siblings that are not shown: how many, and how many of them next; as a page, and as a fragment."""

    documents: int
    next: int
    url: str
    nodes_url: str


@dataclass(slots=True)
class Branch:
    node: Node
    place: int  # among its siblings
    level: "Level | None" = None  # None: closed
    here: bool = False
    failed: int = 0  # documents below it

    @property
    def unnamed(self) -> str:
        """What stands for a document that its payload gives no name."""
        preview = self.node.preview
        return preview if preview and preview != "{}" else self.node.document_id

    @property
    def spoken(self) -> str:
        """The whole row, as a screen reader says it."""
        node = self.node
        parts = [node.label or node.document_id, node.collection_name]
        if node.status:
            parts.append(node.status.lower())
        if node.children:
            many = node.children > nodes.COUNTED_CHILDREN
            count = f"more than {nodes.COUNTED_CHILDREN:,}" if many else f"{node.children:,}"
            parts.append(f"{count} child{'' if node.children == 1 else 'ren'}")
        if self.failed:
            parts.append(f"{self.failed:,} failed below")
        return ", ".join(parts)


@dataclass(slots=True)
class Level:
    """Nodes below one parent, as shown."""

    tree: Tree
    which: Which
    siblings: Siblings
    branches: list[Branch] = field(default_factory=list)

    @property
    def earlier(self) -> Rest | None:
        shown = self.siblings
        return self._rest(shown.before, "before", shown.nodes[0]) if shown.before else None

    @property
    def later(self) -> Rest | None:
        shown = self.siblings
        return self._rest(shown.after, "after", shown.nodes[-1]) if shown.after else None

    def _rest(self, documents: int, direction: str, node: Node) -> Rest:
        return Rest(
            documents,
            min(documents, nodes.MORE),
            tree_url(self.tree.namespace_id, self.tree.object_id, **self.which.params("at"), **{direction: node.position}),
            reverse("admin:tree_nodes", args=self.tree) + "?" + urlencode({**self.which.params("of"), direction: node.position}),
        )


def level(tree: Tree, which: Which, siblings: Siblings) -> Level:
    branches = [Branch(node, place) for place, node in enumerate(siblings.nodes, siblings.first)]
    return Level(tree, which, siblings, branches)


def along(tree: Tree, way: Way) -> Level:
    """The tree with the way to a document open."""
    shown: Level | None = level(tree, Which(way.document.document_id), way.below) if way.below.nodes else None
    for depth in reversed(range(len(way.levels))):
        above = way.levels[depth - 1].node.document_id if depth else way.above
        group = ORPHANS if depth == 0 and way.starts_at_orphan else ""
        step = way.levels[depth]
        outer = level(tree, Which(above, group), step.siblings)
        outer.branches[step.at].level = shown
        outer.branches[step.at].here = depth == len(way.levels) - 1
        shown = outer
    assert shown is not None
    return shown


def within(query: QueryDict) -> Within:
    """Which part of the siblings is asked for; what follows the first part comes in larger ones."""
    after, before = query.get("after"), query.get("before")
    return Within(after, before, nodes.MORE if after or before else nodes.PAGE)


def branches(shown: Level) -> Iterable[Branch]:
    for branch in shown.branches:
        yield branch
        if branch.level is not None:
            yield from branches(branch.level)


def mark_failures(shown: Level) -> None:
    """Each node says how many documents FAILED below it. One statement."""
    marked = list(branches(shown))
    found = failures.beneath(*shown.tree, [branch.node.document_id for branch in marked]) if marked else {}
    for branch in marked:
        branch.failed = found.get(branch.node.document_id, 0)
