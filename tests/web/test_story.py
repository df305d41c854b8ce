"""`explain` in a coordinator's words, for every kind of case, from the recorded decision (promise 6, D19, D30)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from caredispatch.core.playbook import AskStep, Condition, Cover, Fill, HandToStep, OneOf, Path, Place, Rule, Window
from caredispatch.core.records import Request
from caredispatch.core.windows import zone
from caredispatch.store.pages import Entry
from caredispatch.web.explaining import Names
from caredispatch.web.story import asked, head, told
from caredispatch.web.words import Audience
from tests.core.clinic import NO_AGREEMENT, START, VISIT, at, directory, playbook, policy, staff
from tests.core.play import minutes
from tests.core.town import Town

PLAIN = policy(playbook(services=NO_AGREEMENT))


def story(town: Town, name: str, audience: Audience = "manager") -> str:
    """All that `explain` says of a visit."""
    subject = town.subject(name)
    state = town.states[subject]
    names = Names(town.policy.directory)
    tz = zone(town.policy.directory, "north")
    found = head(state, names) + asked(state.asks, names, tz)
    for seq, (about, event, decision) in enumerate(town.decisions):
        if about == subject:
            plain: dict[str, Any] = orjson.loads(orjson.dumps(decision.trace))
            heard: dict[str, Any] = orjson.loads(orjson.dumps(event))
            found += told(Entry(seq, START, event.kind, 1, heard, plain), state, names, tz, audience)
    return "\n".join(found)


def test_a_cover_case_is_told_with_its_people_and_their_answers() -> None:
    town = Town(PLAIN, answers={"ben": (5, "no")}).booked("first").run(1).answer("ana", "no", on="first").run(60)
    said = story(town, "first")
    assert "Finding cover (provider), since Mon 04 Jan 10:01, by the rule “cover”: end of the path." in said
    assert "Ben Madeup asked to cover, SMS: no at Mon 04 Jan 10:06" in said
    assert "Before a person: Nobody found for the 10:00 visit (for dana)." in said


def test_it_says_why_the_rules_above_did_not_match() -> None:
    rules = Rule("only in the east", ("staff_unavailable",), (Cover("qualified", "cover"),))
    east = replace(rules, conditions=(Condition("location", OneOf(("east",))),))
    town = Town(policy(playbook(services=NO_AGREEMENT, rules=(east,)))).booked("first").run(1)
    town.answer("ana", "no", on="first").run(1)
    said = story(town, "first")
    assert "not “only in the east”: location was north, it wants east" in said


def test_d30_a_colleague_hears_that_somebody_is_not_available_and_a_manager_why() -> None:
    people = directory(staff("ana"), staff("ben"), staff("cleo", licences={}))
    town = Town(policy(playbook(services=NO_AGREEMENT), people)).booked("first").run(1)
    town.answer("ana", "no", on="first").run(1)
    assert "not: no licence there that day" in story(town, "first")
    to_colleague = story(town, "first", "colleague")
    assert "not: not available" in to_colleague
    assert "licence" not in to_colleague


def test_d19_a_free_time_and_the_entry_that_it_was_offered_to_are_told() -> None:
    fill = Path("fill", False, (AskStep("waitlist", ("sms",), Window("minutes", 15)), HandToStep("dana")))
    free = Rule("free", ("cancelled",), (Fill("fill"),))
    town = Town(policy(playbook(services=NO_AGREEMENT, slot_rules=(free,), paths=(fill,))))
    town.request("entry", Request(START, START, VISIT + minutes(6000)), patient="pat-2", waitlist=True)
    town.booked("first").run(1).cancelled("first").run(5)
    slot = next(v for v in town.new if v.is_slot)
    town.names["slot"] = slot.appointment_id
    said = story(town, "slot")
    assert said.startswith("A free time: Therapy, North, Wed 06 Jan 10:00, provider Ana Madeup")
    assert "Offering the free time (slot)" in said
    assert "offered the free time (Wed 06 Jan 10:00 with Ana Madeup), SMS: waiting" in said
    assert story(town, "entry").startswith("On the waitlist: P-PAT-, Therapy, North, until")


def test_d15_a_request_is_told_with_the_times_that_were_offered() -> None:
    place = Path("place", False, (AskStep("patient", ("sms",), Window("minutes", 600)), HandToStep("dana")))
    wanted = Rule("wanted", ("request_received",), (Place("qualified", "place"),))
    rules = policy(playbook(services=NO_AGREEMENT, patient_rules=(wanted,), paths=(place,)))
    town = Town(rules).request("wanted", Request(START, START, at(20, 18))).run(5)
    said = story(town, "wanted")
    assert said.startswith("A visit is wanted: P-PAT, Therapy, North, until Wed 20 Jan 18:00; proposed.")
    assert "Finding a time (slot)" in said
    assert "offered times (" in said


def test_d26_an_incident_is_told_with_the_visits_that_it_reaches() -> None:
    town = Town(PLAIN).booked("first").run(1)
    incident = town.announce("staff_unavailable", staff="ana", start=at(6, 8), end=at(6, 18), sure=True)
    town.names["incident"] = incident
    said = story(town, "incident")
    assert said.startswith(
        "Ana Madeup is out, Wed 06 Jan 08:00 to Wed 06 Jan 18:00; said by noor, confirmed, reaches 1"
    )


def test_what_was_done_by_hand_is_told_with_who_did_it_and_why_it_was_refused() -> None:
    people = directory(staff("ana"), staff("ben", licences={}), staff("cleo"))
    town = Town(policy(playbook(services=NO_AGREEMENT), people)).booked("first").run(1)
    town.act("move", "first", staff_id="ben", start_at=VISIT + minutes(60))
    town.act("assign", "first", staff_id="cleo").act("undo", "first")
    said = story(town, "first")
    assert "noor moved the visit" in said
    assert "could not be done: that person may not, or can't, see the patient then: no licence there that day" in said
    assert "noor made it as it was before noor assigned somebody" in said


def test_no_sentence_of_a_story_shows_a_code_as_it_is() -> None:
    town = Town(PLAIN, answers={"ben": (5, "yes")}).booked("first").run(1).answer("ana", "no", on="first").run(60)
    town.act("snooze", "first").act("cancel", "first").run(5)
    assert "_" not in story(town, "first")


def test_d3_a_series_that_a_source_changed_is_told_with_how_many_visits_it_has() -> None:
    town = Town(PLAIN)
    for n in range(3):
        town.booked(f"w{n}", start=at(6 + 7 * n, 10), series="wed")
    town.names["series"] = next(subject for subject, state in town.states.items() if state.incident is not None)
    said = story(town, "series")
    assert said.startswith(
        "A series was entered, Wed 06 Jan 10:00 and later; said by booking, proposed, reaches 3 visits."
    )
