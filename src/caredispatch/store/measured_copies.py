"""From the recorded states of a visit's copies to what measures count of them: writes that landed, and fields that a
system held otherwise than the record by its own doing (E4). Values in, values out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from caredispatch.core.content import Content
from caredispatch.core.happened import Difference, Landing
from caredispatch.core.merge import represent
from caredispatch.core.records import Appointment, Link
from caredispatch.store.recorded import Entry, History

_ENDS = ("cancelled", "entered-in-error")


def landings_of(history: History) -> Iterator[Landing]:
    """Each write that landed, from the first wish that had not landed yet."""
    record = history.record
    wished: dict[str, datetime] = {}
    for entry in history.entries:
        for link in entry.links:
            if link.state == "waiting":
                wished.setdefault(link.link_id, entry.at)
            elif link.state == "landed" and link.link_id in wished:
                yield Landing(record.location, record.service, wished.pop(link.link_id), entry.at)


def differences_of(history: History) -> list[Difference]:
    """Each field that one copy was seen to hold otherwise than the record, because somebody entered it so there."""
    record = history.record
    seen: dict[str, Link] = {}
    open_since: dict[tuple[str, str], datetime] = {}
    repaired: list[datetime] = []
    visit: Appointment | None = None
    for entry in history.entries:
        known = visit is not None
        visit = entry.appointment or visit
        if visit is None:
            continue
        ours = represent(visit)
        for link in entry.links:
            if known and _is_sight_of(entry, link):
                for key in _entered_otherwise(seen.get(link.link_id), link, ours):
                    open_since.setdefault((link.link_id, key), entry.at)
            seen[link.link_id] = link
        for link_id, key in [k for k in open_since if _agrees(seen[k[0]].seen, ours, k[1])]:
            repaired.append(open_since.pop((link_id, key)))
    found = [(at, True) for at in repaired] + [(at, False) for at in open_since.values()]
    return [Difference(record.location, record.service, at, done) for at, done in sorted(found)]


def _is_sight_of(entry: Entry, link: Link) -> bool:
    return entry.kind == "appointment_seen" and entry.event.get("connection_id") == link.connection_id


def _entered_otherwise(before: Link | None, now: Link, ours: Content) -> Iterator[str]:
    """The keys that changed there to something that we neither have nor sent."""
    base: Content = before.seen if before else {}
    sent = before.sent if before else ()
    for key, theirs in now.seen.items():
        changed = base.get(key) != theirs and all(each.get(key) != theirs for each in sent)
        if changed and _told_of(key) and key in ours and not _agrees(now.seen, ours, key):
            yield key


def _told_of(key: str) -> bool:
    """Whether a key is an entry that can be wrong: not who accepted, and no note."""
    return key != "note" and not key.startswith("accepted.")


def _agrees(theirs: Content, ours: Content, key: str) -> bool:
    """Whether two sides say the same. How far a visit has got, and who came, is each system's own; that it is off
    is not."""
    if key == "status":
        return (theirs.get(key) in _ENDS) == (ours.get(key) in _ENDS)
    return theirs.get(key) == ours.get(key)
