"""D1, D7, D10, E4, E5, E9: overlaps, copies of a visit in other systems, writing back, and conflicts with both sides
shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.facts import Busy, System
from caredispatch.core.ids import Id
from caredispatch.core.observation import AppointmentGone, AppointmentSeen, Block, BusySeen, Reported, Written
from caredispatch.core.playbook import AskStep, Window
from tests.core.clinic import (
    ASK_PATIENT,
    ASK_PROVIDER,
    BOOKING,
    EHR,
    NO_AGREEMENT,
    VISIT,
    WITH_EHR,
    cover_path,
    directory,
    playbook,
    policy,
    staff,
)
from tests.core.play import Play, minutes

RULES = policy(playbook(to_patient=ASK_PATIENT, services=NO_AGREEMENT), directory(systems=WITH_EHR))
PLAIN = policy(playbook(services=NO_AGREEMENT))


def taken(source: str | None, kind: str = "booked") -> tuple[Busy, ...]:
    """Somebody else's time over the visit."""
    return (Busy(VISIT, VISIT + minutes(50), kind, Id("other"), Id("other-session"), source),)  # type: ignore[arg-type]


def block(who: str, *, external: str = "x", **changes: object) -> tuple[Block, ...]:
    """A block over the visit in somebody's calendar."""
    return (Block(Id(who), VISIT, VISIT + minutes(50), external, **changes),)  # type: ignore[arg-type]


# -- D1, D7, E9


def test_d1_an_overlap_within_one_source_is_recorded_and_never_a_case() -> None:
    play = Play(PLAIN)
    play.busy["ana"] = taken("booking")
    play.seen().run(60)
    assert play.visit.observed_overlap
    assert play.cases() == []
    assert play.raised == []
    assert "ana" not in [o.resource_id for o in play.state.occupations]


def test_e9_an_overlap_with_another_systems_booking_is_at_risk_and_finds_cover() -> None:
    play = Play(PLAIN)
    play.busy["ana"] = taken("elsewhere", "external")
    play.seen().run(1)
    assert play.coverage == "at_risk"
    assert play.asked == [(0, "ben")]


def test_e9_an_overlap_with_leave_is_at_risk() -> None:
    play = Play(PLAIN)
    play.busy["ana"] = taken(None, "leave")
    play.seen().run(1)
    assert play.asked == [(0, "ben")]


def test_d7_a_patient_in_two_places_is_caught() -> None:
    play = Play(PLAIN)
    play.busy["pat"] = taken("elsewhere", "external")
    play.seen()
    assert [(kind, owner) for _, kind, owner in play.raised] == [("overlap", "dana")]


def test_d8_overlaps_of_a_first_load_only_stand_on_the_gaps_list() -> None:
    play = Play(PLAIN)
    play.busy |= {"ana": taken("elsewhere", "external"), "pat": taken("elsewhere", "external")}
    play.seen(mode="first_load").run(until=VISIT)
    assert [kind for _, kind, _ in play.raised] == ["gap"]
    assert play.said == []


# -- calendars and D10


def test_a_conflict_that_only_the_ehr_knows_finds_cover() -> None:
    play = Play(RULES, calendar={"ana": block("ana")}, answers={"ben": (2, "yes")}).seen().run(5)
    assert play.asked[0] == (0, "ben")
    assert (play.provider, play.coverage) == ("ben", "confirmed")


def test_d10_a_copy_of_this_very_visit_is_no_conflict() -> None:
    probe = Play(RULES).seen()
    for copy in (block("ana", ours=probe.visit.appointment_id), block("ana", origin="1")):
        play = Play(RULES, calendar={"ana": copy}).seen()
        assert play.coverage == "confirmed"
        assert play.cases() == []


def test_d10_a_copy_of_another_visit_that_we_know_is_no_conflict_but_whoever_covers_must_be_free() -> None:
    """D1: a group of eight in one hour, each with its copy in the EHR, is no case."""
    play = Play(RULES, calendar={w: block(w, ours="another-visit-of-ours") for w in ("ana", "ben")}).seen()
    assert (play.coverage, play.cases()) == ("confirmed", [])
    play.answer("ana", "no").run(1)
    assert [p for _, p in play.asked if p != "pat"] == ["cleo"]


