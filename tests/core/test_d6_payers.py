"""D6: panelled with the payer that day, and authorised with units or visits left: yes, no or unknown; unknown goes to a
person, and a practice that keeps no such lists is not held up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from caredispatch.core.facts import PatientFacts
from caredispatch.core.payers import SELF_PAY, Authorisation, Panel, Payers, is_authorised, on_panel
from tests.core.clinic import NO_AGREEMENT, VISIT, playbook, policy
from tests.core.play import Play

DAY = VISIT.date()
PAT = PatientFacts(tags=("adult",), state="IL")
CLEO = {"cleo": (Panel("blue", DAY - timedelta(days=90)),)}
RULES = policy(playbook(services=NO_AGREEMENT))


def lost(patient: PatientFacts, kept: Payers | None) -> Play:
    """Ana can't see the patient; somebody is sought."""
    play = Play(RULES, patient=patient)
    play.payers = kept
    return play.seen().answer("ana", "no").run(1)


def test_d6_only_who_is_panelled_with_the_patients_payer_is_asked() -> None:
    play = lost(replace(PAT, payer="blue"), Payers(CLEO, ("blue",)))
    assert [who for _, who in play.asked] == ["cleo"]


def test_d6_a_practice_that_keeps_no_panels_asks_as_before() -> None:
    assert [who for _, who in lost(replace(PAT, payer="blue"), None).asked] == ["ben"]
    assert [who for _, who in lost(PAT, Payers(authorised=(("blue", "intake"),))).asked] == ["ben"]


@pytest.mark.parametrize("payer", [None, "green"])
def test_d6_of_a_payer_that_is_not_known_nobody_is_asked_and_a_person_knows_why(payer: str | None) -> None:
    play = lost(replace(PAT, payer=payer), Payers(CLEO, ("blue",)))
    assert play.asked == []
    assert play.open("nobody_found")[0].detail["missing"] == "panel"


def test_d6_who_pays_themselves_needs_neither() -> None:
    play = lost(replace(PAT, payer=SELF_PAY), Payers(CLEO, ("blue",), (("blue", "therapy-50"),)))
    assert [who for _, who in play.asked] == ["ben"]


def test_d6_without_units_left_nobody_is_asked() -> None:
    kept = Payers(authorised=(("blue", "therapy-50"),))
    spent = replace(PAT, payer="blue", authorisations=(Authorisation("therapy-50", 0),))
    assert lost(spent, kept).asked == []
    left = replace(spent, authorisations=(*spent.authorisations, Authorisation("therapy-50", 1)))
    assert [who for _, who in lost(left, kept).asked] == ["ben"]


def test_d6_where_the_payer_wants_an_authorisation_and_none_is_on_record_a_person_is_asked() -> None:
    play = lost(replace(PAT, payer="blue"), Payers(authorised=(("blue", "therapy-50"),)))
    assert play.asked == []
    assert play.open("nobody_found")[0].detail["missing"] == "authorisation"


@pytest.mark.parametrize(
    ("since", "until", "verdict"),
    [(0, 0, "yes"), (0, None, "yes"), (1, None, "no"), (-9, -1, "no"), (-9, 0, "yes")],
)
def test_d6_a_panel_counts_from_its_first_day_to_its_last(since: int, until: int | None, verdict: str) -> None:
    last = None if until is None else DAY + timedelta(days=until)
    kept = Payers({"ana": (Panel("blue", DAY + timedelta(days=since), last),)}, ("blue",))
    assert on_panel(kept, "blue", "ana", DAY) == verdict
    assert on_panel(kept, "blue", "ben", DAY) == "no"


@pytest.mark.parametrize(
    ("payer", "own", "verdict"),
    [
        ("blue", (Authorisation("therapy-50", 1, DAY),), "yes"),
        ("blue", (Authorisation("therapy-50", 1, DAY - timedelta(days=1)),), "no"),
        ("blue", (Authorisation("intake", 5),), "unknown"),
        ("green", (), "yes"),
        ("green", (Authorisation("therapy-50", 0),), "no"),
        (None, (), "unknown"),
        (None, (Authorisation("therapy-50", 2),), "yes"),
        (SELF_PAY, (), "yes"),
    ],
)
def test_d6_an_authorisation_is_of_a_service_and_a_payer_until_a_day(
    payer: str | None, own: tuple[Authorisation, ...], verdict: str
) -> None:
    kept = Payers(authorised=(("blue", "therapy-50"),))
    assert is_authorised(kept, payer, own, "therapy-50", DAY) == verdict
    assert is_authorised(kept, payer, own, "exam", date(2027, 1, 1)) == "yes", "a service for which none are kept"
