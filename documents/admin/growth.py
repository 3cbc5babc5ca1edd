"""A namespace's growth as a small drawing: how many documents more or fewer each of the last days brought."""

from datetime import date, timedelta
from typing import Final, NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from documents.overview import DAYS, Line

_HEIGHT, _STEP, _BAR = 40, 10, 7
_LEAST: Final = 1.5  # so that a day that brought a little is seen


class Growth(NamedTuple):
    """`changes` has None for days before anybody wrote down."""

    first: date
    changes: list[int | None]

    @property
    def total(self) -> int:
        return sum(change or 0 for change in self.changes)

    @property
    def signed(self) -> str:
        return f"{self.total:+,}"

    @property
    def known(self) -> bool:
        return any(change is not None for change in self.changes)

    @property
    def drawing(self) -> SafeString:
        changes = [change or 0 for change in self.changes]
        top, bottom = max(*changes, 0), min(*changes, 0)
        span = (top - bottom) or 1
        zero = _HEIGHT * top / span if top or bottom else _HEIGHT - 1
        zero = min(max(zero, _LEAST), _HEIGHT - _LEAST if bottom else _HEIGHT)
        bars = []
        for place, change in enumerate(self.changes):
            size = max(abs(change or 0) * (_HEIGHT - _LEAST) / span, _LEAST if change else 1)
            kind = "none" if change is None else "zero" if change == 0 else "more" if change > 0 else "fewer"
            y = zero if (change or 0) < 0 else zero - size
            when = self.first + timedelta(days=place)
            said = "not known" if change is None else f"{change:+,}" if change else "no change"
            bars.append((kind, place * _STEP, f"{y:.1f}", _BAR, f"{size:.1f}", f"{when:%a %d %b}: {said}"))
        return format_html(
            '<svg class="growth" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>',
            _STEP * len(changes) - (_STEP - _BAR),
            _HEIGHT,
            f"Documents of the last {len(changes)} days, day by day: {self.total:+,} in all",
            format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1"><title>{}</title></rect>', bars),
        )


def growth(line: Line) -> Growth:
    """From what was held at the end of each day; before a namespace was, it held nothing."""
    first = line.today - timedelta(days=DAYS - 1)
    created = line.created_at.date()
    held: int | None = None
    before = [day for day in line.days if day < first]
    if before:
        held = line.days[max(before)]
    elif created >= first:
        held = 0
    changes: list[int | None] = []
    for place in range(DAYS):
        day = first + timedelta(days=place)
        now = line.days.get(day, held)
        if day == line.today:
            now = line.documents  # as of this moment
        changes.append(None if held is None or now is None else now - held)
        held = now
    return Growth(first, changes)
