"""The report's page in a real browser: nothing to complain of, nothing beyond the edge on a phone, and it prints. With
`SHOTS` set to a folder, pictures are kept there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from caredispatch.insights.report import make_report
from caredispatch.insights.report_page import page_of
from tests.insights.practice import RATES, counted, days

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.page,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium"),
]


async def test_it_is_shown_on_a_desk_and_a_phone_and_printed_without_a_word_from_the_browser(tmp_path: Path) -> None:
    shots = Path(os.environ.get("SHOTS", tmp_path))
    (tmp_path / "report.html").write_text(page_of(make_report("Testville", counted(), days(), RATES)), "utf-8")
    said: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        page.on("console", lambda entry: said.append(entry.text))
        page.on("request", lambda request: said.append(request.url) if "report.html" not in request.url else None)
        await page.goto((tmp_path / "report.html").as_uri())
        for name, width in (("desk", 1280), ("phone", 390)):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=shots / f"report-{name}.png")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
        printed = await page.pdf(path=shots / "report.pdf", format="Letter", prefer_css_page_size=True)
        await browser.close()
    assert said == []
    assert printed.startswith(b"%PDF")
