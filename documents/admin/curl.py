"""A document's requests as commands for a shell: read it, change it, delete it over the API.

Every word is quoted by `shlex`, so what a document's id or a namespace holds stays one word of a POSIX shell. The key is
the variable API_KEY of that shell: a page never knows a key.
"""

import shlex
from typing import NamedTuple
from urllib.parse import quote

from mixpeek_site import jsonio
from mixpeek_site.jsonio import JSONObject

_KEY = '"Authorization: Bearer $API_KEY"'
_SHOWN_VALUE = 60  # characters of JSON that a skeleton takes over from the payload


class Command(NamedTuple):
    name: str
    about: str
    text: str


def commands(
    base: str, namespace: str, collection: str, document_id: str, payload: str, rendering: str | None = None
) -> list[Command]:
    """GET, PATCH and DELETE of a document; `base` is the server's address (`https://host`), `payload` its user fields."""
    url = f"{base}/v1/collections/{quote(collection, safe='')}/documents/{quote(document_id, safe=':')}"
    shown = f"{url}?schema_version={rendering}" if rendering else url
    patch = jsonio.dumps(_example(payload))
    return [
        Command("GET", "Read it.", _curl(namespace, shown)),
        Command(
            "PATCH",
            "Change the fields that the body names; null removes one.",
            _curl(namespace, url, "-X", "PATCH", "-H", "Content-Type: application/json", "-d", patch),
        ),
        Command(
            "DELETE",
            "Delete it unless it has children; on_children=detach or cascade says otherwise.",
            _curl(namespace, f"{url}?on_children=restrict", "-X", "DELETE"),
        ),
    ]


def _curl(namespace: str, url: str, *options: str) -> str:
    lines = ["curl -sS", shlex.quote(url), f"-H {_KEY}", f"-H {shlex.quote('X-Namespace: ' + namespace)}"]
    words = [shlex.quote(word) for word in options]
    lines += [" ".join(words[at : at + 2]) for at in range(0, len(words), 2)]
    return " \\\n  ".join(lines)


def _example(payload: str) -> JSONObject:
    """A patch that changes nothing until somebody edits it: the first short field of the payload."""
    if len(payload) <= 256 * 1024:
        for name, value in jsonio.loads_stored(payload).items():
            plain = "." not in name and not isinstance(value, dict | list) and value is not None
            if plain and len(jsonio.dumps(value)) <= _SHOWN_VALUE:
                return {name: value}
    return {"field": "value"}
