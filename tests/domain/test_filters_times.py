"""Which strings are times: the same ones to SQL, to Python and to the calendar; and SQL never raises for any."""

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.filters.times import is_time
from mixpeek_site import sql
from tests.filters.evaluator import moment
from tests.filters.generating import TIMES

pytestmark = pytest.mark.django_db

UNIX_EPOCH = 719_163 * 86_400_000_000  # of the evaluator's microseconds


def check(texts: list[str]) -> None:
    rows = sql.rows(
        "SELECT s.text, (EXTRACT(epoch FROM documents_time(s.text)) * 1000000)::bigint FROM unnest(%s::text[]) AS s(text)",
        (texts,),
    )
    assert len(rows) == len(texts)
    for text, microseconds in rows:
        expected = moment(text)
        assert (microseconds is None) == (expected is None), text
        assert expected is None or microseconds + UNIX_EPOCH == expected, text
        assert is_time(text) == (expected is not None), text


def test_the_calendar() -> None:
    years = (0, 1, 4, 99, 100, 400, 1582, 1600, 1700, 1900, 1904, 1999, 2000, 2023, 2024, 2038, 2100, 9996, 9999)
    check([f"{year:04}-{month:02}-{day:02}" for year, month, day in product(years, range(14), range(33))])


def test_clocks_and_zones() -> None:
    clocks = (
        "00:00",
        "23:59",
        "24:00",
        "12:60",
        "12:00:00",
        "23:59:59",
        "12:00:60",
        "1:00",
        "12",
        "12:00:00.",
        "12:00,5",
        "120000",
    )
    fractions = ("12:00:00." + "9" * digits for digits in range(11))
    zones = (
        "",
        "Z",
        "z",
        "+00",
        "-00:00",
        "+01:30",
        "-0130",
        "+15:59",
        "-1559",
        "+16:00",
        "+1:00",
        "+01:60",
        " Z",
        "+",
        "+010",
        "UTC",
    )
    dates = ("2024-02-29", "0001-01-01", "9999-12-31", "2023-02-29")
    check(
        [
            f"{day}{between}{clock}{zone}"
            for day in dates
            for between in "T t"
            for clock in (*clocks, *fractions)
            for zone in zones
        ]
    )


def test_other_texts() -> None:
    check(
        [
            "",
            " ",
            "now",
            "infinity",
            "epoch",
            "2024",
            "2024-01",
            "20240101",
            "\u0662\u0660\u0662\u0664-\u0660\u0661-\u0660\u0661",
            "2024-01-01\n",
            " 2024-01-01",
            "2024-W01-1",
        ]
    )
    check(
        [
            "x" * 1_000_000,
            "2024-01-01T" + "0" * 1_000_000,
            "2024-01-01 BC",
            "-2024-01-01",
            "12024-01-01",
            "2024-01-01T00:00Z\u0301",
        ]
    )


@given(st.randoms(use_true_random=True))
def test_what_is_almost_a_time(random: Random) -> None:
    def mangled() -> str:
        text = random.choice(TIMES)
        for _ in range(random.randint(0, 3)):
            at = random.randrange(len(text) + 1)
            text = text[:at] + random.choice("0123456789-:.TZ+ é") * random.randint(0, 1) + text[at + random.randint(0, 1) :]
        return text

    check([mangled() for _ in range(100)])


def test_the_session_has_no_say() -> None:
    texts = ["2024-07-01", "2024-07-01 12:00", "2024-01-02T03:04:05"]
    sql.run("SET LOCAL TimeZone = 'America/New_York'")
    sql.run("SET LOCAL DateStyle = 'SQL, DMY'")
    check(texts)
