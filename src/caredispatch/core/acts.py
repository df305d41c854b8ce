"""What people decide on the pages. A person's decision stands; automation backs off (D28, promise 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from caredispatch.core.changing import adopt, released
from caredispatch.core.clearing import overtaken, patient_hears_who, replaced, role_filled
from caredispatch.core.confirm import open_confirm
from caredispatch.core.draft import Draft
from caredispatch.core.ending import cancel_by_hand
from caredispatch.core.holding import hold_again
from caredispatch.core.ids import Id
from caredispatch.core.observation import Acted
from caredispatch.core.occupying import release, take
from caredispatch.core.projecting import wanted_of
from caredispatch.core.records import Exception_


def acted(draft: Draft, event: Acted) -> None:
    """Carry out one act of a signed-in person."""
    row = draft.exceptions.get(event.exception_id) if event.exception_id else None
    draft.note("by_hand", act=event.act, account=event.account)
    match event.act:
        case "assign":
            _assign(draft, event, row)
        case "cancel":
            cancel_by_hand(draft, event.account)
        case "resolve":
            _resolved(draft, row, event)
        case "claim" | "release_claim":
            _claim(draft, row, event)
        case "retry_write":
            _again(draft, row, event)
        case "keep_ours" | "accept_theirs":
            _decide_conflict(draft, row, event)
        case "release_volume" | "discard_volume":
            released(draft, act=event.act == "release_volume")


def _claim(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """Somebody takes an exception, or gives it back: then its time to be acknowledged runs anew."""
    if row is None:
        draft.note("refused", why="not_open")
    elif event.act == "claim" and row.state == "open":
        draft.put(replace(row, state="claimed", claimed_by=event.account))
    elif event.act == "release_claim" and row.state == "claimed":
        ack_by = draft.now + timedelta(minutes=draft.playbook.acknowledge_minutes)
        draft.put(replace(row, state="open", claimed_by=None, ack_by=ack_by))


def _assign(draft: Draft, event: Acted, row: Exception_ | None) -> None:
    """Somebody is put on the visit by hand: cover ends, they and the patient are told."""
    role, staff_id = event.params.get("role", "provider"), Id(event.params.get("staff_id", ""))
    if staff_id not in draft.directory.staff:
        draft.note("refused", why="unknown_staff")
        return
    if draft.visit.participant(role) is None or not draft.visit.active:
        draft.note("refused", why="no_such_role" if draft.visit.active else "not_active")
        return
    if not take(draft, staff_id):
        draft.note("refused", why="already_booked", person=staff_id)
        return
    for case in list(draft.cases.values()):
        if case.role == role and case.state in ("open", "handed"):
            overtaken(draft, case, "by_hand", by=staff_id)
    lost = draft.visit.actor(role)
    draft.cover_role(role, "tentative", staff_id)
    release(draft, keep=[p.actor_id for p in draft.visit.participants if p.actor_id is not None])
    replaced(draft, role, lost, staff_id)
    open_confirm(draft, role, "by hand", "", "new_visit", by_hand=True)
    role_filled(draft, role, f"by_hand:{event.account}")
    patient_hears_who(draft, f"by_hand:{event.account}", changed=lost != staff_id)
    if row is not None:
        _resolved(draft, row, event)


def _resolved(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    if row is None or row.state == "resolved":
        draft.note("refused", why="not_open")
        return
    note = event.params.get("note") or event.act
    draft.put(
        replace(
            row, state="resolved", resolved_at=draft.now, resolution=note, claimed_by=row.claimed_by or event.account
        )
    )


def _again(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """Write again, or read again, what failed."""
    for link in list(draft.links.values()):
        if link.state in ("refused", "conflict") and (row is None or row.detail.get("key") in ("", None, link.link_id)):
            draft.put(replace(link, state="idle", rounds=0))
    hold_again(draft, row)
    if row is not None and row.connection_id and row.detail.get("external_id"):
        draft.fetches.append((row.connection_id, row.detail["external_id"]))
    _resolved(draft, row, event)


def _decide_conflict(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """Both sides changed: a person says whose word counts. Theirs is taken into the record; what of it the record
    does not hold (who accepted, a note) is left as it is there."""
    link = draft.links.get(Id(row.detail.get("key", ""))) if row else None
    if row is None or link is None:
        draft.note("refused", why="not_open")
        return
    if event.act == "keep_ours":
        draft.put(replace(link, state="idle", rounds=0))
    else:
        fields = row.detail.get("field", "").split(", ")
        adopt(draft, {key: link.seen[key] for key in fields if key in link.seen})
        wanted = wanted_of(draft, link)
        draft.put(replace(link, state="refused", rounds=0, sent=(), wanted=wanted, written_order=None))
    _resolved(draft, row, event)
