"""Every command of the project, whoever adds it: its help has examples and exit codes, it answers machines in JSON."""

import re
import signal
from argparse import ArgumentTypeError
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
import simplejson
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from mixpeek_site.management import listing
from mixpeek_site.management.base import StoreCommand, positive

COMMANDS = listing.own_commands()
WITHOUT_JSON = {"serve", "embed"}  # the answers of one are the API's, that of the other is JSON alone


@pytest.fixture(params=COMMANDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def command(name: str) -> BaseCommand:
    return COMMANDS[name]


def options(name: str) -> set[str]:
    return {option for action in COMMANDS[name].create_parser("manage.py", name)._actions for option in action.option_strings}


def test_the_projects_commands_are_found() -> None:
    assert {"backup", "restore", "import_documents", "serve", "housekeep", "create_api_key", "list_commands"} <= set(COMMANDS)
    assert "migrate" not in COMMANDS


def test_its_help_begins_with_what_it_does_and_has_examples_that_its_parser_takes(name: str, command: BaseCommand) -> None:
    assert command.help[:1].isupper()
    examples = re.search(r"\nexamples:\n((?:  .+\n)+)", command.help)
    assert examples, "a paragraph `examples:` of lines that begin with two spaces"
    assert f"manage.py {name}" in examples[1]
    used = {
        word
        for line in examples[1].splitlines()
        for call in re.findall(rf"manage\.py {name}\b[^|)&#;]*", line)
        for word in re.findall(r"(?<= )--[a-z-]+", call)
    }
    assert used <= options(name)


def test_its_help_says_what_its_exit_codes_mean(command: BaseCommand, name: str) -> None:
    told = re.search(r"\n\nexit codes: (.+)\Z", command.help, re.DOTALL)
    assert told, "a last paragraph `exit codes: 0 …, 1 …`"
    codes = {int(code) for code in re.findall(r"(?:^|[,;]\s)(\d+)\s", told[1])}
    assert {0, 2} <= codes <= {0, 1, 2, 3, 130}
    assert 130 in codes or "Ctrl-C" in told[1]


def test_it_answers_in_json_when_asked(name: str) -> None:
    assert ("--json" in options(name)) == (name not in WITHOUT_JSON)


def test_it_has_the_common_base_and_a_help_for_each_option(command: BaseCommand, name: str) -> None:
    assert isinstance(command, StoreCommand)
    for action in command.create_parser("manage.py", name)._actions:
        assert action.help or action.choices, action.dest
    assert max(map(len, command.help.splitlines())) <= 130


@pytest.mark.django_db
def test_answers_in_json_are_one_object_and_alone_on_standard_output() -> None:
    assert answer("first_start", "--no-sample")["user"] == "admin"
    assert answer("first_start")["done"] is False
    assert answer("create_organization", "example", "--exist-ok")["created"] is False
    assert answer("create_namespace", "media")["created"] is True
    key = answer("create_api_key", "ci", "--expires-in", "1", "--namespace", "media")
    assert key["api_key"].startswith(key["prefix"])
    assert key["expires_at"].endswith("Z")
    assert [answer("revoke_api_key", "ci")["revoked_now"] for _ in range(2)] == [True, False]
    assert answer("check_lineage")["left"] == 0


def answer(*arguments: str) -> Any:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out, stderr=StringIO())
    return simplejson.loads(out.getvalue())


def test_a_missing_or_unknown_argument_ends_with_2(name: str) -> None:
    with pytest.raises(SystemExit) as ended:
        COMMANDS[name].run_from_argv(["manage.py", name, "--no-such-option"])
    assert ended.value.code == 2


def test_numbers_are_those_that_postgresql_counts_with() -> None:
    for number in ("0", "-1", "1.5", "²", str(2**63), "9" * 5000):
        with pytest.raises(ArgumentTypeError, match="whole number from 1 to 9,223,372,036,854,775,807"):
            positive(number)
    assert positive(str(2**63 - 1)) == 2**63 - 1


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_with_130_and_say_how_things_stand(stop: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = signal.getsignal(stop)
    with pytest.raises(SystemExit) as ended:
        working(monkeypatch, lambda: signal.raise_signal(stop))
    assert (ended.value.code, signal.getsignal(stop)) == (130, usual)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (psycopg.OperationalError("no route\nto host"), "The database can't be reached, or went away. (no route)"),
        (psycopg.errors.AdminShutdown("terminating"), "The database can't be reached, or went away. (terminating)"),
        (psycopg.errors.UndefinedTable("no table"), "The database is not set up: run manage.py migrate. (no table)"),
        (psycopg.errors.DiskFull("could not extend file"), "PostgreSQL refused: could not extend file"),
        (OSError(28, "No space left on device", "/a/b"), "/a/b: No space left on device."),
        (OSError(28, "No space left on device"), "No space left on device."),
        (BrokenPipeError(32, "Broken pipe"), "Nobody reads the output any more."),
    ],
)
def test_what_databases_and_disks_say_is_told_in_a_sentence(
    error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    def fail_as_django_does() -> None:
        with connection.wrap_database_errors:
            raise error

    for each in (fail, fail_as_django_does):
        with pytest.raises(CommandError) as told:
            working(monkeypatch, each)
        assert (str(told.value), told.value.returncode) == (sentence, 1)


def working(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """A command that does that."""
    command = COMMANDS["create_organization"]
    assert isinstance(command, StoreCommand)
    err = StringIO()
    monkeypatch.setattr(type(command), "work", lambda self, **options: work())
    try:
        call_command(command, "Acme", stderr=err)
    except SystemExit:
        assert err.getvalue().strip() == f"Interrupted. {command.interrupted}"
        raise


def test_the_page_of_commands_is_made_of_their_help() -> None:
    page = Path(settings.BASE_DIR, "docs", "commands.md").read_text()
    assert page == listing.as_markdown(), "run manage.py list_commands --write"


def test_the_list_names_each_command_once() -> None:
    out = StringIO()
    call_command("list_commands", "--json", stdout=out)
    assert [simplejson.loads(line)["name"] for line in out.getvalue().splitlines()] == list(COMMANDS)
