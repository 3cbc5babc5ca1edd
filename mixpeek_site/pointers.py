"""JSON pointers (RFC 6901): `/metadata/a.b` leads to the key `a.b` of what is in `metadata`."""

import re
from collections.abc import Sequence
from typing import Final

_BAD_ESCAPE: Final = re.compile(r"~(?![01])")


def steps_of(pointer: str) -> tuple[str, ...]:
    """The keys that a pointer, which is empty or begins with `/`, leads through. A wrong escape stands for itself."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def pointer_of(steps: Sequence[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def has_bad_escape(pointer: str) -> bool:
    """Whether it holds a `~` that is neither `~0` nor `~1`."""
    return _BAD_ESCAPE.search(pointer) is not None
