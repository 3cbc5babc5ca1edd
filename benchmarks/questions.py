"""Questions to a collection of 10,000, 100,000 and 1,000,000 documents, each beside the best SQL for it by hand.

    .venv/bin/python -m benchmarks.questions [--sizes 10000,100000,1000000] [--repeats 30] [--only TEXT] [--explain]

For each size a scratch database is made on the server that DATABASE_URL (or the embedded PostgreSQL) gives, filled as
benchmarks/scale.py says, and dropped at the end. The product's own code and the hand-written SQL take turns in one
process on one connection, each time from the question to the rows; both must give the same. Printed are milliseconds
(median, and the 90th percentile of ours), their ratio, which is the result, the ratio of the shortest times, which says
more on a machine that is busy with other things, and at the end what each costs at the larger size beside the smaller.
Every plan of the product is looked at: a sequential scan of documents or lineage ends the run, but where the answer
needs every document. `--explain` prints the plans.

    … --http       also answers of the served product, over a connection that is kept: milliseconds, and MB/s of large pages
    … --hostile    single GETs beside a regular expression that would take minutes and groups over everything
    … --writes     one update and one delete of a tenth of the collection in one request, and others that write beside it;
                   and the end of the whole collection. Destroys the data: comes last
    … --pending    look-ups of a rare and an absent value after many writes that nothing vacuumed
"""

import argparse
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from benchmarks import served
from benchmarks.routes import scratch_database
from benchmarks.scale import Place, fill, product_at

AT_MOST = 1.5
DEEP_AT_MOST = 1.3
SLOW_REPEATS = 3


def _timed(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def measure(ours: Callable[[], Any], raw: Callable[[], Any], repeats: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each, by turns. Five times before, so that PostgreSQL has chosen its kind of plan."""
    for _ in range(5 if repeats > SLOW_REPEATS else 1):
        ours()
        raw()
    turns: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats):
        for side in (0, 1) if turn % 2 else (1, 0):
            turns[side].append(_timed((ours, raw)[side]))
    return turns


def ask_all(place: Place, repeats: int, only: str, explain: bool) -> dict[str, float]:
    """The table of one size; medians of the product by the question's name."""
    from benchmarks.pairs import pairs
    from benchmarks.plans import explained, whole_reads

    medians: dict[str, float] = {}
    scans: list[str] = []
    print(f"{'question':28} {'ours ms':>9} {'p90':>9} {'by hand':>9} {'ratio':>6} {'of bests':>8}")
    for pair in pairs(place):
        if only not in pair.name:
            continue
        mine, theirs = pair.ours(), pair.raw()
        if mine != theirs:
            raise SystemExit(f"{pair.name}: the answers differ: {str(mine)[:300]} and {str(theirs)[:300]}")
        ours, raw = measure(pair.ours, pair.raw, SLOW_REPEATS if pair.slow else repeats)
        median, by_hand = statistics.median(ours), statistics.median(raw)
        medians[pair.name] = median
        p90 = sorted(ours)[int(len(ours) * 0.9)]
        note = "" if median / by_hand <= AT_MOST else f"  more than {AT_MOST}"
        if pair.first in medians:
            deeper = median / medians[pair.first]
            note += f"  {deeper:.2f} of page 1" + ("" if deeper <= DEEP_AT_MOST else f": more than {DEEP_AT_MOST}")
        best = min(ours) / min(raw)
        print(f"{pair.name:28} {median:9.2f} {p90:9.2f} {by_hand:9.2f} {median / by_hand:6.2f} {best:8.2f}{note}", flush=True)
        for text, plan in explained(pair.ours):
            if explain:
                print(f"\n{text}\n", flush=True)
            scans += [f"{pair.name}: {each}" for each in whole_reads(plan) if not pair.whole]
    if scans:
        raise SystemExit("Read from end to end: " + "; ".join(scans))
    return medians


def print_growth(by_size: dict[int, dict[str, float]]) -> None:
    sizes = sorted(by_size)
    for smaller, larger in pairwise(sizes):
        print(f"\nfrom {smaller:,} to {larger:,} documents")
        for name, median in by_size[larger].items():
            if before := by_size[smaller].get(name):
                print(f"{name:28} {median / before:6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--only", default="", help="questions whose name has this in it")
    parser.add_argument("--explain", action="store_true")
    for name in ("http", "hostile", "writes", "pending"):
        parser.add_argument(f"--{name}", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # by way of the end of scratch_database
    from benchmarks.pending import pending

    by_size: dict[int, dict[str, float]] = {}
    for size in sorted(map(int, options.sizes.split(","))):
        with scratch_database() as url:
            place = fill(url, size)
            with product_at(url):
                by_size[size] = ask_all(place, options.repeats, options.only, options.explain)
                if options.pending:
                    pending(place)
            if options.http:
                served.answers(url, place, options.repeats)
            if options.hostile:
                served.hostile(url, place)
            if options.writes:
                served.writes(url, place)
    print_growth(by_size)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixpeek_site.settings")
    main()
