"""Staff say it their way: what they announce is echoed with the visits affected, confirmed, and then acts (D26, D2)."""

from __future__ import annotations

from caredispatch.core.ids import Id
from caredispatch.core.playbook import AskStep, Rule, Window
from caredispatch.core.records import Exception_
from tests.core.clinic import NO_AGREEMENT, at, cover_path, directory, playbook, policy, staff
from tests.core.play import minutes
from tests.core.town import Town

FOUR = directory(staff("ana"), staff("ben"), staff("cleo"), staff("elif"))
RULES = policy(playbook(services=NO_AGREEMENT), FOUR)
SEVEN = [f"v{n}" for n in range(1, 8)]


def day_of_ana(town: Town) -> Town:
    """Seven visits of ana on Wednesday from nine, one at every hour; one of ben's."""
    for n, name in enumerate(SEVEN, 1):
        town.booked(name, patient=f"pat-{n}", start=at(6, 8 + n))
    return town.booked("bens", patient="pat-9", provider="ben", start=at(6, 10))


def out(town: Town, *, by: str = "ana", sure: bool = False) -> Id:
    """ana is out on Wednesday."""
    return town.announce("staff_unavailable", staff="ana", start=at(6, 7), end=at(6, 19), by=by, sure=sure)


def covers(town: Town) -> int:
    """How many visits cover was or is sought for."""
    return len(town.cases("cover"))


def test_d26_out_is_echoed_with_the_visits_affected_and_changes_nothing_until_it_is_confirmed() -> None:
    town = day_of_ana(Town(RULES))
    out(town)
    [echo] = [t for t in town.said if t.name == "staff_echo"]
    assert (echo.person, echo.contact_id) == ("ana", "sms:ana")
    assert echo.delivery.params["count"] == "7"
    assert echo.delivery.params["visits"].startswith("2027-01-06T15:00:00Z north;2027-01-06T16:00:00Z north")
    assert (covers(town), town.leaves) == (0, {})


def test_d26_a_yes_confirms_and_each_visit_seeks_cover() -> None:
    town = day_of_ana(Town(RULES))
    incident = out(town)
    town.settle(incident, by="ana").run(1)
    assert covers(town) == 7
    assert all(town.visit(name).coverage == "uncovered" for name in SEVEN)
    assert {c.incident_id for c in town.cases("cover")} == {incident}
    assert town.visit("bens").coverage == "confirmed"
    assert town.texts("ana")[-1] == "staff_noted"


def test_d26_a_no_drops_it_and_nothing_happens() -> None:
    town = day_of_ana(Town(RULES))
    town.settle(out(town), "no", by="ana").run(60)
    assert (covers(town), town.raised, town.leaves) == (0, [], {})
    assert town.texts("ana")[-1] == "staff_dropped"


def test_d26_nobody_confirms_in_time_and_a_person_can_confirm_or_drop_it() -> None:
    for label, expected in (("yes", 7), ("no", 0)):
        town = day_of_ana(Town(RULES))
        incident = out(town)
        town.run(14)
        assert town.raised == []
        town.run(2)
        assert town.raised == [(15, "staff_notice", "dana")]
        notice = _notice(town)
        assert (notice.detail["incident"], notice.detail["visits"]) == (incident, "7")
        town.settle(incident, label, by="noor").run(1)  # type: ignore[arg-type]  # two of its words
        assert covers(town) == expected
        assert _notice(town).state == "resolved"


def _notice(town: Town) -> Exception_:
    return next(e for s in town.states.values() for e in s.exceptions if e.kind == "staff_notice")


def test_d26_what_a_person_with_the_right_says_is_confirmed_at_once() -> None:
    town = day_of_ana(Town(RULES))
    incident = out(town, by="noor", sure=True)
    town.run(1)
    assert town.incident(incident).state == "confirmed"
    assert covers(town) == 7
    assert "staff_echo" not in town.texts("ana")


def test_d26_the_same_thing_said_twice_is_one_incident() -> None:
    town = day_of_ana(Town(RULES))
    first, second = out(town, by="noor", sure=True), out(town, by="noor", sure=True)
    assert first == second
    assert covers(town.run(1)) == 7