def test_a_conflict_that_a_calendar_proves_late_still_finds_cover() -> None:
    asks = policy(playbook(booked=ASK_PROVIDER, services=NO_AGREEMENT), directory(systems=WITH_EHR))
    play = Play(asks, calendar_says="nothing").seen().run(2)
    assert play.asked == [(1, "ana")]
    case, play.calendar_says = play.cases("confirm")[0], "all"
    play.step(BusySeen("ehr", case.case_id, (Id("ana"),), VISIT, VISIT + minutes(50), block("ana"))).run(1)
    assert play.asked == [(1, "ana"), (2, "ben")]
    assert play.coverage == "at_risk"


def test_d8_a_copy_that_is_gone_is_the_one_of_the_system_that_said_so() -> None:
    play = Play(RULES).seen().seen("ehr", "1")
    play.step(AppointmentGone("ehr", "1", 9))
    assert {(li.connection_id, li.seen["status"]) for li in play.state.links if li.external_id == "1"} == {
        ("booking", "booked"),
        ("ehr", "cancelled"),
    }
    assert play.visit.active


def test_d10_transparent_all_day_and_tentative_blocks_do_not_count() -> None:
    for spared in (block("ana", transparent=True), block("ana", all_day=True), block("ana", tentative=True)):
        play = Play(RULES, calendar={"ana": spared}).seen()
        assert play.cases() == []


def test_d6_a_calendar_that_does_not_answer_leaves_it_tentative_and_a_person_knows_why() -> None:
    for says in ("failed", "nothing"):
        play = Play(RULES, calendar_says=says).seen().run(2)
        assert play.texts("ana") == ["new_visit"]
        assert play.coverage == "tentative"
        assert play.open("missing_fact")[0].detail["fact"] == "calendar"


def test_d6_nobody_whose_calendar_is_unknown_is_asked_to_cover() -> None:
    play = Play(RULES, calendar_says="failed").seen().answer("ana", "no").run(5)
    assert [p for _, p in play.asked if p != "pat"] == []
    assert play.open("nobody_found")[0].detail["missing"] == "calendar"


def test_a_decline_that_comes_while_calendars_are_asked_asks_nobody_unseen() -> None:
    two = AskStep("pool", ("sms",), Window("minutes", 15), at_once=2)
    people = directory(*(staff(f"s{n}") for n in range(8)), staff("ana"), systems=WITH_EHR)
    play = Play(policy(playbook(services=NO_AGREEMENT, cover=cover_path(two)), people)).seen().answer("ana", "no")
    assert [p for _, p in play.asked] == ["s0", "s1"]
    play.answer("s0", "no").answer("s1", "no").answer("s2", "no")
    play.calendar_says = "nothing"
    play.answer("s3", "no")
    assert play.cover().phase == "checking"
    play.answer("s4", "no")
    assert [p for _, p in play.asked] == ["s0", "s1", "s2", "s3", "s4"]
    play.run(1)
    assert [p for _, p in play.asked] == ["s0", "s1", "s2", "s3", "s4"]


# -- writing back


def test_the_copy_in_the_ehr_is_created_once_the_staffing_holds_and_lands_when_read_back() -> None:
    play = Play(RULES).seen()
    assert play.copy("ehr").state == "landed"
    content, _ = play.copies["ehr", "new-ehr"]
    assert (content["actor.provider"], content["accepted.provider"]) == ("ana", "accepted")


def test_nothing_is_created_while_nobody_is_found() -> None:
    play = Play(RULES, calendar={w: block(w) for w in ("ana", "ben", "cleo")}).seen().run(60)
    assert [li.connection_id for li in play.state.links] == ["booking"]


def test_a_change_of_provider_reaches_every_copy() -> None:
    play = Play(RULES, answers={"ben": (1, "yes")}).seen().answer("ana", "no").run(5)
    assert play.copies["booking", "1"][0]["actor.provider"] == "ben"
    assert play.copies["ehr", "new-ehr"][0]["actor.provider"] == "ben"
    assert {li.state for li in play.state.links} == {"landed"}


def test_the_patients_confirmation_is_noted_in_the_booking_system() -> None:
    play = Play(RULES).seen().answer("pat", "yes")
    assert play.copies["booking", "1"][0]["note"] == "confirmed 2027-01-04T16:00:00Z"


def test_our_own_write_coming_back_fires_nothing() -> None:
    play = Play(RULES).seen().answer("pat", "yes")
    triggers = [t for _, d in play.decisions for t in d.trace.triggers]
    assert triggers == ["booked"]


