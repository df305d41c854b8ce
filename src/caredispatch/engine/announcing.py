"""What staff say by text beside a plain answer: an announcement (out, late, video only, D26), or an answer to several
questions at once (E18). Pure: words read, values made; which visits that reaches is decided where the incident is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from caredispatch.core.facts import Directory, Staff
from caredispatch.core.ids import Id
from caredispatch.core.observation import Announced, Answered, Observation
from caredispatch.core.replies import Reply
from caredispatch.core.several import read_several
from caredispatch.core.windows import instant_on, zone

MOST_LATE = 240
"""Minutes: who says that they are later than that may mean something else, and a person reads it."""


def announced(
    reply: Reply, staff: Staff, contact_id: Id, text_id: Id, directory: Directory, now: datetime
) -> Announced | None:
    """The announcement that a text is, or None: it is none, or says not enough to act on."""
    tz = zone(directory, next((h.location for h in staff.hours), ""))
    today = now.astimezone(tz).date()
    kind, minutes = "staff_unavailable", 0
    if reply.label == "late" and reply.minutes is not None and 0 < reply.minutes <= MOST_LATE:
        kind, minutes = "staff_late", reply.minutes
        begin, end = now, instant_on(today + timedelta(days=1), 0, tz)
    elif reply.label == "out" and reply.span is not None:
        day = today + timedelta(days=reply.span.day)
        kind = "video_only" if reply.video_only else kind
        begin = max(instant_on(day, reply.span.begin or 0, tz), now)
        end = instant_on(day, 24 * 60 if reply.span.end is None else reply.span.end, tz)
    else:
        return None
    if begin >= end:
        return None
    return Announced(
        kind,  # type: ignore[arg-type]  # one of three kinds
        begin,
        end,
        by=staff.handle,
        staff_id=staff.staff_id,
        minutes=minutes,
        contact_id=contact_id,
        text_id=text_id,
    )


def answers_to_several(
    text: str, open_asks: Sequence[tuple[str, str, int, bool]], channel: str, text_id: Id
) -> list[tuple[str, Observation]]:
    """A text that answers several of a person's open questions at once (E18): all, or those it numbers. Empty where it
    is no such text, or numbers one that is not open. `open_asks` are (ask, appointment, number, choice)."""
    said = read_several(text)
    if said is None or len(open_asks) < 2:
        return []
    label, numbers = said
    meant = [a for a in open_asks if not numbers or a[2] in numbers]
    if numbers and {a[2] for a in meant} != set(numbers):
        return []
    return [(a[1], Answered(Id(a[0]), label, channel, text_id=text_id)) for a in meant]
