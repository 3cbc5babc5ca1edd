"""Which release of the product this is."""

import tomllib
from functools import cache

from django.conf import settings


@cache
def version() -> str:
    """As pyproject.toml has it."""
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
