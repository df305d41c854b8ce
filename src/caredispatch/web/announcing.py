"""What a coordinator takes down of staff and sites, from a form to an announcement (D3, D13, D14, D26). Nothing wrong
gets past: 400 says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException

from caredispatch.core.content import instant_of
from caredispatch.core.facts import Directory, Staff
from caredispatch.core.ids import Id
from caredispatch.core.observation import Announced
from caredispatch.core.reaching import FOR_GOOD
from caredispatch.core.windows import zone
from caredispatch.web.forms import instant

MOST_LATE = 240


def announcement(form: Mapping[str, str], directory: Directory, by: str, now: datetime) -> Announced:
    """What the form says; whoever takes it down is sure of it. Times are the site's, or the person's first. Raises
    400."""
    match form["what"]:
        case "staff_unavailable":
            who, tz = _who(form, directory)
            begin, end = _span(form, tz, now)
            return Announced("staff_unavailable", begin, end, by, Id(who.staff_id), sure=True)
        case "staff_late":
            who, tz = _who(form, directory)
            return Announced(
                "staff_late", now, _midnight(now, tz), by, Id(who.staff_id), minutes=_minutes(form), sure=True
            )
        case "staff_leaving":
            who, tz = _who(form, directory)
            begin = max(instant_of(instant(form["start"], tz)), now)
            return Announced("staff_leaving", begin, begin + FOR_GOOD, by, Id(who.staff_id), sure=True)
        case "location_closed" if form["location"] in directory.locations:
            begin, end = _span(form, zone(directory, form["location"]), now)
            reason = form["reason"].strip()
            return Announced("location_closed", begin, end, by, location=form["location"], reason=reason, sure=True)
        case _:
            raise HTTPException(400)


def _who(form: Mapping[str, str], directory: Directory) -> tuple[Staff, ZoneInfo]:
    staff = directory.staff.get(Id(form["staff_id"]))
    if staff is None:
        raise HTTPException(400)
    home = next((h.location for h in staff.hours), next(iter(directory.locations), ""))
    return staff, zone(directory, home)


def _span(form: Mapping[str, str], tz: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    begin, end = max(instant_of(instant(form["start"], tz)), now), instant_of(instant(form["end"], tz))
    if end <= begin:
        raise HTTPException(400)
    return begin, end


def _minutes(form: Mapping[str, str]) -> int:
    if not form["minutes"].isdigit() or not 0 < int(form["minutes"]) <= MOST_LATE:
        raise HTTPException(400)
    return int(form["minutes"])


def _midnight(now: datetime, tz: ZoneInfo) -> datetime:
    return datetime.combine(now.astimezone(tz).date() + timedelta(days=1), datetime.min.time(), tz).astimezone(UTC)
