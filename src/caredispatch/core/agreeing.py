"""What a yes, a no, silence and the patient's word lead to in a cover case: a staff yes books, the patient agrees, both
together settle (D17, E10, E11)."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.asking import ANY_CHANNEL, ask, asleep_until, tell, too_late
from caredispatch.core.choosing import waits_no_more
from caredispatch.core.clearing import patient_hears_who, replaced, role_filled
from caredispatch.core.copying import replace
from caredispatch.core.cover import advance_cover, ends_at, owner_of
from caredispatch.core.draft import Draft
from caredispatch.core.eligibility import Question, judge
from caredispatch.core.ids import Id
from caredispatch.core.leading import more_of
from caredispatch.core.occupying import release, take
from caredispatch.core.records import PATIENT, Ask, Case
from caredispatch.core.resting import rests

LATER_NEWS = timedelta(minutes=10)


def said_yes(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """A staff member would take it. Counts while the case lives, even after the ask expired (E11) or a human was
    told, if they still can. While the patient is asked about somebody else it stands by."""
    wanted = _still_wanted(draft, case, row)
    if wanted and case.state == "open" and case.phase == "agreeing":
        state = row.state if row.open else "expired"
        draft.put(replace(row, state=state, answered_at=draft.now, answered_via=via))
        return
    if not wanted or not take(draft, row.person_id):
        too_late(draft, row, via)
        if case.state == "open":
            _go_on(draft, draft.cases[case.case_id])
        return
    newer = draft.open_case("cover", case.role)
    if newer is not None and newer.case_id != case.case_id:
        draft.close(newer, "closed", "covered_by_earlier_ask")
    draft.put(replace(row, state="accepted", answered_at=draft.now, answered_via=via))
    draft.resolve_exceptions("covered", "nobody_found", role=case.role)
    takes_it(draft, replace(case, state="open", outcome=None, closed_at=None, candidate_id=row.person_id))


def takes_it(draft: Draft, case: Case, *, agreed: bool = False) -> None:
    """The case's candidate is booked and takes the role, as soon as the patient agrees where the service demands it.
    `agreed`: they have, for the whole series (D3)."""
    agreement = draft.playbook.service(draft.visit.service).patient_agreement
    if agreed:
        settle(draft, case, tell_patient=False)
        return
    if agreement != "required" or draft.visit.patient_id is None:
        settle(draft, case, tell_patient=agreement != "none")
        return
    draft.cover_role(case.role, "tentative")
    _ask_patient(draft, case)


def _still_wanted(draft: Draft, case: Case, row: Ask) -> bool:
    newer = draft.open_case("cover", case.role)
    if case.patient_refused or (newer is not None and newer.case_id != case.case_id and newer.phase == "agreeing"):
        return False
    staff = draft.directory.staff.get(row.person_id)
    question = Question(draft.visit, case, draft.facts, draft.directory)
    return staff is not None and judge(question, staff)[0] == "yes"


def _go_on(draft: Draft, case: Case) -> None:
    """Whoever said yes meanwhile comes next, the earliest first; else the path goes on."""
    standing_by = [a for a in draft.asks_of(case) if a.stands_by]
    if not standing_by or draft.now >= ends_at(draft, case):
        advance_cover(draft, case)
        return
    row = min(standing_by, key=lambda a: (a.answered_at, a.ask_id))
    said_yes(draft, case, row, row.answered_via or "")


def _ask_patient(draft: Draft, case: Case) -> None:
    """The staff yes books tentatively; now the patient decides (D17), until the tell-by time. At night they are asked
    in the morning where that is soon enough, else by phone: no automated question breaks quiet hours."""
    visit = draft.visit
    assert visit.patient_id is not None
    due_at = agree_by(draft)
    case = replace(case, phase="agreeing", due_at=due_at)
    draft.put(case)
    if rests(draft, case):
        draft.put(replace(case, due_at=min(due_at, case.snoozed_until or due_at)))
        return
    morning = asleep_until(draft, "patient", visit.patient_id, ANY_CHANNEL)
    if morning is not None and morning < due_at:
        draft.put(replace(case, due_at=morning))
        draft.note("patient_asked_later", until=morning.isoformat())
        return
    row = ask(
        draft,
        case,
        "agree_patient",
        "patient",
        visit.patient_id,
        ANY_CHANNEL if morning is None and not case.paused else (),
        due_at,
        role=case.role,
        candidate_id=case.candidate_id,
    )
    if not row.open:
        draft.raise_("call", owner_of(draft, case), case=case, detail={"need": "agree_patient", "role": case.role})


def agree_by(draft: Draft) -> datetime:
    """Until when the patient who is asked now may say that they agree."""
    last = draft.visit.start_at if draft.now < draft.visit.start_at else draft.visit.end_at
    return min(max(draft.tell_by(), draft.now + LATER_NEWS), last)


def patient_agreed(draft: Draft, case: Case) -> None:
    """Both said yes: the cover is settled, and the patient has confirmed the visit with it."""
    draft.record(confirmation="confirmed", confirmed_at=draft.now)
    confirming = draft.open_case("confirm", PATIENT)
    if confirming:
        draft.close(confirming, "settled", "agreed")
    draft.resolve_exceptions("agreed", "call", need="confirm_patient")
    settle(draft, case, tell_patient=True)


def settle(draft: Draft, case: Case, *, tell_patient: bool) -> None:
    """The role is covered: the others are released with a true word, the copies follow by themselves."""
    assert case.candidate_id is not None
    told = [a for a in draft.asks_of(case) if a.purpose == "cover" and a.sent_at and (a.open or a.stands_by)]
    lost = draft.visit.actor(case.role)
    draft.cover_role(case.role, "confirmed", case.candidate_id)
    draft.put(case)
    draft.close(case, "settled", "covered")
    release(draft, keep=_actors(draft))
    for other in told:
        tell(draft, "staff", other.person_id, "withdrawn_cover", key=other.ask_id)
    if case.follows is None:
        tell(draft, "staff", case.candidate_id, "cover_settled", key=case.case_id, extra=more_of(draft, case))
    if case.incident_id is None:
        replaced(draft, case.role, lost, case.candidate_id)
    role_filled(draft, case.role, "covered")
    more = {key: value for key, value in more_of(draft, case).items() if key == "after"}
    patient_hears_who(draft, case.case_id, changed=tell_patient, extra=more)


def _actors(draft: Draft) -> list[Id]:
    return [p.actor_id for p in draft.visit.participants if p.actor_id is not None]


def _let_go(draft: Draft, case: Case) -> Case:
    """Give the candidate's time back and ask the patient nothing more about them."""
    for row in draft.asks_of(case):
        if row.purpose == "agree_patient" and row.open:
            draft.withdraw(row)
    draft.resolve_exceptions("candidate_released", "call", need="agree_patient", role=case.role)
    said_no = any((a.person_id, a.role, a.state) == (case.lost_id, case.role, "declined") for a in draft.asks.values())
    draft.cover_role(case.role, "at_risk" if case.lost_id and not said_no else "uncovered")
    release(draft, keep=_actors(draft))
    case = replace(case, phase="asking", candidate_id=None, due_at=draft.now)
    draft.put(case)
    return case


