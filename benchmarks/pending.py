"""What the index of terms costs a look-up while writes that no vacuum followed wait in its pending list."""

import statistics
import time

from benchmarks.scale import Place
from mixpeek_site import sql

WRITES = 4000
BETWEEN = 25


def pending(place: Place) -> None:
    """A rare and an absent value between updates of single documents, up to several fillings of the list; then vacuumed."""
    from benchmarks.pairs import ABSENT_SITE, RARE_SITE, Asked

    sql.run("ALTER TABLE documents_document SET (autovacuum_enabled = off)")
    asked = Asked()
    questions = {site: asked.page({"metadata.site": site}) for site in (RARE_SITE, ABSENT_SITE)}

    def taken() -> dict[str, float]:
        found = {}
        for site, ask in questions.items():
            began = time.perf_counter()
            ask()
            found[site] = (time.perf_counter() - began) * 1000
        return found

    for _ in range(20):
        taken()
    before = [taken() for _ in range(50)]
    names = sql.rows(
        "SELECT d.namespace_id, d.id FROM documents_document d WHERE d.namespace_id = %s AND d.collection_id = %s"
        " ORDER BY d.created_at LIMIT %s",
        (place.namespace_id, place.collection_id, WRITES),
    )
    during = []
    for number, row in enumerate(names):
        sql.run(
            "UPDATE documents_document SET payload = jsonb_set(payload, '{metadata,score}', to_jsonb(random()))"
            " WHERE namespace_id = %s AND id = %s",
            row,
        )
        if number % BETWEEN == 0:
            during.append(taken())
    sql.run("VACUUM documents_document")
    after = [taken() for _ in range(50)]
    print(f"\n{'pending list of the index':28} {'median':>9} {'p90':>9} {'longest':>9} ms")
    for name, found in (("before", before), (f"beside {WRITES:,} updates", during), ("vacuumed", after)):
        for site in questions:
            times = sorted(each[site] for each in found)
            print(f"{f'{name}: {site}':28} {statistics.median(times):9.2f} {times[len(times) * 9 // 10]:9.2f} {times[-1]:9.2f}")
