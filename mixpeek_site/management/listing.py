"""Every command of the project, found in Django's registry, and docs/commands.md, made of what each says of itself."""

from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

_DJANGO_OWN: Final = frozenset(
    ("-h", "--help", "--version", "-v", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color")
) | {"--skip-checks"}

HEAD: Final = """# Commands

Made of the commands' own help by `manage.py list_commands --write`; a test holds it to that.

What a script needs is on standard output, what a person wants to know on standard error. Commands that take a while show
how far they are: a bar with rate and time left on a terminal, else a plain line every few seconds. With `--json` standard
output is JSON, one object a line. Exit codes are 0 done, 1 not done, 2 wrong arguments, 3 done but for what is told, 130
interrupted by Ctrl-C; each command says what it means by them.
"""


def own_commands() -> dict[str, BaseCommand]:
    """By name: those of this project's applications, not Django's or a library's."""
    inside = Path(settings.BASE_DIR)
    ours = {
        config.name
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(inside) and "site-packages" not in Path(config.path).parts
    }
    return {name: load_command_class(app, name) for name, app in sorted(get_commands().items()) if app in ours}


def as_markdown() -> str:
    """The page docs/commands.md."""
    return "\n".join([HEAD, *map(_section, own_commands(), own_commands().values())])


def _section(name: str, command: BaseCommand) -> str:
    parser = command.create_parser("manage.py", name)
    rows = []
    for action in parser._actions:
        if not _DJANGO_OWN.isdisjoint(action.option_strings):
            continue
        value = action.metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper())
        shown = value if isinstance(value, str) else " ".join(value)
        names = (
            f"{', '.join(action.option_strings)}{'' if action.nargs == 0 else f' {shown}'}" if action.option_strings else shown
        )
        told = " ".join((action.help or "").split()).replace("|", "\\|") % {"default": action.default, "prog": "manage.py"}
        rows.append(f"| `{names}` | {told} |")
    table = ["| | |", "| --- | --- |", *rows, ""] if rows else []
    return "\n".join([f"## {name}", "", "```text", command.help.strip(), "```", "", *table])
