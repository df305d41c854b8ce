"""Whether the patient came: it belongs to the system in which it is marked, whoever owns the status (decision 21). What
else copies say is merged in `merge`."""

from __future__ import annotations

from collections.abc import Sequence

from caredispatch.core.records import Link

GONE = ("cancelled", "entered-in-error")
ATTENDANCE = ("noshow", "arrived", "checked-in", "fulfilled")
"""What became of the visit itself, in the order in which it goes on."""


def status_of(theirs: str, link: Link, links: Sequence[Link], owner: str | None) -> str | None:
    """The status that counts where attendance is in play: it belongs to the system in which it is marked, whoever owns
    the status, and of several marks the one furthest on counts. Whether the visit is booked or cancelled is the owner's
    to say: against a cancellation a no-show is none. None: no attendance is in play."""
    said = {li.connection_id: li.seen["status"] for li in links if "status" in li.seen}
    taken_back = said.get(link.connection_id) in ATTENDANCE
    said[link.connection_id] = theirs
    cancelled = said.get(owner or "") in GONE
    marks = [s for s in said.values() if s in ATTENDANCE and not (cancelled and s == "noshow")]
    if marks:
        return max(marks, key=ATTENDANCE.index)
    return said.get(owner or "", theirs) if taken_back else None


def is_denied(theirs: str, status: str) -> bool:
    """Whether a copy says that somebody did not come who is there by another's word."""
    return theirs == "noshow" != status and status in ATTENDANCE
