"""The patient hears in time that nobody is found yet (D18): by the tell-by time, or ten minutes after we knew, never
before six in their morning (D21); who can't be told by text is phoned."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.agreeing import LATER_NEWS
from caredispatch.core.asking import ANY_CHANNEL, contacts_of, quiet_of, tell
from caredispatch.core.draft import Draft
from caredispatch.core.playbook import ROLE_LOST, QuietHours
from caredispatch.core.windows import quiet_until

NOT_BEFORE = QuietHours(21 * 60, 6 * 60)
"""Bad news about today may be told from six to who agreed to texts; otherwise somebody decides whether to phone."""


def bad_news_at(draft: Draft) -> datetime | None:
    """When the patient must hear, or None while there is nothing bad to tell: who can't come themselves misses
    nobody."""
    visit = draft.visit
    if not (visit.active and visit.timed) or visit.tell_by_done or visit.coverage not in ("uncovered", "at_risk"):
        return None
    if visit.confirmation == "declined":
        return None
    if visit.patient_id is None or visit.start_at <= draft.now or visit.settle_at is not None:
        return None
    known = _known_since(draft)
    if known is None:
        return None
    at = min(max(draft.tell_by(), known + LATER_NEWS), visit.start_at - timedelta(minutes=1))
    morning = _morning(draft, max(at, draft.now))
    return max(at, morning) if morning is not None and morning < visit.start_at else at


def _known_since(draft: Draft) -> datetime | None:
    # Who is asked whether video will do knows how it stands.
    sought = (c for c in draft.cases.values() if c.kind == "cover" and c.phase != "by_video")
    cases = [c.opened_at for c in sought if c.state in ("open", "handed")]
    marked = [
        e.raised_at
        for e in draft.exceptions.values()
        if e.kind in ("stage_not_live", "handed_over", "missing_fact") and e.detail.get("trigger") in ROLE_LOST
    ]
    return min(cases + marked, default=None)


def _morning(draft: Draft, at: datetime) -> datetime | None:
    contacts = contacts_of(draft, draft.visit.patient_id, ANY_CHANNEL) if draft.visit.patient_id else []
    return quiet_until(contacts[0], (NOT_BEFORE,), at) if contacts else None


def _is_night(draft: Draft) -> bool:
    """Whether they must not be texted now: before six, or without recorded consent in any quiet hours (D21)."""
    contacts = contacts_of(draft, draft.visit.patient_id, ANY_CHANNEL) if draft.visit.patient_id else []
    if not contacts:
        return False
    quiet = (NOT_BEFORE,) if contacts[0].consent else quiet_of(draft, "patient")
    return quiet_until(contacts[0], quiet, draft.now) is not None


def bad_news(draft: Draft) -> None:
    """Tell them when it is time."""
    at = bad_news_at(draft)
    if at is None or at > draft.now:
        return
    draft.record(tell_by_done=True)
    patient_id = draft.visit.patient_id
    if _is_night(draft) or not tell(draft, "patient", patient_id, "patient_uncovered", key="tell_by", at_once=True):
        draft.raise_("call", draft.playbook.last_owner, key="bad_news", detail={"need": "bad_news"})
