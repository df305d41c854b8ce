"""What people do with a visit by hand: put somebody on it, move it, overbook on purpose, cancel it. By the same
predicates as everything else: what can't be is refused with a word, and only time may be overbooked (D1, D17, D18)."""

from __future__ import annotations

from caredispatch.core.asking import news_to_patient
from caredispatch.core.changing import adopt
from caredispatch.core.clearing import overtaken, patient_hears_who, replaced, role_filled
from caredispatch.core.confirm import open_confirm, patient_said_yes
from caredispatch.core.content import instant_or_none, instant_text
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.eligibility import judge
from caredispatch.core.fitting import Fit, Place, fit_of, probe_of
from caredispatch.core.ids import Id, make_id
from caredispatch.core.merge import session_of
from caredispatch.core.observation import Acted
from caredispatch.core.occupying import release, take, taken_by
from caredispatch.core.offering import search_of
from caredispatch.core.openings import seconds_of
from caredispatch.core.playbook import Offer
from caredispatch.core.proposing import propose, sought_by_hand
from caredispatch.core.records import PATIENT, PROVIDER, Option
from caredispatch.core.undoing import UNDO_FOR

OF_TIME = ("booked", "hours")
"""What an overbooking overrides. Leave, licences and rights it does not."""


def assign(draft: Draft, event: Acted) -> bool:
    """Somebody is put on the visit by hand: cover ends, they and the patient are told. False where it was refused."""
    role, staff_id = event.params.get("role", PROVIDER), Id(event.params.get("staff_id", ""))
    why = _no_such(draft, staff_id) or ("" if draft.visit.participant(role) else "no_such_role")
    if not why and not take(draft, staff_id):
        why = "already_booked"
    if why:
        return _refused(draft, why, person=staff_id)
    _put_on(draft, role, staff_id, event.account)
    return True


def _put_on(draft: Draft, role: str, staff_id: Id, account: str) -> None:
    for case in list(draft.cases.values()):
        if case.role == role and case.state in ("open", "handed"):
            overtaken(draft, case, "by_hand", by=staff_id)
    lost = draft.visit.actor(role)
    draft.cover_role(role, "tentative", staff_id)
    release(draft, keep=[p.actor_id for p in draft.visit.participants if p.actor_id is not None])
    replaced(draft, role, lost, staff_id)
    open_confirm(draft, role, "by hand", "", "new_visit", by_hand=True)
    role_filled(draft, role, f"by_hand:{account}")
    patient_hears_who(draft, f"by_hand:{account}", changed=lost != staff_id)


def _refused(draft: Draft, why: str, **details: object) -> bool:
    draft.note("refused", why=why, **details)
    return False


def _no_such(draft: Draft, staff_id: str | None) -> str:
    if not draft.visit.active or draft.visit.settle_at is not None:
        return "not_active"
    return "" if staff_id in draft.directory.staff else "unknown_staff"


# -- another time, person, site or way


def move(draft: Draft, event: Acted) -> bool:
    """Move a visit: at once where the patient agreed on the phone, or need only hear of it; else it is a question to
    them, and until they say yes the visit stays as it is (D17). False where it was refused."""
    option = _wanted(draft, event)
    if option is None or not _may_be(draft, option):
        return False
    agreement = draft.playbook.service(draft.visit.service).patient_agreement
    if agreement == "required" and draft.visit.patient_id is not None and event.params.get("agreed") != "yes":
        propose(draft, _with_room(draft, option))
        return True
    _move(draft, option, agreed=event.params.get("agreed") == "yes")
    return True


def overbook(draft: Draft, event: Acted) -> bool:
    """The same where the time is taken, on purpose: the visit joins the session that it overlaps, and says so (D1, E8).
    The patient hears of another time as with any move. False where it was refused."""
    option = _wanted(draft, event)
    if option is None or not _may_be(draft, option, over=OF_TIME):
        return False
    if not event.params.get("reason"):
        return _refused(draft, "no_reason")
    sessions = _overlapped(draft, option)
    if len(sessions) != 1:
        return _refused(draft, "overlaps_several" if sessions else "nothing_overlapped")
    draft.record(session_id=sessions[0])
    draft.note("overbooked", person=option.provider_id, account=event.account, reason=event.params["reason"])
    if _is_there(draft, option):
        take(draft, option.provider_id)
        _put_on(draft, PROVIDER, option.provider_id, event.account)
    else:
        _move(draft, option, agreed=event.params.get("agreed") == "yes", joined=True)
    return True


def _wanted(draft: Draft, event: Acted) -> Option | None:
    """The time that an act names; what it does not say stays as it is. None where it was refused."""
    visit, params = draft.visit, event.params
    staff_id = params.get("staff_id") or visit.actor(PROVIDER)
    why = _no_such(draft, staff_id)
    start_at = instant_or_none(params.get("start_at", "")) or visit.start_at
    end_at = instant_or_none(params.get("end_at", "")) or start_at + (visit.end_at - visit.start_at)
    location, way = params.get("location") or visit.location, params.get("modality") or visit.modality
    if not why and not visit.timed:
        why = "no_time_yet"
    if not why and (start_at <= draft.now or end_at <= start_at):
        why = "in_the_past"
    if not why and (location not in draft.directory.locations or way not in ("in_person", "video", "phone")):
        why = "no_such_place"
    if why:
        _refused(draft, why)
        return None
    return Option(start_at, end_at, Id(str(staff_id)), location, way)  # type: ignore[arg-type]  # checked above


