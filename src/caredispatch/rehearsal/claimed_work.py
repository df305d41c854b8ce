"""Claims about coordinators' work: hours, money, errors, minutes. Money is hours at stated rates, never a finding of
its own."""

from __future__ import annotations

from collections.abc import Callable

from caredispatch.rehearsal.beside import CLAIMED_RATE, Beside, Verdict, assumed, desk_of, judged, stages_of, trial_of
from caredispatch.rehearsal.claims import Claim, Range, range_of
from caredispatch.rehearsal.outcomes import ALL_FOUR, BY_HAND, WEEKS_A_YEAR, Results, Trial, Way, minutes_to_a_person
from caredispatch.rehearsal.summing import Interval


def hours(claim: Claim, results: Results) -> Beside:
    """Coordinators' hours that a stage, or all four, frees."""
    trial = trial_of(claim, results)
    first, second = stages_of(claim)
    saved = results.change(trial.name, first, second, "coordinator_hours", -1)
    verdict = judged(saved, range_of(claim.claimed), more=True)
    return Beside(
        claim, trial.name, desk_of(trial),
        "coordinators' hours a week, before less after: every task of the desk at its minutes (D38). A stage is "
        "compared with those before it",
        results.level(trial.name, first, "coordinator_hours"), results.level(trial.name, second, "coordinator_hours"),
        saved, verdict, _hours_need(claim, results, trial, second, verdict),
    )  # fmt: skip


def _hours_need(claim: Claim, results: Results, trial: Trial, way: Way, verdict: Verdict) -> str:
    after = results.level(trial.name, way, "coordinator_hours")
    wanted = range_of(claim.claimed)
    if after is None or wanted is None or verdict == "reached":
        return ""
    if way is ALL_FOUR and claim.of.startswith("stage 4"):
        return (
            "the first step of a path asks everybody who may take a visit, backups among them; later steps ask who is "
            "left. They change who hears of it and when, hardly how many hours it takes."
        )
    if verdict == "more than claimed":
        return (
            "by hand patients are phoned beforehand and every booking is typed in three times. Where the booking "
            "system reminds by itself (`desk.phones_before` 0 %), far less is saved: see [sensitivity](#sensitivity)."
        )
    return (
        f"with {way.name} {after.middle:.1f} hours a week are left: calls to who did not answer a text, and lines that "
        f"need a person. {wanted[0]:g} hours less would need more who answer ({assumed(trial, 'patients.confirms')}), "
        "or a practice that does not phone the silent."
    )


def money(claim: Claim, results: Results) -> Beside:
    """The same hours at a rate."""
    trial = trial_of(claim, results)
    first, second = stages_of(claim)
    rate = trial.facts.coordinator_hourly
    saved = results.change(trial.name, first, second, "coordinator_hours", -rate * WEEKS_A_YEAR)
    verdict = judged(saved, range_of(claim.claimed), more=True)
    needs = ""
    if saved is not None:
        at_theirs = saved.middle * CLAIMED_RATE / rate
        needs = (
            f"at the {CLAIMED_RATE} USD an hour that the claim's own hours and dollars make it would be "
            f"{at_theirs:,.0f} USD."
        )
    return Beside(
        claim, trial.name, f"{rate:g} USD an hour (assumed); {desk_of(trial)}",
        f"hours saved a week × {WEEKS_A_YEAR} × rate",
        None, None, saved, verdict, needs, "Hours become money only where somebody is paid for fewer of them.",
    )  # fmt: skip


def per_fte(
    figure: str, factor: Callable[[Trial], float], formula: str, note: str
) -> Callable[[Claim, Results], Beside]:
    """A level a year or day and coordinator, by hand and with all four; compared is the reduction in per cent."""

    def made(claim: Claim, results: Results) -> Beside:
        trial = trial_of(claim, results)
        times = factor(trial)
        before, after = (results.level(trial.name, way, figure, times) for way in (BY_HAND, ALL_FOUR))
        change = results.change(trial.name, BY_HAND, ALL_FOUR, figure, times)
        share = results.share(trial.name, BY_HAND, ALL_FOUR, figure)
        wanted = _less(claim)
        verdict = judged(share, wanted, more=False)
        needs = "" if wanted is None or share is None else f"claimed are {wanted[0]:.0f} %, ours {share.middle:.0f} %."
        return Beside(
            claim, trial.name, f"{trial.facts.coordinators} coordinators; {desk_of(trial)}", formula,
            before, after, change, verdict, needs, note,
        )  # fmt: skip

    return made


def _less(claim: Claim) -> Range | None:
    """The reduction that is claimed, in per cent; None where nothing is said of after."""
    before, after = range_of(claim.by_hand), range_of(claim.claimed)
    return None if before is None or after is None else (100 * (after[0] / before[0] - 1),) * 2


