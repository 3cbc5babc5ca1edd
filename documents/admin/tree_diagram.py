"""The stages of a tree as a drawing: a column per tier, a box per collection, lines weighted by how many documents went
from one to the next. Lengths are pixels; the template (admin/tree/diagram.html) draws what is computed here.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from unicodedata import east_asian_width

from documents.admin.tree_levels import Tree
from documents.tree_queries import Root, Stage
from documents.trees.edges import Edge
from namespaces.admin.urls import tree_url

BOX_WIDTH: Final = 184
BOX_HEIGHT: Final = 98
ROOT_WIDTH: Final = 128
ACROSS: Final = 60  # between columns, where the lines and their numbers are
BETWEEN: Final = 14
TOP: Final = 26  # the columns' headings
INNER: Final = BOX_WIDTH - 24
DRAWN: Final = 6  # boxes per column; the table has the others
TOLD: Final = 12  # statuses of a stage; the others are one number, which leads to the stage
_THINNEST, _THICKEST = 1.25, 9.0  # of a line: one document, and 50,000 or more


class Part(NamedTuple):
    """The documents of a stage with one status; `x` and `width` of its piece of the bar."""

    status: str
    documents: int
    url: str
    x: float = 0
    width: float = 0


class Box(NamedTuple):
    stage: Stage
    parts: list[Part]  # failures first, so that they are seen
    url: str
    x: float
    y: float
    name: str  # as much as fits
    extractor: str

    @property
    def key(self) -> tuple[str, int]:
        return self.stage.collection, self.stage.tier

    @property
    def failed(self) -> int:
        return self.stage.statuses.get("FAILED", 0)

    @property
    def failed_url(self) -> str:
        return next((part.url for part in self.parts if part.status == "FAILED"), "")

    @property
    def shown_parts(self) -> list[Part]:
        """Those that have room as text."""
        shown: list[Part] = []
        room = 27
        for part in self.parts:
            room -= len(f"{part.status} {part.documents:,}  ")
            if shown and room < (4 if len(self.parts) > len(shown) + 1 else 0):
                break
            shown.append(part._replace(status=part.status[:18]))
        return shown

    @property
    def hidden_parts(self) -> int:
        return len(self.parts) - len(self.shown_parts)

    @property
    def spoken(self) -> str:
        """What its link is called: what is seen of it first."""
        return f"{self.name} {self.told}" if self.name == self.stage.name else f"{self.name} {self.told}, {self.stage.name}"

    @property
    def told(self) -> str:
        statuses = ", ".join(f"{part.documents:,} {part.status.lower()}" for part in self.parts)
        plural = "" if self.stage.documents == 1 else "s"
        return f"{self.stage.documents:,} document{plural}, tier {self.stage.tier}: {statuses}"


class Line(NamedTuple):
    path: str
    width: float
    documents: int
    label_x: float
    label_y: float
    title: str


class Heading(NamedTuple):
    text: str
    x: float
    hidden: int  # boxes of the column that are not drawn
    hidden_y: float


class Diagram(NamedTuple):
    width: float
    height: float
    boxes: list[Box]
    lines: list[Line]
    headings: list[Heading]
    root_y: float
    summary: str

    @property
    def least_width(self) -> int:
        """It shrinks so far with the window; then it scrolls."""
        return round(0.88 * self.width)


def rows(tree: Tree, root: Root) -> list[Box]:
    """Every stage, for the table that says the same as the drawing."""
    return [_box(tree, stage) for stage in root.stages]


def draw(root: Root, made: Sequence[Box], edges: Sequence[Edge]) -> Diagram:
    """`made`: the rows, which get their places here."""
    by_key = {box.key: box for box in made}
    tiers: dict[int, list[Stage]] = defaultdict(list)
    for stage in root.stages:
        tiers[stage.tier].append(stage)
    edges = sorted(edges, key=lambda edge: -edge.documents)
    tallest = max((min(len(stages), DRAWN) for stages in tiers.values()), default=1)
    deep = max((len(stages) > DRAWN for stages in tiers.values()), default=False)
    body = tallest * (BOX_HEIGHT + BETWEEN) - BETWEEN
    boxes: dict[tuple[str, int], Box] = {}
    headings = [Heading("Object", 0, 0, 0)]
    x: float = ROOT_WIDTH + ACROSS
    for tier, stages in sorted(tiers.items()):
        drawn = _ordered(_most_telling(stages), edges, boxes)
        y = TOP + (body - len(drawn) * (BOX_HEIGHT + BETWEEN) + BETWEEN) / 2
        for stage in drawn:
            boxes[stage.collection, tier] = by_key[stage.collection, tier]._replace(x=x, y=y)
            y += BOX_HEIGHT + BETWEEN
        headings.append(Heading(f"Tier {tier}", x, len(stages) - len(drawn), y + 4))
        x += BOX_WIDTH + ACROSS
    root_y = TOP + (body - BOX_HEIGHT) / 2
    lines = _lines(root, boxes, edges, root_y)
    summary = f"{root.documents:,} documents in {len(root.stages):,} stages of {len(tiers):,} tiers"
    return Diagram(x - ACROSS, TOP + body + (24 if deep else 2), list(boxes.values()), lines, headings, root_y, summary)


def _most_telling(stages: list[Stage]) -> list[Stage]:
    """Those drawn of a column: with failures, then the largest."""
    if len(stages) <= DRAWN:
        return stages
    return sorted(stages, key=lambda stage: (-stage.statuses.get("FAILED", 0), -stage.documents))[:DRAWN]


def _ordered(stages: list[Stage], edges: Iterable[Edge], boxes: dict[tuple[str, int], Box]) -> list[Stage]:
    """A column from top to bottom so that few lines cross: each stage at the height of what it was made from."""
    heights: dict[str, list[float]] = defaultdict(list)
    for edge in edges:
        source = boxes.get((edge.source, edge.tier - 1))
        if source is not None and stages and edge.tier == stages[0].tier:
            heights[edge.collection].append(source.y)
    return sorted(stages, key=lambda stage: _mean(heights[stage.collection]))


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0


def _box(tree: Tree, stage: Stage) -> Box:
    group = f"{stage.collection}.{stage.tier}"
    url = tree_url(*tree, group=group)
    order = sorted(stage.statuses.items(), key=lambda item: (item[0] != "FAILED", -item[1], item[0]))
    told = [(status, documents, tree_url(*tree, group=group, status=status)) for status, documents in order[:TOLD]]
    others = order[TOLD:]
    if others:
        told.append((f"{len(others):,} other", sum(documents for _, documents in others), url))
    parts, at = [], 0.0
    room = INNER - 4 * len(told)  # each piece is seen, however small
    for status, documents, of_status in told:
        width = 4 + room * documents / stage.documents
        parts.append(Part(status, documents, of_status, round(at, 2), round(width - 1, 2)))
        at += width
    extractor = stage.feature_extractor_id or "no extractor"
    return Box(stage, parts, url, 0, 0, fitting(stage.name, 21), fitting(extractor, 27))


def fitting(text: str, cells: int) -> str:
    """As much of a text as has room in `cells` columns, with an ellipsis for the rest; wide characters take two."""
    widths = [2 if east_asian_width(character) in "WF" else 1 for character in text]
    if sum(widths) <= cells:
        return text
    used = 1
    for place, width in enumerate(widths):
        used += width
        if used > cells:
            return text[:place] + "…"
    return text


def _lines(root: Root, boxes: dict[tuple[str, int], Box], edges: Sequence[Edge], root_y: float) -> list[Line]:
    ends: list[tuple[Box | None, Box, int]] = []
    for box in boxes.values():
        if box.stage.first_level:
            ends.append((None, box, box.stage.first_level))
    for edge in edges:
        source, target = boxes.get((edge.source, edge.tier - 1)), boxes.get((edge.collection, edge.tier))
        if source is not None and target is not None:
            ends.append((source, target, edge.documents))
    leaving: dict[object, list[float]] = defaultdict(list)
    entering: dict[object, list[float]] = defaultdict(list)
    for source, target, _ in ends:
        leaving[source and source.key].append(target.y)
        entering[target.key].append(source.y if source else root_y)
    lines = []
    for source, target, documents in ends:
        x1 = source.x + BOX_WIDTH if source else ROOT_WIDTH
        y1 = (source.y if source else root_y) + _port(leaving[source and source.key], target.y)
        y2 = target.y + _port(entering[target.key], source.y if source else root_y)
        middle = (x1 + target.x) / 2
        path = f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {target.x:.1f} {y2:.1f}"
        width = min(_THICKEST, _THINNEST + (_THICKEST - _THINNEST) * math.log10(documents) / math.log10(50_000))
        title = f"{documents:,} of {target.stage.name} from {source.stage.name if source else 'the object'}"
        beside = y2 + width / 2 + 11 if y1 < y2 - 1 else y2 - width / 2 - 4  # on the side that the line doesn't come from
        lines.append(Line(path, round(width, 2), documents, round(target.x - 8, 1), round(beside, 1), title))
    return lines


def _port(others: list[float], mine: float) -> float:
    """Where on a box's side a line ends: several share the height, in the order of where they go."""
    place = sorted(others).index(mine)
    return BOX_HEIGHT * (place + 1) / (len(others) + 1)
