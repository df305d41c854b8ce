"""Offering a patient times to choose from (`offer_times`), in the name of any case on a visit: one that has no time
yet, one that was missed, one that can't be as it was. An ask holds nothing: what a choice leads to is `booking` (D15,
E10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from caredispatch.core.asking import ANY_CHANNEL, LAST_USEFUL, SHORTEST_WINDOW, ask, asleep_until, over_limit, tell
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.fitting import HORIZON, Search
from caredispatch.core.options import write_options
from caredispatch.core.playbook import AskStep, Offer, Window
from caredispatch.core.records import PROVIDER, Ask, Case, Option, Request
from caredispatch.core.searching import Found, search

LEAST_MINUTES = 15
"""Who has less time to say whether video will do is not asked."""
MOST_ROUNDS = 3
"""How often a time that was chosen may be gone before a person finds one."""


def offer(draft: Draft, case: Case, step: AskStep) -> bool:
    """Ask the patient which of some times suits them, as the step offers (`own_provider`, `modality`, `other_site`).
    True when there is something to wait for; the case then has its deadline. Without any time, or way to ask, False."""
    waiting = [a for a in _offers(draft, case) if a.open and a.step == case.step]
    if waiting:
        _wait(draft, case, waiting[0].due_at)
        return True
    patient_id = draft.visit.patient_id
    if patient_id is None or _had_their_say(draft, case):
        draft.note("step_empty", step=case.step)
        return False
    asleep = _quiet_until(draft, step)
    if asleep is not None:
        draft.note("patient_asked_later", until=asleep.isoformat())
        _wait(draft, case, asleep)
        return True
    if over_limit(draft, "patient", patient_id) and not _again(draft, case):
        draft.note("limit_reached", person=patient_id)
        return False
    found = times_for(draft, case, step.offer or Offer())
    if not found.openings:
        draft.note("no_times", people=found.people, blocked=blocked_text(found))
        return False
    return _ask(draft, case, step, found)


def _ask(draft: Draft, case: Case, step: AskStep, found: Found) -> bool:
    for number, opening in enumerate(found.openings, 1):
        option, parts = opening.option, " ".join(f"{k}={v}" for k, v in opening.parts.items() if v)
        at = option.start_at.isoformat()
        draft.note("time_offered", number=number, at=at, person=option.provider_id, score=opening.score, parts=parts)
    options = tuple(opening.option for opening in found.openings)
    due_at = answer_by(draft, step, options)
    patient_id = draft.visit.patient_id
    assert patient_id is not None
    case = draft.cases[case.case_id]
    row = ask(
        draft, case, "offer_times", "patient", patient_id, step.by, due_at, role=case.role, options=options
    )  # fmt: skip
    if row.open:
        _wait(draft, case, due_at)
    return row.open


def _wait(draft: Draft, case: Case, until: datetime) -> None:
    case = draft.cases[case.case_id]
    draft.put(replace(case, phase=asking_phase(case), due_at=until, step_until=until))


def asking_phase(case: Case) -> Literal["asking", "by_video"]:
    """The phase in which a case asks: along its path, or before that whether video will do."""
    return "by_video" if case.phase == "by_video" else "asking"


def by_video(draft: Draft, case: Case) -> bool:
    """Before anybody else is sought: whether the own provider by video will do (D4, D17, D26). True when there is an
    answer to wait for; no longer than leaves an hour to find somebody, where it is that near."""
    if not any(a.open and a.step == case.step for a in _offers(draft, case)):
        minutes = _minutes_to_answer(draft)
        if minutes < LEAST_MINUTES:
            draft.note("no_time_to_ask", minutes=minutes)
            return False
    else:
        minutes = LEAST_MINUTES
    own_by_video = Offer(openings=1, own_provider=True, modality="video")
    return offer(draft, case, AskStep("patient", ANY_CHANNEL, Window("minutes", minutes), offer=own_by_video))


def _minutes_to_answer(draft: Draft) -> int:
    """How long the patient may think about another way, asked as soon as they are awake."""
    patient_id, start_at = draft.visit.patient_id, draft.visit.start_at
    awake = asleep_until(draft, "patient", patient_id, ANY_CHANNEL) if patient_id is not None else None
    since = awake or draft.now
    tell_by = draft.tell_by(start_at)
    ends = tell_by if tell_by >= since + timedelta(minutes=LEAST_MINUTES) else start_at - LAST_USEFUL
    return int((min(ends, since + SHORTEST_WINDOW["patient"]) - since).total_seconds() // 60)


def _offers(draft: Draft, case: Case) -> list[Ask]:
    return [a for a in draft.asks_of(case) if a.purpose == "offer_times"]


def _had_their_say(draft: Draft, case: Case) -> bool:
    """Whether this step's question was put already: a new one follows only when what they chose was gone."""
    here = [a for a in _offers(draft, case) if a.step == case.step]
    gone = sum(_gone(a) for a in here)
    return bool(here) and (not _gone(here[-1]) or gone >= MOST_ROUNDS)


