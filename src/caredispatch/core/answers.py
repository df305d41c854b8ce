"""What people answer, and what follows: while the visit is ahead an answer may change, the same answer twice does
nothing, a late yes gets a true word (D22, E11, promise 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from caredispatch.core.agreeing import (
    candidate_withdrew,
    patient_agreed,
    patient_refused,
    said_yes,
    take_back,
)
from caredispatch.core.asking import send_ask, tell, too_late
from caredispatch.core.booking import chose_before, chosen, none_chosen
from caredispatch.core.confirm import (
    advance_confirm,
    not_told,
    patient_said_no,
    patient_said_yes,
    provider_said_yes,
    told,
)
from caredispatch.core.copying import replace
from caredispatch.core.cover import advance_cover, ends_at
from caredispatch.core.draft import Draft
from caredispatch.core.giving_way import declines_add_on, takes_add_on
from caredispatch.core.ids import Id
from caredispatch.core.leading import loses_all
from caredispatch.core.moving_up import offer_accepted, offer_declined, offer_over
from caredispatch.core.observation import Answered, Label, Reported
from caredispatch.core.placing import advance_offers
from caredispatch.core.playbook import AskStep
from caredispatch.core.reacting import act, react
from caredispatch.core.records import Ask, AskState, Case, Suppression
from caredispatch.core.rounds import advance_fill
from caredispatch.core.safety import in_crisis

_SAME: Mapping[Label, AskState] = {"yes": "accepted", "no": "declined"}


OFFERS = ("offer_slot", "offer_times", "take_add_on")
"""Questions about a time that is not the visit's."""


def answered(draft: Draft, event: Answered) -> None:
    """One person's answer to one ask."""
    opened = draft.asks.get(event.ask_id)
    if opened is None:
        draft.note("no_such_ask", ask=event.ask_id)
        return
    if event.label == "crisis":
        in_crisis(draft, opened.person_id, opened.contact_id, event.text_id)
        return
    row = _current(draft, opened, event.label)
    if row is None:
        draft.note("answer_to_another_time", person=opened.person_id, label=event.label)
        if opened.person_kind == "staff":
            too_late(draft, opened, event.via)
        return
    if _SAME.get(event.label) == row.state and event.choice in (None, row.choice):
        draft.note("same_answer", person=row.person_id)
        return
    draft.note("answered", person=row.person_id, label=event.label, via=event.via)
    row = replace(row, choice=event.choice if event.choice is not None else row.choice)
    if event.label not in ("yes", "no") or not _may_say(draft, opened, row, event):
        _other_words(draft, draft.cases[row.case_id], row, event)
    elif draft.visit.settle_at is not None:
        # It counts if the cancellation is taken back (D9).
        draft.put(replace(row, state=_SAME[event.label], answered_at=draft.now, answered_via=event.via))
    else:
        counts(draft, row, event.label, event.via)


def _may_say(draft: Draft, opened: Ask, row: Ask, event: Answered) -> bool:
    """Whether who reads the contact that was asked may answer for the person, and may cancel where it is a no to the
    visit (D5). Of an answer by phone whoever took it has judged that."""
    if event.on_behalf is not None or opened.contact_id is None:
        return True
    cancels = (
        event.label == "no" and row.person_kind == "patient" and _of_the_visit(draft, draft.cases[row.case_id], row)
    )
    found = (c.rights for c in draft.facts.contacts.get(row.person_id, ()) if c.contact_id == opened.contact_id)
    return ("cancel" if cancels else "confirm") in next(found, ())


def counts(draft: Draft, row: Ask, label: Label, via: str) -> None:
    """What a yes or a no leads to."""
    case = draft.cases[row.case_id]
    to_be_had = (row.purpose != "offer_slot" or draft.visit.is_slot) and case.state == "handed"
    if row.purpose in OFFERS and (case.state == "open" or to_be_had):
        _offer_answered(draft, case, row, label, via)
    elif row.purpose == "offer_slot":
        offer_over(draft, case, row, label, via)
    elif row.purpose == "offer_times":
        chose_before(draft, case, row, label, via)
    elif not draft.visit.active or draft.now >= _until(draft, case):
        _over(draft, row, via)
    elif label == "yes":
        _yes(draft, case, row, via)
    else:
        _no(draft, case, row, via)


