"""A report of a practice's folder: which days, and all that is read for it; and a report by mail to who answers for the
practice. What is told is `insights`'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from caredispatch.app.composing import App
from caredispatch.app.rates_file import read_rates
from caredispatch.contract.outcome import Outcome
from caredispatch.contract.verbs import OutgoingText, Tells
from caredispatch.core.counting_work import COUNTING, MixedInstruments
from caredispatch.core.happened import Happened
from caredispatch.core.measures import Figure
from caredispatch.engine.registry import NOT_KNOWN, Tenant
from caredispatch.insights.comparing import Days, Span
from caredispatch.insights.going_live import went_live
from caredispatch.insights.recommending import Material, recommend, rehearsed
from caredispatch.insights.report import WEEKLY_DAYS, Counted, Report, make_report
from caredispatch.insights.report_page import page_of
from caredispatch.insights.report_text import text_of
from caredispatch.policy.reader import read_playbook
from caredispatch.store.asked import asked_between
from caredispatch.store.measuring import baseline, happened_in
from caredispatch.store.minutes import instruments_between
from caredispatch.store.pages import in_practice
from caredispatch.store.people import staff_addresses
from caredispatch.store.practices import published

MOST_DAYS = 366
"""Days further back than this are not read again for a trend."""


class ReportRefused(Exception):
    """A report that can't be made or sent; its text names the fix."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which days are reported on: from and to, both included; None: as usual."""

    first: date | None = None
    last: date | None = None
    weekly: bool = False


async def report_of(app: App, asked: Asked, rehearse: Callable[[str], str] | None = None) -> Report:
    """Read, count and compare. `rehearse` says of a changed playbook's text what it would do, in words; without it
    recommendations stand without. Raises ReportRefused, SettingsInvalid."""
    tenant = tenant_of(app)
    practice_id, zone = tenant.practice.practice_id, ZoneInfo(tenant.practice.time_zone)
    rates = read_rates(app.folder)
    today = app.clock.now().astimezone(zone).date()
    async with in_practice(app.pools.web, practice_id) as connection:
        books = [(at.astimezone(zone).date(), source) for at, source in await published(connection, practice_id)]
        frozen = await baseline(connection, practice_id)
        began = went_live([(day, read_playbook(s)) for day, s in books], sorted(tenant.policy.directory.locations))
        before = Span(frozen.first_day, frozen.last_day) if frozen else None
        unmade = Days(before, Span(today, today), began)
        after = _after(asked, unmade.live, today)
        days = Days(before, after, began)
        first = max(min(days.live or after.first, after.first), after.last - timedelta(days=MOST_DAYS))
        since, refused = _counted(await happened_in(connection, practice_id, first, after.last))
        used = await instruments_between(connection, practice_id, *_instants(Span(first, after.last), zone))
        questions = await asked_between(connection, practice_id, *_instants(after, zone))
    material = Material(books[-1][1], read_playbook(books[-1][1]), tenant.policy.directory, questions, after.length / 7)
    counted = Counted(
        frozen.figures if frozen else (),
        since,
        frozen.instrument if frozen else "",
        used[0] if len(used) == 1 else "",
        refused,
    )
    recommendations = recommend(material)
    if rehearse is not None:
        recommendations = rehearsed(recommendations, rehearse)
    return make_report(tenant.practice.name, counted, days, rates, recommendations)


def tenant_of(app: App) -> Tenant:
    """The folder's practice. Raises ReportRefused."""
    tenant = app.registry.by_slug(app.settings.practice)
    if tenant is None:
        raise ReportRefused(f"nothing is imported yet: `caredispatch import {app.folder}`")
    return tenant


def _after(asked: Asked, live: date | None, today: date) -> Span:
    """The days reported on: as asked; else the four weeks to the last Sunday (weekly), or all to yesterday (four weeks
    where nothing was live yet); never days before anything was live."""
    last = asked.last or today - timedelta(days=1)
    if asked.weekly and asked.last is None:
        last = today - timedelta(days=today.weekday() + 1)
    usual = last - timedelta(days=WEEKLY_DAYS - 1)
    if live is not None and live <= last:
        usual = max(live, usual if asked.weekly else last - timedelta(days=MOST_DAYS))
    first = asked.first or usual
    if last >= today:
        raise ReportRefused(f"--to {last}: that day is not over yet; the last that is was {today - timedelta(days=1)}")
    if first > last:
        raise ReportRefused(f"--from {first} is after --to {last}")
    return Span(first, last)


def _counted(happened: Happened) -> tuple[list[Figure], list[str]]:
    """All figures, and why a measure could not be counted."""
    found: list[Figure] = []
    refused: list[str] = []
    for count in COUNTING.values():
        try:
            found += count(happened)
        except MixedInstruments as error:
            refused.append(f"{str(error)[:1].upper()}{str(error)[1:]}.")
    return found, refused


def _instants(span: Span, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begin, end = datetime.combine(span.first, time(), zone), datetime.combine(span.last, time(), zone)
    return begin.astimezone(UTC), (end + timedelta(days=1)).astimezone(UTC)


async def mail(app: App, report: Report) -> list[tuple[str, Outcome]]:
    """Send a report to everybody of the group that answers for the practice (`last_owner` in the playbook) who has an
    e-mail address: each one's handle and how it ended. It names no patient and nobody of the staff; the counts in it
    are health data all the same, and go only where the connection has its agreement (D32, D33). The same days have
    the same message id. Raises ReportRefused."""
    tenant = tenant_of(app)
    connected = app.registry.channel(tenant.practice.practice_id, "email")
    if connected is None or not isinstance(connected.connector, Tells):
        raise ReportRefused("there is no e-mail connection: add one to practice.yaml (docs/connectors/email.md)")
    if tenant.practice.sending_paused:
        raise ReportRefused(f"sending is paused: `caredispatch resume {app.folder}` lets it go on")
    group = tenant.policy.playbook.last_owner
    handles = tenant.policy.playbook.people.get(group, ())
    staff: dict[str, str] = {
        s.staff_id: s.handle for s in tenant.policy.directory.staff.values() if s.handle in handles
    }
    async with app.pools.reveal.acquire() as connection:
        practice_id = tenant.practice.practice_id
        addresses = await staff_addresses(connection, app.vault, practice_id, list(staff), "email")
    if not addresses:
        raise ReportRefused(
            f"nobody of {group} has an e-mail address: give {', '.join(handles) or 'it'} one (`email:`)"
        )
    told = report.without_people()
    text, page = text_of(told), page_of(told)
    ended = []
    for staff_id, address in addresses.items():
        key = f"report {report.days.after.first} {report.days.after.last} {staff_id}"
        out = OutgoingText(address, text, key, f"{report.practice}: report", None, app.clock.wall(), page)
        ended.append((staff[staff_id], await connected.call(connected.connector.tell(out), NOT_KNOWN)))
    return ended