def _gone(row: Ask) -> bool:
    """Whether the time that they chose was not free any more."""
    return row.state == "withdrawn" and row.answered_at is not None


def _again(draft: Draft, case: Case) -> bool:
    """Whether the patient waits for another offer, since what they chose was gone: that is an answer, not one more
    question."""
    return draft.answering == draft.visit.patient_id or any(_gone(a) for a in _offers(draft, case)[-1:])


def _quiet_until(draft: Draft, step: AskStep) -> datetime | None:
    """Until when the patient sleeps, where that matters: not to who has just written. An urgent path wakes staff."""
    patient_id = draft.visit.patient_id
    if patient_id is None or patient_id == draft.answering:
        return None
    return asleep_until(draft, "patient", patient_id, step.by)


def answer_by(draft: Draft, step: AskStep, options: tuple[Option, ...]) -> datetime:
    """Until when a choice is waited for: the step's window, and no longer than the last of the times is ahead."""
    first, last = min(o.start_at for o in options), max(o.start_at for o in options)
    if step.window.kind == "until_before_start":
        ends = max(first - timedelta(minutes=step.window.minutes), draft.now + SHORTEST_WINDOW["patient"])
    else:
        ends = draft.now + timedelta(minutes=step.window.minutes)
    return min(ends, last)


def times_for(draft: Draft, case: Case, offered: Offer) -> Found:
    """The times that a step may offer."""
    return search(search_of(draft, case, offered))


def search_of(draft: Draft, case: Case, offered: Offer) -> Search:
    """What is searched for this visit: as it asks, else as soon as it can be."""
    visit = draft.visit
    request = visit.request or Request(draft.now, draft.now, draft.now + HORIZON + timedelta(days=1))
    if offered.modality is not None and visit.active and visit.timed:
        # Another way is another way of this very visit: when it is, stays.
        request = replace(request, not_before=visit.start_at, until=visit.end_at)
    past = [o for a in _offers(draft, case) if a.state == "declined" for o in a.options]
    past += [o for a in _offers(draft, case) if _gone(a) and (o := picked(a)) is not None]
    own = visit.actor(PROVIDER)
    if own is not None and visit.timed:
        past.append(Option(visit.start_at, visit.end_at, own, visit.location, visit.modality))
    return Search(
        visit=visit,
        case=case,
        request=request,
        facts=draft.facts,
        directory=draft.directory,
        now=draft.now,
        offer=offered,
        own=own,
        past=tuple(past),
    )


def picked(row: Ask) -> Option | None:
    """The option that an answer names by its number; the only one where it names none."""
    number = row.choice if row.choice is not None else (1 if len(row.options) == 1 else 0)
    return row.options[number - 1] if 0 < number <= len(row.options) else None


def ask_which(draft: Draft, row: Ask) -> None:
    """A yes to several times, or a number that is none of them: the question goes on, and they are asked which."""
    draft.put(replace(draft.asks[row.ask_id], choice=None))
    draft.note("which_time", person=row.person_id)
    tell(draft, row.person_kind, row.person_id, "which_time", key=row.ask_id, extra=which(row))


def which(row: Ask) -> dict[str, str]:
    """The options as a text numbers them."""
    return {"options": write_options(row.options)}


def blocked_text(found: Found) -> str:
    """What stands against the people who have no time, with how many: `booked=3,licence?=1`."""
    return ",".join(f"{reason}={n}" for reason, n in found.blocked)
