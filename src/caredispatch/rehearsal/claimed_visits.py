"""Claims about visits: utilisation, and days that come apart."""

from __future__ import annotations

from caredispatch.rehearsal.beside import Beside, assumed, judged, trial_of
from caredispatch.rehearsal.claims import Claim, range_of
from caredispatch.rehearsal.outcomes import ALL_FOUR, BY_HAND, Results


def utilisation(claim: Claim, results: Results) -> Beside:
    """Kept minutes over offered minutes, by hand and with all four."""
    trial = trial_of(claim, results)
    before, after = (results.level(trial.name, way, "utilisation") for way in (BY_HAND, ALL_FOUR))
    change = results.change(trial.name, BY_HAND, ALL_FOUR, "utilisation")
    claimed = float(claim.claimed) - float(claim.by_hand)
    verdict = judged(change, (claimed, claimed), more=True)
    lost = results.level(trial.name, BY_HAND, "lost_share")
    needs = ""
    if verdict != "reached" and lost is not None:
        share = 100 * claimed / lost.middle if lost.middle else 0.0
        needs = (
            f"by hand {lost.middle:.1f} % of the offered minutes are booked and then cancelled, missed or left without "
            f"cover; {claimed:.0f} points more would mean that {_of_hundred(share)} is kept after all."
        )
    return Beside(
        claim, trial.name, f"{trial.facts.visits_a_day} visits a day; {assumed(trial, 'patients.no_show')}",
        "kept minutes over offered minutes (D39); compared is the gain in points",
        before, after, change, verdict, needs,
        f"Of all offers of a freed time {trial.parameters.patients.accepts_offer:g} % are accepted, and a no-show, "
        "which nobody knows of beforehand, can't be filled. What nobody ever booked is out of reach of the product: "
        "for gains as claimed more would have to be booked. By hand every patient is phoned beforehand, which prevents "
        "no-shows too; the product leaves alone what was booked before it began (D8).",
    )  # fmt: skip


def _of_hundred(share: float) -> str:
    return f"{share:.0f} % of that" if share <= 100 else f"more than all of that ({share:.0f} %)"


def scrambles(claim: Claim, results: Results) -> Beside:
    """Days that come apart, by hand and with all four."""
    trial = trial_of(claim, results)
    before, after = (results.level(trial.name, way, "scrambles") for way in (BY_HAND, ALL_FOUR))
    change = results.change(trial.name, BY_HAND, ALL_FOUR, "scrambles")
    wanted = range_of(claim.claimed)
    verdict = judged(after, wanted, more=False)
    staff = trial.parameters.staff
    needs = ""
    if before is not None and before.high < float(claim.by_hand):
        needs = f"by hand we come to {before.middle:.1f} a week, not {claim.by_hand}."
    return Beside(
        claim, trial.name, f"{assumed(trial, 'staff.call_outs')}; {assumed(trial, 'practice.add_ons')}",
        "disruptions of the day in which a person had to act, or that were not resolved (D37), a week",
        before, after, change, verdict, needs,
        f"One call-out is one incident however many visits it hits, and {staff.call_outs:g} % of the staff call out in "
        "a week: as many scrambles as claimed would need more call-outs, or count every visit. Of staff who are asked "
        f"{staff.answers_cover:g} % answer, {staff.accepts_cover:g} % of those say yes, and {staff.not_worked:g} % of "
        "what they took over is not worked: fewer scrambles would need more who can and will.",
    )  # fmt: skip
