"""An observation of an appointment meets the record: the merge, the read-back of our own writes (E4), and what could
not be translated. What follows from a difference is in `changing`."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.changing import changed
from caredispatch.core.content import Content
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.merge import Merged, merge
from caredispatch.core.observation import AppointmentGone, AppointmentSeen
from caredispatch.core.records import Link

MOST_ROUNDS = 2


def appointment_seen(draft: Draft, event: AppointmentSeen) -> None:
    """Take one observation of a copy into the record, and act on the difference."""
    before = draft.appointment
    settle = timedelta(minutes=draft.playbook.settle_minutes)
    merged = merge(draft.before, event, draft.directory, draft.now, settle)
    if event.unmapped or merged.missing:
        _unmapped(draft, event, merged)
        if merged.missing:
            return
    if merged.link is None:
        draft.note("old_news" if not merged.reread else "read_again", system=event.connection_id)
        if merged.reread:
            draft.fetches.append((event.connection_id, event.external_id))
        return
    draft.appointment = merged.appointment
    _read_back(draft, merged.link, event)
    if merged.conflicts:
        _two_sides(draft, merged.link, dict(merged.conflicts))
    if before is not None and before == merged.appointment:
        draft.note("no_difference", system=event.connection_id)
        return
    changed(draft, before, merged, event.mode)


def _unmapped(draft: Draft, event: AppointmentSeen, merged: Merged) -> None:
    what = ", ".join(event.unmapped) or ", ".join(merged.missing)
    draft.raise_(
        "mapping_missing" if event.unmapped else "not_understood",
        draft.playbook.last_owner,
        connection_id=event.connection_id,
        key=f"{event.connection_id}:{what}",
        detail={"what": what, "external_id": event.external_id, "system": event.connection_id},
    )


def _read_back(draft: Draft, link: Link, event: AppointmentSeen) -> None:
    """A reading above our last write that shows neither what we want nor anything that we sent is a round that
    disagreed; two of them are for a person (E4)."""
    after_write = link.written_order is not None and event.order >= link.written_order and link.state == "waiting"
    wanted = link.wanted or {}
    if not after_write or _says(link, wanted):
        draft.put(replace(link, rounds=0) if after_write else link)
        return
    if any(_says(link, sent) for sent in link.sent):
        draft.put(link)
        return
    link = replace(link, rounds=link.rounds + 1, state="idle", written_order=None)
    draft.note("write_not_taken", system=link.connection_id, round=link.rounds)
    if link.rounds >= MOST_ROUNDS:
        link = replace(link, state="conflict")
        sides = {key: f"{v}|{link.seen.get(key, '')}" for key, v in wanted.items() if link.seen.get(key) != v}
        detail = {"system": link.connection_id, "field": ", ".join(sides), "sides": "; ".join(sides.values())}
        draft.raise_("conflict", draft.playbook.last_owner, key=link.link_id, detail=detail)
    draft.put(link)


def _says(link: Link, content: Content) -> bool:
    return all(link.seen.get(key) == value for key, value in content.items())


def _two_sides(draft: Draft, link: Link, conflicts: dict[str, str]) -> None:
    """Both changed the same field and nobody owns it: one exception that shows both sides."""
    fields, sides = ", ".join(conflicts), "; ".join(conflicts.values())
    detail = {"field": fields, "sides": sides, "system": link.connection_id}
    draft.raise_("conflict", draft.playbook.last_owner, key=link.link_id, detail=detail)
    draft.put(replace(draft.links[link.link_id], state="conflict"))


def appointment_gone(draft: Draft, event: AppointmentGone) -> None:
    """A copy that a fetch by id no longer finds is a cancellation there (D8)."""
    copy = (event.connection_id, event.external_id)
    link = next((li for li in draft.links.values() if (li.connection_id, li.external_id) == copy), None)
    if link is None:
        draft.note("never_known", system=event.connection_id)
        return
    content = {**link.seen, "status": "cancelled"}
    seen = AppointmentSeen(event.connection_id, event.external_id, content, event.order, mode=event.mode)
    appointment_seen(draft, seen)
