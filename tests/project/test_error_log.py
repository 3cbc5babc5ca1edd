"""What a page of staff fails at can be read where the server runs."""

import os
import subprocess
import sys

FAILING = """
import django
django.setup()
from django.core.handlers.exception import response_for_exception
from django.test import RequestFactory
request = RequestFactory().get("/admin/tree/1/obj_1/")
try:
    {}["missing"]
except KeyError as error:
    print(response_for_exception(request, error).status_code)
"""


def test_a_page_s_error_is_on_stderr_with_its_traceback() -> None:
    settings = {"DJANGO_SETTINGS_MODULE": "mixpeek_site.settings", "SECRET_KEY": "of the test", "DEBUG": "0"}
    done = subprocess.run(
        [sys.executable, "-c", FAILING], env={**os.environ, **settings}, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["500"]
    assert "ERROR django.request: Internal Server Error: /admin/tree/1/obj_1/" in done.stderr
    assert done.stderr.count("KeyError: 'missing'") == 1
