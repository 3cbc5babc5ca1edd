"""Which strings are times to filters: ISO 8601, a date alone or with a time of day.

`YYYY-MM-DD`, then `T` or a space, `HH:MM`, seconds and up to nine digits of a fraction, and `Z` or an offset `±HH`,
`±HHMM`, `±HH:MM` below 16 hours. Days are days of the calendar, years 0001 to 9999, no zone means UTC, and digits
beyond microseconds are cut off. `documents_time(text)` in SQL (migration 0009) reads the same strings.
"""

import re
from typing import Final

PATTERN: Final = (
    "(?!0000)"
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
    "(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?"
    "(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)?)?"
)
_TIME: Final = re.compile(PATTERN, re.ASCII)


def is_time(value: object) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None
