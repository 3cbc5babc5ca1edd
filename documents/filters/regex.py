"""Users' regular expressions, which a statement may run only for a bounded time."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings

from documents.filters.nodes import Condition, Node, conditions
from mixpeek_site import sql
from mixpeek_site.errors import Fault, ServiceUnavailableError, ValidationError
from mixpeek_site.transactions import atomic


@contextmanager
def bounded_regex(node: Node | None) -> Iterator[None]:
    """Inside, statements of a filter with a regex are given a few seconds. Does nothing for a filter without one.

    A transaction, or a savepoint inside one; costs a statement for the time and one for each pattern, which is tried
    on the empty string first. So an invalid one is found whatever is stored, and so is one that takes too long by itself.
    Raises ValidationError naming the condition for an invalid pattern, and when a statement ran out of time.
    """
    patterns = [condition for condition in conditions(node) if condition.operator == "regex"]
    if not patterns:
        yield
        return
    with atomic():
        before = _limit(f"{settings.REGEX_TIMEOUT_SECONDS}s")
        for condition in patterns:
            _try(condition)
        try:
            yield
        except ServiceUnavailableError as error:
            if sql.was_given_up(error):
                raise _too_slow(patterns) from None
            raise
        _limit(before)


def _limit(time: str) -> str:
    """Bound the statements of the transaction; returns the bound before."""
    row = sql.one(
        "WITH before AS MATERIALIZED (SELECT current_setting('statement_timeout') AS limit)"
        " SELECT before.limit, set_config('statement_timeout', %s, true) FROM before",
        (time,),
    )
    assert row
    return str(row[0])


def _try(condition: Condition) -> None:
    sign = "~" if condition.case_sensitive else "~*"
    try:
        sql.run(f"SELECT ''::text {sign} %s::text", (condition.value,))
    except psycopg.errors.InvalidRegularExpression as error:
        said = (error.diag.message_primary or "").removeprefix("invalid regular expression: ")
        fault = Fault(condition.location, f"is not a regular expression: {said}", "regex")
        raise ValidationError(fault) from None
    except ServiceUnavailableError as error:
        if sql.was_given_up(error):
            raise _too_slow([condition]) from None
        raise


def _too_slow(patterns: list[Condition]) -> ValidationError:
    seconds = settings.REGEX_TIMEOUT_SECONDS
    message = f"took longer than {seconds} seconds and was given up: simplify it, or narrow the filter by other conditions"
    return ValidationError(*(Fault(condition.location, message, "regex_timeout") for condition in patterns))
