"""Visits without a time as other systems hold them: a requested period in place of a start and an end (D15)."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.content import Content, instant_of, instant_text
from caredispatch.core.copying import replace
from caredispatch.core.facts import Directory
from caredispatch.core.ids import Id
from caredispatch.core.records import Appointment, Request

WISHES = ("requested.from", "requested.until", "urgent")
"""What a request says, and a visit that has its time no more."""


def is_request(content: Content) -> bool:
    """Whether a copy asks for a time rather than having one."""
    waits = content.get("status") in ("proposed", "waitlist")
    return waits and "start_at" not in content and "requested.until" in content


def request_of(content: Content, since: datetime) -> Request:
    """What a copy asks for. A provider that it names is the wanted one."""
    urgent = content.get("urgent") == "true"
    waits = content.get("status") == "waitlist"
    provider = content.get("actor.provider")
    return Request(
        since=since,
        not_before=instant_of(content["requested.from"]) if "requested.from" in content else since,
        until=instant_of(content["requested.until"]),
        origin="waitlist" if waits else "add_on" if urgent else "portal",
        providers=(Id(provider),) if provider else (),
        urgent=urgent,
    )


def last_time(directory: Directory, service: str, until: datetime) -> datetime:
    """The last start that a request until then would take."""
    known = directory.services.get(service)
    return until - timedelta(minutes=known.minutes if known else 0)


def with_period(content: Content, directory: Directory) -> Content:
    """A request's copy with the last time that it would take, which stands for a start and an end in the record."""
    until = instant_of(content["requested.until"])
    start = last_time(directory, content.get("service", ""), until)
    plain = {key: value for key, value in content.items() if not key.startswith("actor.")}
    return {**plain, "start_at": instant_text(start), "end_at": instant_text(until)}


def asked_again(record: Appointment, content: Content, directory: Directory) -> Appointment:
    """The record of a request whose copy asks for something else now."""
    if record.request is None or record.timed or not is_request(content):
        return record
    request = request_of(content, record.request.since)
    if "requested.from" not in content:
        request = replace(request, not_before=record.request.not_before)
    if request == record.request:
        return record
    start = last_time(directory, record.service, request.until)
    return replace(record, request=request, start_at=start, end_at=request.until, version=record.version + 1)
