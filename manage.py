#!/usr/bin/env python
"""Django's command-line entry point: `manage.py help` lists every command."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixpeek_site.settings")
    from django.core.management import execute_from_command_line

    from mixpeek_site.embedded import allow_start

    # A command may start the embedded PostgreSQL; the processes that answer requests do not come through here.
    allow_start()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