def patient_refused(draft: Draft, case: Case, outcome: str) -> None:
    """The patient said no to another provider, or nothing in time: release, and go on with what they did not refuse."""
    refused = outcome == "patient_declined"
    for row in draft.asks_of(case):
        if row.purpose == "cover" and (row.person_id == case.candidate_id or (refused and row.stands_by)):
            draft.put(replace(row, state="withdrawn"))
            if draft.now < draft.visit.end_at:
                tell(draft, "staff", row.person_id, "withdrawn_cover", key=f"{case.case_id}:{outcome}")
    case = replace(_let_go(draft, case), patient_refused=refused)
    draft.put(case)
    draft.note(outcome, case=case.case_id)
    _go_on(draft, case)


def take_back(draft: Draft, row: Ask) -> bool:
    """Whoever fills a role says yes. Where cover is being found because they had said no, it ends (D22); where they
    are not free, or the patient is already asked about somebody else, their yes does not count: False."""
    cases = [c for c in draft.cases.values() if (c.kind, c.role) == ("cover", row.role)]
    going = [c for c in cases if c.state in ("open", "handed")]
    if not going:
        return True
    if row.state != "declined" or any(c.phase == "agreeing" and c.state == "open" for c in going):
        return False
    if not take(draft, row.person_id):
        return False
    for case in going:
        told = [a for a in draft.asks_of(case) if a.open and a.sent_at is not None]
        draft.close(case, "closed", "taken_back")
        for other in told:
            tell(draft, "staff", other.person_id, "withdrawn_cover", key=other.ask_id)
    return True


def candidate_withdrew(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """A no: to the ask, or after a yes that the patient had not yet agreed to."""
    draft.put(replace(row, state="declined", answered_at=draft.now, answered_via=via))
    if case.state != "open":
        return
    if case.candidate_id == row.person_id:
        _go_on(draft, _let_go(draft, case))
    else:
        advance_cover(draft, case)


def cover_due(draft: Draft, case: Case) -> None:
    """Time passed for an open cover case."""
    if case.phase == "agreeing":
        asked = any(a.purpose == "agree_patient" and a.candidate_id == case.candidate_id for a in draft.asks_of(case))
        called = any(
            e.kind == "call" and e.case_id == case.case_id and e.state != "resolved" for e in draft.exceptions.values()
        )
        if asked or called:
            patient_refused(draft, case, "patient_silent")
        else:
            _ask_patient(draft, case)
        return
    if case.phase == "checking":
        case = waits_no_more(draft, case)
    advance_cover(draft, case)
