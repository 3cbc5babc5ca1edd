"""A stand-in for housekeeping in installations with the bare settings: it says who it is, and stays."""

import os
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        (settings.DATA_DIR / "housekeeping").write_text(str(os.getpid()))
        while True:
            time.sleep(1)