def test_d26_out_from_one_to_five_reaches_only_those_visits() -> None:
    town = day_of_ana(Town(RULES))
    town.announce("staff_unavailable", staff="ana", start=at(6, 13), end=at(6, 17), sure=True)
    town.run(1)
    hit = [name for name in SEVEN if town.cases("cover", name)]
    assert hit == ["v5", "v6", "v7"]


def test_d26_who_is_out_covers_nothing_that_day() -> None:
    town = day_of_ana(Town(RULES))
    out(town, sure=True, by="noor")
    town.answer("ben", "no", on="bens").run(60)
    assert "ana" not in {a.person_id for a in town.state("bens").asks if a.purpose == "cover"}


def test_d26_taken_back_the_same_day_restores_what_nobody_took_yet() -> None:
    town = day_of_ana(Town(RULES))
    incident = out(town, by="noor", sure=True)
    town.run(1)
    asked = town.ask_of("ben", purpose="cover")
    taken = next(name for name in SEVEN if town.subject(name) == asked.appointment_id)
    town.answer("ben", "yes", on=taken).settle(incident, "undo").run(1)
    others = [name for name in SEVEN if name != taken]
    assert town.visit(taken).actor("provider") == "ben"
    assert [(town.visit(n).actor("provider"), town.visit(n).coverage) for n in others] == [("ana", "confirmed")] * 6
    assert town.leaves == {}
    assert all(c.outcome == "taken_back" for n in others for c in town.cases("cover", n))
    town.run(60)
    assert [kind for _, kind, _ in town.raised] == []


def test_d26_what_is_over_or_cancelled_or_somebody_elses_by_then_is_not_hit() -> None:
    town = day_of_ana(Town(RULES))
    incident = out(town)
    town.cancelled("v1").changed("v2", actor_provider="elif").settle(incident, by="ana").run(10)
    assert [name for name in SEVEN if town.cases("cover", name)] == SEVEN[2:]
    assert town.visit("v2").actor("provider") == "elif"


def test_d26_the_ill_hear_nothing_more_of_each_visit() -> None:
    town = day_of_ana(Town(RULES, answers={"ben": (2, "yes"), "cleo": (3, "yes"), "elif": (4, "yes")}))
    town.settle(out(town), by="ana")
    before = len(town.texts("ana"))
    town.run(120)
    assert all(town.visit(name).actor("provider") != "ana" for name in SEVEN)
    assert len(town.texts("ana")) == before


def test_d36_the_first_eligible_person_of_a_call_out_is_asked_within_a_minute() -> None:
    rules = policy(playbook(services=NO_AGREEMENT, cover=cover_path(urgent=True)), FOUR)
    town = Town(rules, now=at(6, 6, 10))
    day_of_ana(town)
    town.settle(out(town), by="ana").run(1)
    asked = {a.appointment_id: a.asked_at for s in town.states.values() for a in s.asks if a.purpose == "cover"}
    assert all(asked[town.subject(name)] - at(6, 6, 10) <= minutes(1) for name in SEVEN)


def test_d2_provider_ill_for_a_day_with_seven_visits_ends_with_every_visit_somebodys() -> None:
    people = {"ben": (5, "yes"), "cleo": [(3, "yes")], "elif": (8, "no")}
    rules = policy(
        playbook(
            services=NO_AGREEMENT,
            cover=cover_path(AskStep("pool", ("sms",), Window("minutes", 15), at_once=2)),
            rules=(Rule("gone", ("staff_leaving",), ()),),
        ),
        FOUR,
    )
    town = day_of_ana(Town(rules, now=at(6, 7, 30), answers=people))  # type: ignore[arg-type]  # replies of both forms
    out(town, by="noor", sure=True)
    town.run(180)
    for name in SEVEN:
        case = town.cases("cover", name)[-1]
        assert case.state in ("settled", "handed")
        assert case.state == "settled" or town.open("nobody_found", name)
    assert [n for n in SEVEN if town.visit(n).actor("provider") in ("ben", "cleo")]
