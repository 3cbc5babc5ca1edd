"""Stages as a tree: a stage hangs below the one whose path its own continues.

Where that one has no documents, it hangs below the nearest one above that has, or stands at the top.
"""

from collections.abc import Sequence

from documents.trees.stages import Stage


def parents(stages: Sequence[Stage]) -> list[int | None]:
    """For each stage the position of the one above it. Of several with one path the first is meant."""
    by_path: dict[str, int] = {}
    for position, stage in enumerate(stages):
        by_path.setdefault(stage.way, position)
    lengths = {len(path) for path in by_path}
    return [_above(stage.way, by_path, lengths) for stage in stages]


def _above(path: str, by_path: dict[str, int], lengths: set[int]) -> int | None:
    end = path.rfind("/")
    while end > 0:
        if end in lengths and (found := by_path.get(path[:end])) is not None:
            return found
        end = path.rfind("/", 0, end)
    return None