def test_e4_two_rounds_that_disagree_are_an_exception_and_not_a_third_write() -> None:
    play = Play(RULES)
    play.stubborn = ("actor.provider",)
    play.answers = {"ben": (1, "yes")}
    play.seen().answer("ana", "no").run(30)
    writes = [d for _, x in play.decisions for d in x.deliveries if d.link_id == play.copy("booking").link_id]
    assert len(writes) == 2
    assert play.copy("booking").state == "conflict"
    shown = play.open("conflict")
    assert "actor.provider" in shown[0].detail["field"]
    assert "ben|ana" in shown[0].detail["sides"]


def test_a_conflict_that_a_person_decides_for_us_is_written() -> None:
    play = Play(RULES)
    play.stubborn = ("actor.provider",)
    play.answers = {"ben": (1, "yes")}
    play.seen().answer("ana", "no").run(10)
    play.stubborn = ()
    play.policy = policy(RULES.playbook, directory(systems={"booking": BOOKING}))
    play.act("keep_ours", on="conflict").run(1)
    assert play.copies["booking", "1"][0]["actor.provider"] == "ben"
    assert play.copy("booking").state == "landed"


def test_a_conflict_that_a_person_decides_for_them_changes_the_record() -> None:
    rules = policy(RULES.playbook, directory(systems={"booking": BOOKING}))
    play = Play(rules, answers={"ben": (1, "yes")})
    play.stubborn = ("actor.provider",)
    play.seen().answer("ana", "no").run(10)
    writes = len([d for _, x in play.decisions for d in x.deliveries if d.kind == "write"])
    play.act("accept_theirs", on="conflict").run(30)
    assert play.provider == "ana"
    assert play.open("conflict") == []
    assert len([d for _, x in play.decisions for d in x.deliveries if d.kind == "write"]) == writes


def test_both_sides_changed_and_nobody_owns_it() -> None:
    systems = {"booking": System("booking", writes=("start_at",)), "ehr": EHR}
    play = Play(policy(RULES.playbook, directory(systems=systems))).seen()
    play.write_ends = {"booking": "refused"}
    moved, later = VISIT + minutes(60), VISIT + minutes(120)
    content, order = play.copies["ehr", "new-ehr"]
    play.seen("ehr", "new-ehr", start_at=moved)
    assert play.visit.start_at == moved
    link = play.copy("booking")
    assert link.state in ("waiting", "refused")
    play.seen(start_at=later)
    shown = play.open("conflict")[0]
    assert (shown.detail["system"], "start_at" in shown.detail["field"]) == ("booking", True)
    assert play.visit.start_at == moved
    assert order < play.copies["ehr", "new-ehr"][1]
    assert content["start_at"] != shown.detail["sides"]


def test_d13_an_ehr_marks_its_own_visit_as_missed_and_as_arrived_though_another_system_owns_the_status() -> None:
    """An owner that holds no copy of a visit has nothing to say of it."""
    assert "status" in BOOKING.owns
    play = Play(RULES).seen("ehr", "of-its-own")
    for status in ("noshow", "arrived"):
        play.seen("ehr", "of-its-own", status=status).run(1)
        assert play.visit.status == play.copies["ehr", "of-its-own"][0]["status"] == status


# -- attendance is of the system in which it is marked (decision 21)


def in_both(**booking: object) -> Play:
    """A visit of the booking system, which owns the status, with its copy in the EHR; `booking` changes the first."""
    systems = {"booking": replace(BOOKING, **booking), "ehr": EHR}  # type: ignore[arg-type]  # callers name fields of System
    return Play(policy(RULES.playbook, directory(systems=systems))).seen().run(1)


@pytest.mark.parametrize("status", ["noshow", "arrived", "checked-in", "fulfilled"])
def test_d13_a_mark_in_the_ehr_counts_though_the_booking_system_owns_the_status(status: str) -> None:
    play = in_both().seen("ehr", "new-ehr", status=status).run(1)
    assert play.visit.status == play.copies["ehr", "new-ehr"][0]["status"] == status
    assert play.copies["booking", "1"][0]["status"] == status, "and is written there"


def test_d13_a_system_that_has_no_word_for_it_is_not_asked_to_say_it() -> None:
    play = in_both(statuses=("booked", "cancelled", "noshow")).seen("ehr", "new-ehr", status="arrived").run(1)
    assert (play.visit.status, play.copies["booking", "1"][0]["status"]) == ("arrived", "booked")
    assert play.copy("booking").state == "landed"
    play = in_both(statuses=("booked", "cancelled", "noshow")).seen("ehr", "new-ehr", status="noshow").run(1)
    assert play.copies["booking", "1"][0]["status"] == "noshow"


