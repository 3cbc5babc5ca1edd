"""A JSON value as HTML to read: indented, foldable (`<details>`), every number as it is stored. Escapes all text.

After an escaped line break in a string a real one follows, so that texts can be read."""

import re
from collections.abc import Iterator
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString

from mixpeek_site import jsonio

_NEWLINE = re.compile(r"(\\\\)|\\n")  # an escaped line break, and not the n after an escaped backslash

LARGEST = 128 * 1024  # characters of JSON text; of larger values the beginning is shown as it is


def json_html(text: str) -> SafeString:
    """The HTML of a JSON text."""
    if len(text) > LARGEST:
        shown = escape(text[:LARGEST])
        return SafeString(f'<pre class="json-plain">{shown}\n…</pre><p class="quiet">Cut here; the raw JSON has all of it.</p>')
    return SafeString(f'<div class="json">{"".join(_value(jsonio.loads_stored(text), "", ""))}</div>')


def _value(value: Any, before: str, after: str) -> Iterator[str]:
    """One value on its own line or lines; `before` is its key, `after` the comma."""
    if isinstance(value, dict | list) and value:
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        size = f"{len(value)} {'member' if isinstance(value, dict) else 'element'}{'' if len(value) == 1 else 's'}"
        yield (
            f'<details open><summary>{before}<b>{opening}</b><span class="folded"> {size} <b>{closing}</b>{after}</span>'
            "</summary><div>"
        )
        items = list(value.items()) if isinstance(value, dict) else [(None, item) for item in value]
        for index, (key, item) in enumerate(items):
            name = "" if key is None else f'<span class="key">{escape(jsonio.dumps(key))}</span>: '
            yield from _value(item, name, "," if index < len(items) - 1 else "")
        yield f"</div><p><b>{closing}</b>{after}</p></details>"
    else:
        yield f"<p>{before}{_scalar(value)}{after}</p>"


def _scalar(value: Any) -> str:
    kind = (
        "text"
        if isinstance(value, str)
        else "word"
        if value is None or isinstance(value, bool)
        else "empty"
        if isinstance(value, dict | list)
        else "number"
    )
    text: str = escape(jsonio.dumps(value))
    if kind == "text" and "\\n" in text:
        text = _NEWLINE.sub(lambda found: found[0] if found[1] else "\\n\n", text)
    return f'<span class="{kind}">{text}</span>'
