"""The order that PostgreSQL gives to jsonb values, in plain Python over parsed JSON: the oracle of sorts and groups.

String < Number < Boolean < Array < Object; strings by code point; of arrays and objects the one with more members is
greater, then members decide, an object's in the order of its keys (shorter first, then by bytes). The empty array is an
exception: at the top it is less than everything.
"""

from typing import Any

Key = tuple[Any, ...]


def key(value: Any) -> Key:
    """For `sorted`."""
    return (0,) if value == [] and isinstance(value, list) else (1, _key(value))


def _key(value: Any) -> Key:
    if value is None:
        return (0,)
    if isinstance(value, str):
        return (1, value)
    if isinstance(value, bool):
        return (3, value)
    if isinstance(value, list):
        return (4, len(value), *map(_key, value))
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return (5, len(value), *(part for name in names for part in (name, _key(value[name]))))
    return (2, value)
