"""The benchmarks' documents: about 1 KB of JSON each, a function of their number and nothing else."""

import hashlib
import json
import random
from typing import Any

WORDS = (
    "amber anchor birch breeze candle canyon clover comet copper coral cotton crystal desert dune eagle echo fern flint"
    " forest frost gravel grove harvest heron hollow honey iron ivory jade juniper kelp lagoon laurel lemon lilac maple"
    " marsh mist moss nectar north oak olive onyx opal orchard pearl pine plaza prairie quill rain reef ripple rowan"
    " saffron sage shale slate spring stone summit sunset teal thistle tide tundra vale vine vista willow wren"
).split()
SITES = [f"site-{number:02d}" for number in range(50)]
KINDS = [f"kind-{number:02d}" for number in range(50)]
CITIES = ("Aarhus", "Brno", "Cork", "Gdynia", "Lviv", "Porto", "Turku", "Zadar")


def document_id(number: int) -> str:
    """The id of document `number`; SQL can say it too: `md5('document-' || number)`."""
    return hashlib.md5(f"document-{number}".encode(), usedforsecurity=False).hexdigest()


def metadata(number: int) -> dict[str, Any]:
    """Twelve fields: texts, numbers, a list, an object."""
    chance = random.Random(number)
    return {
        "title": _text(chance, 40).title(),
        "author": f"{chance.choice(WORDS).title()} {chance.choice(WORDS).title()}",
        "serial": f"{chance.getrandbits(128):032x}",
        "site": chance.choice(SITES),
        "kind": chance.choice(KINDS),
        "year": chance.randint(1950, 2025),
        "score": round(chance.random() * 100, 4),
        "date": f"{chance.randint(2000, 2025)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        "active": chance.random() < 0.5,
        "tags": [chance.choice(WORDS) for _ in range(5)],
        "place": {"city": chance.choice(CITIES), "code": chance.randint(1000, 9999), "lat": round(chance.uniform(-90, 90), 5)},
        "text": _text(chance, 400),
    }


def body(number: int) -> dict[str, Any]:
    """A create body: a document of a bucket's object, ten documents to each."""
    return {
        "root_bucket_id": "bkt_bench",
        "source_type": "bucket",
        "source_object_id": f"obj_{document_id(number // 10 * 10)}",
        "metadata": metadata(number),
    }


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _text(chance: random.Random, length: int) -> str:
    words: list[str] = []
    size = 0
    while size < length:
        word = chance.choice(WORDS)
        words.append(word)
        size += len(word) + 1
    return " ".join(words)[:length]
