"""Putting a question or a piece of news before one person: by which contact, within quiet hours and limits (D21, E12,
E24), and what follows when it can't be delivered."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.content import instant_text
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.facts import ContactFacts
from caredispatch.core.filling import can_be_held
from caredispatch.core.ids import Id, make_id
from caredispatch.core.leading import more_of
from caredispatch.core.options import write_options
from caredispatch.core.playbook import QuietHours, Tell, Window
from caredispatch.core.records import (
    PROVIDER,
    Ask,
    AskPurpose,
    Case,
    Channel,
    Count,
    Delivery,
    Option,
    PersonKind,
)
from caredispatch.core.texting import count_text, may_text, sent_by_another
from caredispatch.core.windows import quiet_until, reachable_deadline

TEXT_OF: dict[AskPurpose, str] = {
    "confirm_staff": "ask_provider",
    "inform_staff": "new_visit",
    "cover": "ask_cover",
    "take_add_on": "ask_add_on",
    "confirm_patient": "confirm_patient",
    "agree_patient": "agree_patient",
    "offer_slot": "offer_slot",
    "offer_times": "offer_times",
}
ANY_CHANNEL: tuple[Channel, ...] = ("sms", "email")
LAST_USEFUL = timedelta(hours=1)
"""Before the visit: who could not be asked for quiet hours until then is not asked any more, and is told then."""
TOGETHER_WITHIN = timedelta(seconds=10)
"""What is asked of one person for one incident within this leaves as one message (E18)."""
SHORTEST_WINDOW: dict[PersonKind, timedelta] = {"patient": timedelta(minutes=60), "staff": timedelta(minutes=10)}
"""How long an answer is waited for where a window until some time before the start is already over."""


def contacts_of(
    draft: Draft, person_id: Id, by: tuple[Channel, ...], text: str | None = None, right: str = "told"
) -> list[ContactFacts]:
    """A person's usable contacts with this right (D5), their own before those of who speaks for them, in the order of
    the channels asked for. With `text` only those in whose language the playbook has it: nobody is written to in words
    that they may not read. Who is phoned only has none (D24), and a number that was texted as often as it may be is
    left alone (D21)."""
    if draft.facts.patient is not None and draft.facts.patient.human_only and person_id == draft.patient_id:
        return []
    words = draft.playbook.texts.get(text) if text else None
    found = [
        c
        for c in draft.facts.contacts.get(person_id, ())
        if c.usable and right in c.rights and c.channel in by and (words is None or c.language in words)
        if may_text(draft, person_id, c)
    ]
    return sorted(found, key=lambda c: (not c.own, by.index(c.channel)))


NIGHT = QuietHours(21 * 60, 8 * 60)
"""When no automated text goes to a patient, whatever a playbook says (D21; 47 CFR 64.1200(c)(1)), by their clock."""


def quiet_of(draft: Draft, person_kind: PersonKind) -> tuple[QuietHours, ...]:
    """When that kind of person is left alone: by the playbook, and for patients by law, stricter in some states
    (D21)."""
    if person_kind == "staff":
        return (draft.playbook.quiet_staff,)
    state = draft.facts.patient.state if draft.facts.patient else None
    stricter = draft.playbook.texting.get(state or "")
    return (draft.playbook.quiet_patients, NIGHT, *((stricter,) if stricter else ()))


def asleep_until(
    draft: Draft,
    person_kind: PersonKind,
    person_id: Id,
    by: tuple[Channel, ...],
    text: str | None = None,
    right: str = "confirm",
) -> datetime | None:
    """When the quiet hours end in which somebody would be asked now, by the contact that comes first; None: they are
    awake, or there is no way to ask them (E24)."""
    contacts = contacts_of(draft, person_id, by, text, right)
    return quiet_until(contacts[0], quiet_of(draft, person_kind), draft.now) if contacts else None


def limit_of(draft: Draft, person_kind: PersonKind, person_id: Id) -> Count:
    """The limit that one more ask of this person counts against (E12)."""
    if person_kind == "staff":
        most, what, period = draft.playbook.limits.staff_asks_per_day, "asks_day", draft.day.isoformat()
    else:
        most, what, period = draft.playbook.limits.patient_asks_per_week, "asks_week", draft.week
    return Count(draft.directory.practice_id, person_id, what, period, most)


def over_limit(draft: Draft, person_kind: PersonKind, person_id: Id) -> bool:
    """Whether this person was asked as often as they may be; asks of this very decision count too."""
    count = limit_of(draft, person_kind, person_id)
    pending = sum(c.person_id == person_id for c in draft.counts)
    return draft.facts.asks_made.get(person_id, 0) + pending >= count.most


def along(draft: Draft, case: Case, person_id: Id) -> bool:
    """Whether somebody is just being asked about another visit of the same incident: one message lists them, and counts
    once (E18)."""
    return case.together and case.incident_id is not None and person_id in draft.facts.along


def ask(
    draft: Draft,
    case: Case,
    purpose: AskPurpose,
    person_kind: PersonKind,
    person_id: Id,
    by: tuple[Channel, ...],
    due_at: datetime,
    *,
    role: str,
    candidate_id: Id | None = None,
    options: tuple[Option, ...] = (),
) -> Ask:
    """Ask one person. Nobody reachable: the ask is undeliverable at once, nothing is waited for (promise 3). What may
    pass the limit (an urgent path, the patient's agreement to a change) passes it uncounted; callers check the rest."""
    made = sum(a.person_id == person_id and a.purpose == purpose for a in draft.asks_of(case))
    row = Ask(
        practice_id=draft.directory.practice_id,
        ask_id=make_id("ask", case.case_id, purpose, person_id, case.step, candidate_id, made),
        case_id=case.case_id,
        appointment_id=case.appointment_id,
        purpose=purpose,
        person_kind=person_kind,
        person_id=person_id,
        role=role,
        step=case.step,
        asked_at=draft.now,
        due_at=due_at,
        number=_next_number(draft, person_id),
        by=by,
        candidate_id=candidate_id,
        options=options,
    )
    counted = purpose != "inform_staff" and not along(draft, case, person_id)
    if counted and not over_limit(draft, person_kind, person_id):
        draft.counts.append(limit_of(draft, person_kind, person_id))
    draft.note("asked", person=person_id, purpose=purpose, step=case.step)
    return send_ask(draft, case, row)


def window_end(draft: Draft, window: Window, person_kind: PersonKind, person_id: Id) -> datetime:
    """Until when an answer is waited for; never past the start, or the end of a visit that should have begun. Who has
    no time to look before the last moment that is useful to a person is not waited for beyond it (D16)."""
    match window.kind:
        case "minutes":
            ends = draft.now + timedelta(minutes=window.minutes)
        case "until_before_start":
            ends = draft.visit.start_at - timedelta(minutes=window.minutes)
            ends = max(ends, draft.now + SHORTEST_WINDOW[person_kind])
        case "reachable":
            staff = draft.directory.staff.get(person_id)
            busy = draft.facts.busy.get(person_id, ())
            ends = draft.now + timedelta(minutes=window.minutes)
            if staff is not None:
                ends = reachable_deadline(staff, draft.directory, busy, draft.now, window.minutes)
            ends = min(ends, max(draft.tell_by(), draft.now + SHORTEST_WINDOW[person_kind]))
    return min(ends, draft.visit.start_at if draft.now < draft.visit.start_at else draft.visit.end_at)


def _next_number(draft: Draft, person_id: Id) -> int:
    """The first answer number that no open ask of this person has; asks of this very decision count too."""
    taken = (a.number for a in draft.asks.values() if a.open and a.person_id == person_id)
    return max(draft.facts.next_number.get(person_id, 1), 1 + max(taken, default=0))


def send_ask(draft: Draft, case: Case, row: Ask, *, again: str = "") -> Ask:
    """Send an ask to the next contact that was not tried yet; without one it is undeliverable. `again`
    marks a text that is sent once more."""
    text = _text_of(draft, case, row)
    right = "told" if row.purpose == "inform_staff" else "confirm"
    contacts = contacts_of(draft, row.person_id, row.by, text, right)
    contact = next((c for c in contacts if c.contact_id not in row.tried), None)
    if contact is None:
        row = replace(row, state="undeliverable")
        draft.note("undeliverable", person=row.person_id)
        draft.put(row)
        return row
    row = replace(
        row,
        state="pending",
        contact_id=contact.contact_id,
        channel=contact.channel,
        tried=(*row.tried, contact.contact_id),
    )
    draft.put(row)
    together = case.incident_id if case.together and row.purpose == "cover" else None
    params = params_of(draft, row.candidate_id) | more_of(draft, case) | _of_an_offer(draft, row)
    text_out(
        draft,
        row,
        contact,
        text,
        key=(again,) if again else (),
        params=params | ({"together": together} if together else {}),
        not_before=min(draft.now + TOGETHER_WITHIN, row.due_at) if together else None,
    )
    return row


def _text_of(draft: Draft, case: Case, row: Ask) -> str:
    """In which words a question is put."""
    match row.purpose:
        case "inform_staff" if case.text:
            return case.text
        case "confirm_patient" if row.candidate_id is not None:
            return TEXT_OF["agree_patient"]
        case "offer_times" if case.phase == "by_video" and "offer_video" in draft.playbook.texts:
            return "offer_video"
        case "offer_times" if _chose_what_was_gone(draft, case):
            return "offer_times_again"
        case "offer_times" if case.kind == "follow_up" and draft.visit.active:
            return "closed_choice"
        case "offer_times" if case.kind == "place" and draft.visit.timed and "offer_move" in draft.playbook.texts:
            return "offer_move"
        case _:
            return TEXT_OF[row.purpose]


def text_out(
    draft: Draft,
    row: Ask,
    contact: ContactFacts,
    text: str,
    *,
    key: tuple[object, ...],
    params: dict[str, str],
    not_before: datetime | None = None,
) -> None:
    """Let one text of an ask out, counted against the number's limit (D21). `key` tells it from the ask's others."""
    count_text(draft, row.person_id, contact)
    draft.send(
        Delivery(
            practice_id=row.practice_id,
            delivery_id=make_id("tell", row.ask_id, contact.contact_id, *key),
            kind="tell",
            ordering_key=f"contact:{contact.contact_id}",
            created_at=draft.now,
            appointment_id=row.appointment_id,
            ask_id=row.ask_id,
            person_id=row.person_id,
            contact_id=contact.contact_id,
            text=text,
            params=params,
            not_before=not_before,
            send_before=row.due_at,
        )
    )


def _gives_way(draft: Draft, option: Option) -> str:
    """The visit that an add-on would displace, as a text names visits."""
    visits = (o for o in draft.facts.others if o.appointment_id == option.displaces)
    return ";".join(f"{instant_text(o.start_at)} {o.location}" for o in visits)


def _chose_what_was_gone(draft: Draft, case: Case) -> bool:
    """Whether the times before these were chosen from, and the choice was not free any more (E10)."""
    return any(
        a.purpose == "offer_times" and a.state == "withdrawn" and a.answered_at is not None for a in draft.asks_of(case)
    )


def _of_an_offer(draft: Draft, row: Ask) -> dict[str, str]:
    """Until when a time is offered, and whether it is kept for as long: else the text says "if still free" (D19)."""
    if row.purpose in ("offer_times", "take_add_on") and row.options:
        first = row.options[0]
        said = {"start_at": instant_text(first.start_at), "location": first.location, "provider": first.provider_id}
        if row.purpose == "offer_times" and draft.visit.active and draft.visit.timed:
            said = {}  # the visit that can't be as it was is what the text is about
        more = {"visits": _gives_way(draft, first)} if row.purpose == "take_add_on" else {}
        return {**said, **more, "options": write_options(row.options), "until": instant_text(row.due_at)}
    if row.purpose != "offer_slot":
        return {}
    return {"until": instant_text(row.due_at), "held": "yes" if can_be_held(draft) else "no"}


def params_of(draft: Draft, provider_id: Id | None = None) -> dict[str, str]:
    """What a text may say of the visit, by codes and ids; the deliverer turns it into names and the recipient's
    words."""
    visit = draft.visit
    provider = provider_id or visit.actor(PROVIDER)
    return {
        "start_at": instant_text(visit.start_at),
        "location": visit.location,
        "service": visit.service,
        "provider": provider or "",
        **({"modality": visit.modality} if visit.modality != "in_person" else {}),
        **({"minutes": str(visit.late_minutes)} if visit.late_minutes or draft.hit else {}),
    }


def tell(
    draft: Draft,
    person_kind: PersonKind,
    person_id: Id | None,
    text: str,
    *,
    key: str = "",
    by: tuple[Channel, ...] = ANY_CHANNEL,
    provider_id: Id | None = None,
    extra: dict[str, str] | None = None,
    at_once: bool = False,
) -> bool:
    """Say something that expects no answer. False when no contact is usable. News waits for the end of the person's
    quiet hours, or the last useful moment if that is earlier (E24), except in answer to their own words or, `at_once`,
    where the caller has looked at the clock."""
    if person_kind == "patient" and sent_by_another(draft, text):
        draft.note("sent_by_another", person=person_id, text=text)
        return True
    contacts = contacts_of(draft, person_id, by, text) if person_id else []
    if person_id is None or not contacts:
        draft.note("not_told", person=person_id, text=text)
        return False
    contact = contacts[0]
    count_text(draft, person_id, contact)
    draft.send(
        Delivery(
            practice_id=draft.directory.practice_id,
            delivery_id=make_id("tell", contact.contact_id, text, draft.visit.appointment_id, key, draft.now),
            kind="tell",
            ordering_key=f"contact:{contact.contact_id}",
            created_at=draft.now,
            appointment_id=draft.visit.appointment_id,
            person_id=person_id,
            contact_id=contact.contact_id,
            text=text,
            params={**params_of(draft, provider_id), **(extra or {})},
            not_before=None if at_once or person_id == draft.answering else _awake(draft, person_kind, contact),
            send_before=max(draft.visit.start_at, draft.now + timedelta(hours=1)),
        )
    )
    draft.note("told", person=person_id, text=text)
    return True


def say(draft: Draft, said: Tell, key: str) -> None:
    """What a rule or a step of a path says on the way: to the patient, or to everybody of the staff on the visit."""
    staff = [p.actor_id for p in draft.visit.participants if p.kind == "staff"]
    kind: PersonKind = "patient" if said.who == "patient" else "staff"
    for person_id in [draft.visit.patient_id] if said.who == "patient" else staff:
        tell(draft, kind, person_id, said.text, key=key, by=said.by)


def _awake(draft: Draft, person_kind: PersonKind, contact: ContactFacts) -> datetime | None:
    """When news may reach somebody who is in quiet hours now; None: at once."""
    ends = quiet_until(contact, quiet_of(draft, person_kind), draft.now)
    if ends is None:
        return None
    useful = draft.visit.start_at - LAST_USEFUL if draft.visit.start_at > draft.now else ends
    at = min(ends, useful)
    return at if at > draft.now else None


def news_to_patient(draft: Draft, text: str, *, key: str = "", extra: dict[str, str] | None = None) -> None:
    """News that the patient must hear: by text, else somebody phones (D18, D24)."""
    if not tell(draft, "patient", draft.visit.patient_id, text, key=key, extra=extra):
        draft.raise_("call", draft.playbook.last_owner, key=f"{text}:{key}", detail={"need": "tell", "text": text})


def too_late(draft: Draft, row: Ask, via: str) -> None:
    """A yes that can't count any more gets a true word, once (promise 4)."""
    if row.state == "withdrawn" and row.answered_at is not None:
        draft.note("same_answer", person=row.person_id)
        return
    draft.put(replace(row, state="withdrawn", answered_at=draft.now, answered_via=via))
    text = "slot_gone" if row.purpose == "offer_slot" else "already_taken"
    tell(draft, row.person_kind, row.person_id, text, key=row.ask_id)
    draft.note("too_late", person=row.person_id)
