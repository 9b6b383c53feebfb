"""The certificate, as a browser shows and prints it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batchdigits.output.row_counts import RowCounts
from batchdigits.reports.audit import Audit, OkRow, Outlook, Table, WrongRow
from batchdigits.reports.audit_html import MAX_LISTED, certificate
from tests.review.conftest import find_browser

WRONG = 14


def page() -> str:
    """A certificate with all that one can have."""
    counts = RowCounts()
    for status, number in (("ok", 900), ("reviewed", 90), ("review", 5), ("blank", 3), ("error", 2)):
        counts.statuses[status] = number
    table = Table([OkRow(f"scans/{i}.png", "7", 0) for i in range(900)], counts)
    wrong = [WrongRow(f"a folder with a long name/scans/{i}.png", "7", "x") for i in range(WRONG)]
    outlooks = [Outlook(reviewed, 9, WRONG, 42, 70) for reviewed in (0, 9, 18, 45, 90)]
    sha = {f"{name}'s sha256": "0123456789abcdef" * 4 for name in ("table", "sample", "review log", "model")}
    facts = {
        "date": "2026-11-29",
        "table": "final.csv",
        "sample": "sample.csv",
        "seed": "1",
        "review log": "final.csv.review",
        "keyed by": "Anna (200 rows), Ben (100 rows)",
        "keyed on": "2026-11-28 to 2026-11-29",
        "model": "digits.tflite",
        "normaliser": "3",
        "review threshold": "0.75",
        **sha,
    }
    return certificate(Audit(table, 300, wrong, outlooks), 0.01, facts)


def test_the_first_wrong_rows_are_listed_and_the_others_counted() -> None:
    text = page()
    assert text.count("a folder with a long name") == MAX_LISTED
    assert f"And {WRONG - MAX_LISTED} more." in text


@pytest.mark.skipif(find_browser() is None, reason="no browser to drive")
def test_it_is_accessible_and_prints_on_one_page(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    (tmp_path / "certificate.html").write_text(page())
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            tab = browser.new_page(color_scheme=scheme, bypass_csp=True, viewport={"width": 380, "height": 700})
            tab.goto((tmp_path / "certificate.html").as_uri())
            result = axe.Axe().run(tab)
            assert result.violations_count == 0, result.generate_report()
            assert tab.evaluate("document.documentElement.scrollWidth") <= 380
            pages = re.findall(rb"/Type\s*/Page\b", tab.pdf(prefer_css_page_size=True))
            assert len(pages) == 1
        browser.close()
