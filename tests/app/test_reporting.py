"""A report of a real folder: which days, what is read for it, and the mail to who answers for the practice."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from caredispatch.app.composing import App, opened
from caredispatch.app.rates_file import RatesFile, read_rates
from caredispatch.app.reporting import Asked, ReportRefused, mail, report_of, tenant_of
from caredispatch.app.setting_up import as_owner
from caredispatch.app.settings import SettingsInvalid
from caredispatch.contract.outcome import Delivered
from caredispatch.core.happened import Noted
from caredispatch.core.measures import Figure
from caredispatch.insights.money import RATES
from caredispatch.insights.report import Report
from caredispatch.store.measuring import Baseline, freeze
from caredispatch.store.minutes import note
from caredispatch.store.practices import set_clock
from tests.docs.pages import named_in_rows, page, section

PRACTICE = """
practice: {{ name: Testville Primary Care, time_zone: America/Chicago }}
locations:
  North: {{ name: North, time_zone: America/Chicago, state: IL }}
services:
  office-visit: {{ name: Office visit, minutes: 20, role: provider }}
staff:
  - {{ handle: Dana, name: Dana Beispiel, roles: [manager], email: dana@example.org }}
  - handle: Ana
    name: Ana Beispiel
    roles: [provider]
    hours: [{{ days: mon-fri, from: "08:00", to: "17:00", at: North }}]
    email: ana@example.org
connections:
  mail:
    connector: email
    settings: {{ host: 127.0.0.1, port: "{port}", sender: desk@testville.example, starttls: "no" }}
    secrets: {{ password: "" }}
    baa: signed
"""


class Postbox:
    """aiosmtpd's handler: keeps every mail."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "caredispatch.cli", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def postbox() -> Iterator[tuple[Postbox, int]]:
    """A mail server on loopback."""
    box = Postbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest_asyncio.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory, postbox: tuple[Postbox, int]) -> Path:
    """A practice that was set up with everything live, 45 days ago by the business clock."""
    folder = tmp_path_factory.mktemp("reports") / "practice"
    assert command("init", folder, "--profile", "primary-care").returncode == 0
    (folder / "practice.yaml").write_text(PRACTICE.format(port=postbox[1]), "utf-8")
    taken = command("import", folder)
    assert taken.returncode == 0, taken.stderr
    async with opened(folder) as app:
        owner = await as_owner(app.owner_dsn)
        at: datetime = await owner.fetchval("select min(published_at) from care.playbooks")
        await set_clock(owner, app.clock.wall(), at + timedelta(days=45), 1.0)
        await owner.close()
    return folder


async def live_on(app: App) -> date:
    """The day on which everything went live."""
    live = (await report_of(app, Asked())).days.live
    assert live is not None
    return live


def utilisation(first: date, days: int, share: float) -> tuple[Figure, ...]:
    """So many days at North, of which it is known how full they were."""
    return tuple(
        Figure("slot_utilisation", first + timedelta(days=i), "North", "", share * 540 - 5 * (i % 3), 540)
        for i in range(days)
        if (first + timedelta(days=i)).weekday() < 5
    )


def whole(report: Report, code: str) -> str:
    [found] = [t for t in report.told if t.measure.code == code]
    return found.whole.word


async def test_d38_from_an_empty_folder_to_before_and_after(folder: Path, postbox: tuple[Postbox, int]) -> None:
    async with opened(folder) as app:
        live = await live_on(app)
        practice_id = tenant_of(app).practice.practice_id
        alone = await report_of(app, Asked())
        assert alone.notes[0].startswith("There is no baseline")
        assert whole(alone, "slot_utilisation") == "not measured before"

        owner = await as_owner(app.owner_dsn)
        first = live - timedelta(days=30)
        made = Baseline("file", "tally", first, live - timedelta(days=1), app.clock.now(), utilisation(first, 30, 0.75))
        await freeze(owner, practice_id, made)
        report = await report_of(app, Asked())
        # Nobody came since: no visit is in the database.
        assert whole(report, "slot_utilisation") == "worse"
        assert report.days.live is not None
        assert report.days.after.first == report.days.live
        [told] = [t for t in report.told if t.measure.code == "slot_utilisation"]
        assert told.whole.level is not None

        few = await report_of(app, Asked(last=live + timedelta(days=9)))
        assert any("too few days after" in n for n in few.notes)
        for instrument in ("tally", "prompts"):
            at = app.clock.now() - timedelta(days=3)
            await note(owner, practice_id, instrument, Noted(at, 20.0, instrument), at)
        mixed = await report_of(app, Asked())
        assert any("come from prompts and tally" in n for n in mixed.notes)
        assert "coordinator_minutes" not in {t.measure.code for t in mixed.told}
        await owner.close()


