"""A signed-in page in Debian's Chromium, driven by Playwright, on the real server and database."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import ConsoleMessage, Page, sync_playwright


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Debian's chromium is not installed: apt-get install chromium")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(params=["desktop", "narrow and dark"])
def page(request: pytest.FixtureRequest, chromium: Any, server: str, transactional_db: None) -> Iterator[Page]:
    """A superuser's page with a clipboard. What the browser complains about fails the test, and a page wider than its window."""
    narrow = request.param != "desktop"
    user = User.objects.create_superuser("root")
    session = Client()
    session.force_login(user)
    context = chromium.new_context(
        base_url=server,
        viewport={"width": 390 if narrow else 1280, "height": 800},
        color_scheme="dark" if narrow else "light",
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server)
    context.add_cookies([{"name": "sessionid", "value": session.cookies["sessionid"].value, "url": server}])
    page: Page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 409" not in message.text:  # a form that refuses answers so
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    context.close()
    assert complaints == []
    assert width <= 0, "the page is wider than the window"