def _until(draft: Draft, case: Case) -> datetime:
    """Until when an answer counts: the start, or where a visit that did not begin is to be covered, its end (D12)."""
    sought = case.kind == "cover" and case.state in ("open", "handed")
    return ends_at(draft, case) if sought else draft.visit.start_at


def _offer_answered(draft: Draft, case: Case, row: Ask, label: Label, via: str) -> None:
    """What a yes or no to an offer leads to, whatever became of the visit that it was made for."""
    match row.purpose:
        case "offer_slot" if label == "yes":
            offer_accepted(draft, case, row, via)
        case "offer_slot":
            offer_declined(draft, case, row, via)
        case "take_add_on" if label == "yes":
            takes_add_on(draft, case, row, via)
        case "take_add_on":
            declines_add_on(draft, case, row, via)
        case _ if label == "yes":
            chosen(draft, case, row, via)
        case _:
            none_chosen(draft, case, row, via)


def _over(draft: Draft, row: Ask, via: str) -> None:
    """The visit began or was cancelled: whoever answers hears so, once (D22)."""
    visit = draft.visit
    since = visit.cancelled_at if visit.cancelled_at and not visit.active else visit.start_at
    if row.answered_at is not None and row.answered_at >= since:
        draft.note("same_answer", person=row.person_id)
        return
    draft.put(replace(row, answered_at=draft.now, answered_via=via))
    tell(draft, row.person_kind, row.person_id, "too_late", key=row.ask_id)


def _current(draft: Draft, row: Ask, label: str) -> Ask | None:
    """The ask that an answer is to, as its link shows it. None: a yes to a time that is no more."""
    present = present_ask(draft.asks.values(), draft.cases, row)
    past = draft.cases[present.case_id].outcome == "visit_changed"
    return None if past and label == "yes" else present


def present_ask(asks: Iterable[Ask], cases: Mapping[Id, Case], row: Ask) -> Ask:
    """What an ask stands for now: the newest to this person about the same, unless that too was about a time that is
    no more."""
    newest = max((a for a in asks if _about_the_same(a, row)), key=lambda a: (a.asked_at, a.number, a.ask_id))
    return newest if cases[newest.case_id].outcome != "visit_changed" else row


def _about_the_same(one: Ask, other: Ask) -> bool:
    """Staff have one role before them, however they were asked; a patient is asked about each candidate by itself."""
    if (one.person_id, one.role, one.candidate_id) != (other.person_id, other.role, other.candidate_id):
        return False
    return one.person_kind == "staff" or one.purpose == other.purpose


def _yes(draft: Draft, case: Case, row: Ask, via: str) -> None:
    accepted = replace(row, state="accepted", answered_at=draft.now, answered_via=via)
    match row.purpose:
        case "confirm_patient" | "agree_patient" if _of_the_visit(draft, case, row):
            draft.put(accepted)
            patient_said_yes(draft, case)
        case "confirm_patient" | "agree_patient":
            if case.phase != "agreeing" or case.candidate_id != row.candidate_id or case.state != "open":
                too_late(draft, row, via)
                return
            draft.put(accepted)
            patient_agreed(draft, case)
        case "confirm_staff" | "inform_staff":
            if draft.visit.actor(row.role) != row.person_id or not take_back(draft, row):
                too_late(draft, row, via)
                return
            draft.put(accepted)
            provider_said_yes(draft, case, row)
        case "cover" if _still_sought(draft, case):
            said_yes(draft, case, row, via)
        case _:
            too_late(draft, row, via)


def _still_sought(draft: Draft, case: Case) -> bool:
    """Whether a yes to cover can count: nobody has it, and no person works on it."""
    claimed = any(e.case_id == case.case_id and e.state == "claimed" for e in draft.exceptions.values())
    return case.state not in ("settled", "closed") and not claimed