async def test_a_weekly_report_is_of_four_weeks_that_end_with_a_sunday(folder: Path) -> None:
    async with opened(folder) as app:
        after = (await report_of(app, Asked(weekly=True))).days.after
    assert after.last.weekday() == 6
    assert after.length == 28


async def test_days_that_are_not_over_are_refused(folder: Path) -> None:
    async with opened(folder) as app:
        live = await live_on(app)
        with pytest.raises(ReportRefused, match="not over yet"):
            await report_of(app, Asked(last=live + timedelta(days=46)))
        with pytest.raises(ReportRefused, match="is after --to"):
            await report_of(app, Asked(first=live + timedelta(days=20), last=live + timedelta(days=10)))


async def test_it_is_mailed_to_who_answers_for_the_practice(folder: Path, postbox: tuple[Postbox, int]) -> None:
    box, _ = postbox
    async with opened(folder) as app:
        report = await report_of(app, Asked())
        ended = await mail(app, report)
        assert [(handle, type(outcome)) for handle, outcome in ended] == [("Dana", Delivered)]
        await mail(app, report)
    (to, body), (_, again) = box.mails[-2:]
    sent = message_from_bytes(body, policy=policy.default)
    assert to == ["dana@example.org"]
    assert sent["Message-ID"] == message_from_bytes(again, policy=policy.default)["Message-ID"]
    [attached] = [part for part in sent.walk() if part.get_content_type() == "text/html"]
    assert attached.get_filename() == "report.html"
    html = attached.get_content()
    assert "<h1>Testville Primary Care</h1>" in html


async def test_while_sending_is_paused_nothing_is_mailed(folder: Path, postbox: tuple[Postbox, int]) -> None:
    box, _ = postbox
    before = len(box.mails)
    assert command("pause", folder).returncode == 0
    async with opened(folder) as app:
        report = await report_of(app, Asked())
        with pytest.raises(ReportRefused, match="sending is paused"):
            await mail(app, report)
    assert command("resume", folder).returncode == 0
    assert len(box.mails) == before


# ------------------------------------------------------------------ rates


def test_rates_are_the_practices_own_with_their_source(tmp_path: Path) -> None:
    assert read_rates(tmp_path) is None
    (tmp_path / "rates.yaml").write_text("coordinator_hour: { amount: 24.5, source: payroll 2026 }\n", "utf-8")
    rates = read_rates(tmp_path)
    assert rates is not None
    assert (rates.currency, rates.amounts["coordinator_hour"].amount) == ("USD", 24.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("coordinator_hour: 24.5\n", ("coordinator_hour", "24.5", "amount: 24.50")),
        ("coordinator_hour: { amount: -3, source: x }\n", ("coordinator_hour.amount", "-3")),
        ("coordinator_hour: { amount: 3 }\n", ("coordinator_hour.source",)),
        ("nurse_hour: { amount: 3, source: x }\n", ("nurse_hour", "overtime_hour")),
        ("currency: Dollars\n", ("currency", "Dollars")),
        ("a: [\n", ("this is not YAML",)),
    ],
)
def test_a_wrong_rate_is_named_with_its_fix(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    (tmp_path / "rates.yaml").write_text(text, "utf-8")
    with pytest.raises(SettingsInvalid) as refused:
        read_rates(tmp_path)
    assert all(word in str(refused.value) for word in words), str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_every_rate_is_documented_and_the_example_is_read(tmp_path: Path) -> None:
    text = section(page("docs/reports.md"), "## Money")
    assert set(RatesFile.model_fields) == named_in_rows(text)
    example = re.search(r"```yaml\n(.*?)```", text, re.S)
    assert example
    (tmp_path / "rates.yaml").write_text(example[1], "utf-8")
    rates = read_rates(tmp_path)
    assert rates is not None
    assert set(rates.amounts) == set(RATES)