def _is_there(draft: Draft, option: Option) -> bool:
    visit = draft.visit
    place = (option.start_at, option.end_at, option.location, option.modality)
    return place == (visit.start_at, visit.end_at, visit.location, visit.modality)


def _fit(draft: Draft) -> Fit | None:
    return fit_of(search_of(draft, sought_by_hand(draft), Offer()))


def _may_be(draft: Draft, option: Option, over: tuple[str, ...] = ()) -> bool:
    """Whether who would see the patient may, and patient and room are free; what is not known a person has judged."""
    fit = _fit(draft)
    if fit is None:
        return _refused(draft, "unknown_service")
    staff = draft.directory.staff[option.provider_id]
    reasons = judge(fit.question(probe_of(draft.visit, option)), staff)[1]
    against = [r for r in reasons if not r.endswith("?") and r not in over]
    if against:
        return _refused(draft, "not_legal", person=option.provider_id, reasons=",".join(against))
    patient_id = draft.visit.patient_id
    if patient_id is not None and taken_by(draft, patient_id, option.start_at, option.end_at) is not None:
        return _refused(draft, "patient_busy")
    free, _ = fit.room(Place(option.location, option.modality, ()), seconds_of(option.start_at))
    return free or _refused(draft, "no_room")


def _with_room(draft: Draft, option: Option) -> Option:
    fit = _fit(draft)
    place = Place(option.location, option.modality, ())
    room = fit.room(place, seconds_of(option.start_at))[1] if fit is not None else None
    return replace(option, room_id=room)


def _overlapped(draft: Draft, option: Option) -> list[Id]:
    """The sessions that take the person's time then."""
    service = draft.directory.services.get(draft.visit.service)
    before, after = (service.buffer_before, service.buffer_after) if service else (0, 0)
    begin, end = seconds_of(option.start_at) - before * 60, seconds_of(option.end_at) + after * 60
    found = [
        b.session_id
        for b in draft.facts.busy.get(option.provider_id, ())
        if b.session_id is not None and b.session_id != draft.visit.session_id
        if seconds_of(b.start_at) < end and begin < seconds_of(b.end_at)
    ]
    return list(dict.fromkeys(found))


def _move(draft: Draft, option: Option, *, agreed: bool, joined: bool = False) -> None:
    """The record changes as if its source had moved it, with all that follows; the patient hears of it once."""
    option = _with_room(draft, option)
    own = make_id("session", draft.visit.appointment_id)
    if not joined and session_of(draft.visit, draft.directory) == own:
        draft.record(session_id=own)
    theirs = {
        "start_at": instant_text(option.start_at),
        "end_at": instant_text(option.end_at),
        "location": option.location,
        "modality": option.modality,
        "actor.provider": option.provider_id,
        **({"actor.room": option.room_id} if option.room_id else {}),
    }
    same_time = draft.visit.start_at == option.start_at and draft.visit.location == option.location
    adopt(draft, theirs)
    confirming = draft.open_case("confirm", PATIENT)
    if agreed and confirming is not None:
        patient_said_yes(draft, confirming)
    elif agreed:
        draft.record(confirmation="confirmed", confirmed_at=draft.now)
    if draft.visit.patient_id is not None and (agreed or confirming is None) and not same_time:
        news_to_patient(draft, "patient_moved", key=instant_text(option.start_at))
    _edit_elsewhere(draft)


def _edit_elsewhere(draft: Draft) -> None:
    """Systems that show the visit's time and take none from us are a person's to edit (D42)."""
    for link in draft.links.values():
        system = draft.directory.systems.get(link.connection_id)
        if system is not None and "start_at" in link.seen and "start_at" not in system.writes:
            detail = {"why": "edit_there", "system": link.connection_id}
            draft.raise_("handed_over", draft.playbook.last_owner, key=f"edit:{link.link_id}", detail=detail)


def cancel(draft: Draft, event: Acted) -> bool:
    """Somebody at the practice cancels. It settles like any cancellation (D9), as long as it can be taken back; then
    everyone concerned hears it and the copies follow (`changing`)."""
    if not draft.visit.active or draft.visit.settle_at is not None:
        return _refused(draft, "not_active")
    at = draft.now
    draft.record(status="cancelled", initiator="practice", cancelled_at=at, settle_at=at + UNDO_FOR)
    for row in list(draft.exceptions.values()):
        if row.state != "resolved" and row.kind != "call" and row.exception_id != event.exception_id:
            why = f"cancelled:{event.account}"
            draft.put(replace(row, state="resolved", resolved_at=draft.now, resolution=why))
    return True