def _of_the_visit(draft: Draft, case: Case, row: Ask) -> bool:
    """Whether a patient's word is about the visit as it stands, and may change until it starts (D22): their
    confirmation, or the change that they agreed to."""
    if row.purpose == "offer_slot":
        return row.state == "accepted"
    agreed = case.state == "settled" and draft.visit.actor(row.role) == row.candidate_id
    return row.purpose == "confirm_patient" or agreed


def _no(draft: Draft, case: Case, row: Ask, via: str) -> None:
    declined = replace(row, state="declined", answered_at=draft.now, answered_via=via)
    match row.purpose:
        case "confirm_patient" | "agree_patient" if _of_the_visit(draft, case, row):
            draft.put(declined)
            patient_said_no(draft, case)
            react(draft, "patient_declined")
        case "confirm_patient" | "agree_patient":
            draft.put(declined)
            if case.state == "open" and case.phase == "agreeing" and case.candidate_id == row.candidate_id:
                patient_refused(draft, case, "patient_declined")
        case "confirm_staff" | "inform_staff":
            draft.put(declined)
            _provider_cannot(draft, case, row)
        case "offer_slot" | "offer_times" | "take_add_on":
            draft.put(declined)
        case "cover":
            if case.state == "settled" and draft.visit.actor(case.role) == row.person_id:
                draft.put(declined)
                _lost(draft, row)
            else:
                candidate_withdrew(draft, case, row, via)


def _provider_cannot(draft: Draft, case: Case, row: Ask) -> None:
    if draft.visit.actor(row.role) != row.person_id:
        return
    draft.cover_role(row.role, "uncovered")
    draft.resolve_exceptions("declined", "provider_silent", "delivery_failed", "missing_fact", role=row.role)
    if case.state == "open":
        draft.close(case, "settled", "declined")
    if case.followers:
        loses_all(draft, case, row.person_id)
    path = draft.policy.of(case).paths.get(case.path)
    step = path.steps[row.step] if path and row.step < len(path.steps) else None
    if isinstance(step, AskStep) and step.on_decline is not None:
        act(draft, step.on_decline, case.rule, "staff_unavailable", row.role)
    else:
        react(draft, "staff_unavailable", role=row.role)


def _lost(draft: Draft, row: Ask) -> None:
    """They had it and can't after all."""
    draft.cover_role(row.role, "uncovered")
    react(draft, "staff_unavailable", role=row.role)


def _other_words(draft: Draft, case: Case, row: Ask, event: Answered) -> None:
    owner = draft.playbook.last_owner
    detail: dict[str, str] = {"person": row.person_id, "ask": row.ask_id}
    if event.text_id:
        detail["text"] = event.text_id
    match event.label:
        case "opt_out" if event.carrier_word:
            suppress(draft, row, "opted_out")
            if row.person_kind == "staff":
                find_new_contact(draft, row.contact_id, detail)
            else:
                draft.raise_("probably_cancels", owner, key=row.ask_id, detail=detail)
            _opted_out(draft, case, row)
        case "wrong_number" | "opt_out":
            suppress(draft, row, "wrong" if event.label == "wrong_number" else "opted_out")
            find_new_contact(draft, row.contact_id, detail)
            if row.open:
                moves_on(draft, case, row)
        case "opt_in":
            suppress(draft, row, "usable")
        case _:
            detail |= _what_was_read(event.label)
            draft.raise_("free_text", owner, key=event.text_id or row.ask_id, detail=detail)


def _what_was_read(label: Label) -> dict[str, str]:
    """What a person who reads the words gets told of them: an answer without the right to give it, or what it says."""
    if label in _SAME:
        return {"answer": label, "why": "no_right"}
    return {} if label == "human" else {"said": label}


def find_new_contact(draft: Draft, contact_id: Id | None, detail: dict[str, str]) -> None:
    """A number that is no good any more leaves a person one to find, once (D22)."""
    detail = {**detail, "why": "find_new_contact"}
    draft.raise_("handed_over", draft.playbook.last_owner, key=f"contact:{contact_id}", detail=detail)