def labour_saved(claim: Claim, results: Results) -> Beside:
    """The same hours at a rate, for each coordinator."""
    trial = trial_of(claim, results)
    rate, each = trial.facts.coordinator_hourly, trial.facts.coordinators
    saved = results.change(trial.name, BY_HAND, ALL_FOUR, "coordinator_hours", -rate * WEEKS_A_YEAR / each)
    verdict = judged(saved, range_of(claim.claimed), more=True)
    needs = "" if verdict == "reached" else (
        f"2.5 hours a day, as claimed above, are 625 a year: {12400 / 625:.1f} USD an hour. Ours are {rate:g}."
    )  # fmt: skip
    return Beside(
        claim, trial.name, f"{rate:g} USD an hour (assumed); {each} coordinators",
        f"hours saved a week × {WEEKS_A_YEAR} × rate, for each coordinator", None, None, saved, verdict, needs,
    )  # fmt: skip


def errors(claim: Claim, results: Results) -> Beside:
    """How many fewer fields differ between systems."""
    trial = trial_of(claim, results)
    first, second = stages_of(claim)
    change = results.share(trial.name, first, second, "wrong_entries")
    before, after = (results.level(trial.name, way, "wrong_entries") for way in (first, second))
    verdict = judged(change, range_of(claim.claimed), more=False)
    needs = ""
    if change is None:
        verdict, needs = (
            "not reached",
            (
                "From the first stage on every change is typed once, copied and read back: nothing is left for a later "
                "stage to better. Stage by stage would be true only where each stage connected another system."
            ),
        )
    elif verdict != "reached":
        needs = "Errors would have to come from what the later stages take over, not from typing the same again."
    return Beside(
        claim, trial.name, assumed(trial, "desk.entry_errors"),
        "fields a week that differ between systems, in per cent of those before", before, after, change, verdict, needs,
    )  # fmt: skip


def entry_errors(claim: Claim, results: Results) -> Beside:
    """Fields that differ between systems, by hand and with all four."""
    trial = trial_of(claim, results)
    before, after = (results.level(trial.name, way, "errors") for way in (BY_HAND, ALL_FOUR))
    verdict = judged(after, range_of(claim.claimed), more=False)
    return Beside(
        claim, trial.name, assumed(trial, "desk.entry_errors"),
        "fields that differ between systems over fields copied. By hand it is the input itself, so no finding",
        before, after, results.change(trial.name, BY_HAND, ALL_FOUR, "errors"), verdict,
        "What people mistype in the one system that they type into, nobody copies right: that is not in the model.",
    )  # fmt: skip


def status_change(claim: Claim, results: Results) -> Beside:
    """What one change takes by hand: the model begins with it."""
    trial = trial_of(claim, results)
    return Beside(
        claim, trial.name, assumed(trial, "desk.status_change"), "none: the model takes it as it is claimed",
        None, None, None, "an input",
        "An industry article says so; who measures it in their own practice should put that in its place.",
    )  # fmt: skip


def same_day(claim: Claim, results: Results) -> Beside:
    """What a change on its day takes, by hand and with all four."""
    trial = trial_of(claim, results)
    before, after = (results.level(trial.name, way, "minutes_a_disruption") for way in (BY_HAND, ALL_FOUR))
    verdict = judged(after, range_of(claim.claimed), more=False)
    needs = ""
    if verdict != "reached" and after is not None:
        needs = (
            "Where nobody says yes a person has it after all, and it takes them as long as before. Under five minutes "
            "on average would need nearly every one covered without a person."
        )
    return Beside(
        claim, trial.name, assumed(trial, "desk.same_day_change"),
        "coordinators' minutes over disruptions of the day, each with all visits that it hit", before, after,
        results.change(trial.name, BY_HAND, ALL_FOUR, "minutes_a_disruption"), verdict, needs,
    )  # fmt: skip


def notice(claim: Claim, results: Results) -> Beside:
    """How soon a booking is confirmed."""
    trial = trial_of(claim, results)
    before, after = (results.level(trial.name, way, "confirmed_in") for way in (BY_HAND, ALL_FOUR))
    verdict = judged(after, range_of(claim.claimed), more=False)
    needs = "" if verdict == "reached" else (
        "Who is asked answers when they can: a provider who sees patients does not in 90 seconds. Where a booking in "
        "free time is told, not asked, it holds."
    )  # fmt: skip
    return Beside(
        claim, trial.name, assumed(trial, "staff.page_median"),
        "95 of 100 bookings: seconds until the provider was told and it was delivered, or said yes", before, after,
        results.change(trial.name, BY_HAND, ALL_FOUR, "confirmed_in"), verdict, needs,
    )  # fmt: skip


def escalation(claim: Claim, results: Results) -> Beside:
    """How soon a person has it, by the windows of the shipped playbook."""
    trial = trial_of(claim, results)
    playbook = trial.policy.playbook
    waits = {
        path: minutes for path in ("urgent", "cover") if (minutes := minutes_to_a_person(playbook, path)) is not None
    }
    urgent = waits.get("urgent")
    found = Interval(urgent, urgent, urgent) if urgent is not None else None
    said = ", ".join(f"path {path} {minutes} min" for path, minutes in waits.items())
    return Beside(
        claim, trial.name, f"the shipped playbook: {said}", "windows of a path added up until its named human",
        None, found, None, judged(found, range_of(claim.claimed), more=False),
        "A window is a setting, not a finding. The urgent path has it; ordinary cover gives colleagues longer.",
    )  # fmt: skip