def test_d13_a_mark_is_taken_back_where_it_was_made_and_nowhere_else() -> None:
    page = ("booked", "cancelled", "noshow")
    play = in_both(statuses=page).seen("ehr", "new-ehr", status="arrived").run(1)
    play.seen("ehr", "new-ehr", status="booked").run(1)
    assert play.visit.status == "booked"
    play = in_both(statuses=page).seen("ehr", "new-ehr", status="arrived").run(1)
    play.seen(status="cancelled").run(5)
    assert play.visit.status == "arrived", "whoever is there was not cancelled"
    after = play.seen("ehr", "new-ehr", status="booked").run(5).visit.status
    assert after == "cancelled", "nobody was there, and the owner says so"


def test_d13_a_no_show_against_somebody_who_is_there_is_for_a_person() -> None:
    play = in_both(statuses=("booked", "cancelled", "noshow")).seen("ehr", "new-ehr", status="arrived").run(1)
    play.seen(status="noshow")
    assert play.visit.status == "arrived"
    [shown] = play.open("conflict")
    assert (shown.detail["field"], shown.detail["sides"]) == ("status", "arrived|noshow")


def test_d13_whoever_comes_after_they_were_given_up_is_there() -> None:
    play = in_both(statuses=("booked", "cancelled", "noshow")).seen(status="noshow").run(1)
    play.seen("ehr", "new-ehr", status="arrived")
    assert play.visit.status == "arrived"
    assert play.open("conflict") == []


def test_d13_a_patient_who_cancelled_is_no_no_show_for_the_desk_of_another_system() -> None:
    play = in_both().seen(status="cancelled").seen("ehr", "new-ehr", status="noshow").run(5)
    assert (play.visit.status, play.copies["ehr", "new-ehr"][0]["status"]) == ("cancelled", "cancelled")


def test_e4_booked_and_cancelled_are_still_the_owners_to_decide() -> None:
    play = in_both().seen("ehr", "new-ehr", status="cancelled").run(5)
    assert play.visit.status == play.copies["ehr", "new-ehr"][0]["status"] == "booked"


def test_a_write_that_met_a_newer_version_is_read_again_before_it_is_written_again() -> None:
    play = Play(RULES).seen()
    play.write_ends = {"booking": "conflict"}
    play.answer("pat", "yes").run(5)
    writes = [d for _, x in play.decisions for d in x.deliveries if d.link_id == play.copy("booking").link_id]
    assert len(writes) == 2
    assert len(play.open("conflict")) == 1


def test_a_refused_write_is_visible_and_may_be_tried_again() -> None:
    play = Play(RULES).seen()
    play.write_ends = {"booking": "refused"}
    play.answer("pat", "yes").run(1)
    assert play.copy("booking").state == "refused"
    play.write_ends = {}
    play.act("retry_write", on="delivery_failed").run(1)
    assert play.copy("booking").state == "landed"
    assert play.open("delivery_failed") == []


def test_what_was_refused_and_left_alone_is_written_when_the_record_changes_again() -> None:
    play = Play(RULES).seen()
    play.write_ends = {"booking": "refused"}
    play.answer("pat", "yes").run(1).act("resolve", on="delivery_failed", note="by hand")
    play.write_ends = {}
    play.run(10)
    assert "note" not in play.copies["booking", "1"][0]
    play.answers = {"ben": (1, "yes")}
    play.answer("ana", "no").run(5)
    assert play.copies["booking", "1"][0]["actor.provider"] == "ben"


def test_what_could_not_be_translated_goes_to_a_person_and_the_rest_counts() -> None:
    play = Play(RULES).seen()
    content, order = play.copies["booking", "1"]
    play.step(AppointmentSeen("booking", "1", content, order + 1, unmapped=("actor.room=77",)))
    assert play.open("mapping_missing")[0].detail["what"] == "actor.room=77"


def test_an_observation_without_a_time_makes_no_record_but_an_exception() -> None:
    play = Play(RULES).step(AppointmentSeen("booking", "9", {"status": "booked"}, 1))
    assert play.state.appointment is None
    assert [kind for _, kind, _ in play.raised] == ["not_understood"]


