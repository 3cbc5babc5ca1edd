"""What axe-core has against a page: WCAG 2.2 A and AA and axe's own best practices, as far as it calls them serious.

assert serious(page) == []
"""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path(__file__).with_name("axe_core") / "axe.min.js"


def serious(page: Page) -> list[str]:
    """Serious and critical violations of the page as it is shown now, one line per element."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(_AXE.read_text())  # not as a script element, which a content security policy may refuse
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']} ({violation['impact']}): {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
