"""`manage.py list_commands`: the page docs/commands.md."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from mixpeek_site.management import listing
from mixpeek_site.management.base import StoreCommand, add_json


class Command(StoreCommand):
    help = """List the project's commands, without Django's own, each with the first sentence of its help.

examples:
  manage.py list_commands
  manage.py list_commands --write     after a change of a command's help: makes docs/commands.md anew

exit codes: 0 done, 2 wrong arguments, 130 interrupted"""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="Make docs/commands.md of their help.")
        add_json(parser, "A JSON object for each command: name, help.")

    def work(self, *, write: bool, json: bool, **options: Any) -> None:
        if write:
            (settings.BASE_DIR / "docs" / "commands.md").write_text(listing.as_markdown())
            return
        for name, command in listing.own_commands().items():
            if json:
                self.answer({"name": name, "help": command.help})
            else:
                self.stdout.write(f"{name:<22}{_first_sentence(command.help)}")


def _first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence, on one line."""
    return " ".join(text.split()).partition(". ")[0].rstrip(".")