def _opted_out(draft: Draft, case: Case, row: Ask) -> None:
    """Staff can't be reached there any more and are skipped; a patient who wants no texts gets no other one instead:
    the person who has it before them asks."""
    if not row.open:
        return
    if row.person_kind == "staff":
        moves_on(draft, case, row)
    elif row.purpose == "confirm_patient" and case.state == "open":
        draft.close(case, "handed", "opted_out")


def suppress(draft: Draft, row: Ask, status: str) -> None:
    """Nobody uses this contact any more (D22), or may again."""
    if row.contact_id is not None:
        draft.suppressions.append(Suppression(row.practice_id, row.contact_id, status))  # type: ignore[arg-type]  # callers pass a status


def moves_on(draft: Draft, case: Case, row: Ask) -> None:
    """This contact is no good: the next contact, else the next person or step, at once."""
    row = send_ask(draft, case, row)
    told_before = row.purpose == "inform_staff" and case.state == "settled"
    if row.open or not (case.state == "open" or told_before):
        return
    if row.purpose == "inform_staff":
        not_told(draft, case)
    elif case.kind == "cover" and row.purpose in ("cover", "offer_times"):
        advance_cover(draft, draft.cases[case.case_id])
    elif row.purpose == "offer_slot":
        advance_fill(draft, draft.cases[case.case_id])
    elif row.purpose in ("offer_times", "take_add_on"):
        advance_offers(draft, draft.cases[case.case_id])
    elif row.purpose == "agree_patient":
        draft.raise_("call", draft.playbook.last_owner, case=case, detail={"need": "agree_patient", "role": case.role})
    else:
        advance_confirm(draft, case)


def reported(draft: Draft, event: Reported) -> None:
    """What became of a text that we sent."""
    row = draft.asks.get(event.ask_id) if event.ask_id else None
    if event.state == "failed":
        draft.note("not_delivered", carrier_code=event.code, delivery=event.delivery_id)
        if event.permanent and event.contact_id:
            practice_id = draft.directory.practice_id
            draft.suppressions.append(Suppression(practice_id, event.contact_id, "undeliverable"))
            find_new_contact(draft, event.contact_id, {"person": row.person_id} if row else {})
        if row is None:
            _news_failed(draft, event)
        elif row.open and row.contact_id == event.contact_id:
            moves_on(draft, draft.cases[row.case_id], row)
        return
    if row is not None and row.state == "withdrawn" and row.sent_at is None:
        _left_after_all(draft, row)
    if row is None or row.state not in ("pending", "sent"):
        return
    arrived = event.state == "delivered" or (event.state == "accepted" and row.channel == "email")
    draft.put(
        replace(
            row,
            state="sent",
            sent_at=row.sent_at or draft.now,
            delivered_at=draft.now if arrived else row.delivered_at,
        )
    )
    case = draft.cases[row.case_id]
    if arrived and row.purpose == "inform_staff" and draft.visit.actor(row.role) == row.person_id:
        told(draft, case, row)


def reply_failed(draft: Draft, event: Reported) -> None:
    """An answer to a text that belongs to no visit did not arrive: a person knows (promise 5)."""
    if event.permanent and event.contact_id:
        draft.suppressions.append(Suppression(draft.directory.practice_id, event.contact_id, "undeliverable"))
    detail = {"code": event.code or "", "delivery": event.delivery_id}
    draft.raise_("delivery_failed", draft.playbook.last_owner, key=event.delivery_id, detail=detail)


def _left_after_all(draft: Draft, row: Ask) -> None:
    """A question that was on its way when it was taken back is followed by a true word (E20)."""
    draft.put(replace(row, sent_at=draft.now))
    if row.purpose == "offer_slot":
        tell(draft, "patient", row.person_id, "slot_gone", key=row.ask_id)
    if row.person_kind != "staff" or draft.visit.actor(row.role) == row.person_id:
        return
    tell(draft, "staff", row.person_id, "withdrawn_cover", key=row.ask_id)


def _news_failed(draft: Draft, event: Reported) -> None:
    """News that did not arrive is told by phone."""
    if draft.visit.active:
        detail = {"need": "tell", "delivery": event.delivery_id}
        draft.raise_("call", draft.playbook.last_owner, key=event.delivery_id, detail=detail)