# -- what a late word must not undo


def lost_by_conflict() -> Play:
    """Ana was told; then another system turns out to have her, and cover is sought."""
    play = Play(PLAIN).seen()
    play.busy["ana"] = taken("elsewhere", "external")
    play.state = replace(play.state, occupations=())
    return play.seen(actor_room="room-1").run(1)


def test_d16_a_late_report_or_a_late_thank_you_does_not_undo_a_proven_conflict() -> None:
    play = lost_by_conflict()
    assert (play.coverage, play.asked) == ("at_risk", [(0, "ben")])
    told = play.ask_of("ana")
    play.step(Reported(Id("d"), told.ask_id, "delivered", told.contact_id))
    assert play.coverage == "at_risk"
    play.answer("ana", "yes")
    assert play.coverage == "at_risk"
    assert play.texts("ana")[-1] == "already_taken"


def test_a_change_elsewhere_does_not_ask_everybody_again_while_a_human_has_it() -> None:
    play = lost_by_conflict().run(40)
    assert len(play.open("nobody_found")) == 1
    play.seen(actor_room="room-2").run(40)
    assert [p for _, p in play.asked] == ["ben", "cleo"]
    assert len(play.cases()) == 1


def test_one_person_in_two_roles_answers_each_by_its_number() -> None:
    play = Play(policy(playbook(booked=ASK_PROVIDER))).seen(actor_supervisor="ana")
    assert sorted(a.number for a in play.state.asks) == [1, 2]


# -- D8: what we don't coordinate, the others know better


def test_d8_who_accepted_is_not_unsaid_of_visits_that_a_first_load_brought() -> None:
    play = Play(RULES)
    accepted = {"accepted.provider": "accepted", "accepted.patient": "accepted"}
    play.seen("ehr", "7", mode="first_load", **accepted)
    play.seen("ehr", "7", service="intake")
    assert [d for _, x in play.decisions for d in x.deliveries if d.kind == "write"] == []


def test_d8_a_first_load_corrects_no_copy() -> None:
    play = Play(RULES).seen(mode="first_load").seen("ehr", "7", mode="first_load", status="arrived")
    assert [d for _, x in play.decisions for d in x.deliveries] == []
    assert play.visit.status == "arrived"


# -- E4: the echo of an older write


def test_e4_reading_back_an_older_write_is_no_disagreement() -> None:
    play = Play(policy(RULES.playbook, directory(systems={"booking": BOOKING}))).seen()
    play.write_ends = {"booking": "in flight"}
    play.answer("pat", "yes")
    link, (theirs, order) = play.copy("booking"), play.copies["booking", "1"]
    first = dict(link.wanted or {})
    play.step(Written(link.link_id, first, "delivered", order + 1, "1"), settle=False)
    play.waiting.clear()
    play.run(5).answer("pat", "no")
    assert (play.copy("booking").state, play.copy("booking").sent) == ("idle", (first,))
    play.answer("pat", "yes")
    assert play.copy("booking").wanted != first
    play.step(AppointmentSeen("booking", "1", {**theirs, **first}, order + 1))
    assert (play.copy("booking").rounds, play.copy("booking").state) == (0, "waiting")


def test_e4_two_copies_that_never_agreed_and_nobody_owns_are_for_a_person_whichever_is_seen_first() -> None:
    for first, second in ((("booking", "1"), ("ehr", "7")), (("ehr", "7"), ("booking", "1"))):
        play = Play(PLAIN).seen(*first, location="north").seen(*second, location="east")
        assert play.visit.location == "north"
        assert play.open("conflict")[0].detail["sides"] == "north|east"
        assert play.texts("ana") == ["new_visit"]


def test_e4_a_person_decides_between_two_copies_that_never_agreed() -> None:
    ours = Play(PLAIN).seen(location="north").seen("ehr", "7", location="east").act("keep_ours", on="conflict").run(5)
    assert (ours.visit.location, ours.open("conflict"), ours.texts("ana")) == ("north", [], ["new_visit"])
    theirs = Play(PLAIN).seen(location="north").seen("ehr", "7", location="east").act("accept_theirs", on="conflict")
    assert (theirs.visit.location, theirs.open("conflict")) == ("east", [])
    assert theirs.texts("ana") == ["new_visit", "new_visit"]
    theirs.seen(location="north").run(5)
    assert theirs.open("conflict") == []
