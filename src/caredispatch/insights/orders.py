"""The proof that an order of asking was kept (D30): every decision that asked in such an order, judged again from what
the journal recorded of it, by an evaluation of its own that shares nothing with the ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

SKIPPED: Mapping[str, str] = {
    "unreachable": "no way to reach them",
    "limit_reached": "asked as often as they may be",
    "quiet": "in their quiet hours",
    "asked_for_another_role": "asked for another role of the visit",
}
"""Why somebody whose turn it was is not asked: noted in the decision itself."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One person of a round in their order: asked, or passed over and why (None: no reason on record)."""

    handle: str
    asked: bool
    passed_over: str | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One decision that asked somebody of a pool in an order: who was next, who was asked, whether it was kept."""

    subject_id: str
    seq: int
    at: datetime
    case_id: str
    ordering: str
    turns: tuple[Turn, ...]
    kept: bool


@dataclass(slots=True)
class Proof:
    """The rounds of some journal lines; `cases` are the cover cases so far (order, path), `asked` who was asked in each
    before."""

    rounds: list[Round] = field(default_factory=list)
    cases: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)

    @property
    def broken(self) -> list[Round]:
        """Rounds in which the order was not kept."""
        return [r for r in self.rounds if not r.kept]


def add_line(
    proof: Proof, subject_id: str, seq: int, body: Mapping[str, Any], staff: Mapping[str, Any], pool_steps: set[str]
) -> None:
    """Judge one journalled decision. `staff` is the directory of its version (staff id -> `handle`, `since`,
    `volunteers`), `pool_steps` the `path:step` places at which a pool is asked."""
    decision = body["decision"]
    for case in decision["cases"]:
        if case["kind"] == "cover":
            proof.cases[case["case_id"]] = case["ordering"], case["path"]
    new = [a for a in decision["asks"] if a["purpose"] == "cover" and a["asked_at"] == body["now"]]
    for case_id in sorted({a["case_id"] for a in new}):
        ordering, path = proof.cases.get(case_id, ("rank", ""))
        before = proof.asked.setdefault(case_id, set())
        fresh = [a for a in new if a["case_id"] == case_id and a["person_id"] not in before]
        now = [a["person_id"] for a in fresh]
        if ordering != "rank" and any(f"{path}:{a['step']}" in pool_steps for a in fresh):
            turns = _turns(ordering, body, staff, before, now)
            kept = all(t.asked or t.passed_over is not None for t in _until_last(turns))
            proof.rounds.append(Round(subject_id, seq, body["now"], case_id, ordering, turns, kept))
        before.update(now)


def _until_last(turns: Sequence[Turn]) -> Sequence[Turn]:
    """Everybody before, and with, the last who was asked: who comes after need not be looked at."""
    last = max(i for i, turn in enumerate(turns) if turn.asked)
    return turns[: last + 1]


def _turns(
    ordering: str, body: Mapping[str, Any], staff: Mapping[str, Any], before: set[str], now: list[str]
) -> tuple[Turn, ...]:
    trace = body["decision"]["trace"]
    eligible = {c["staff_id"] for c in trace["candidates"] if c["eligible"] == "yes"} | set(now)
    skipped = {n["person"]: SKIPPED[n["code"]] for n in trace["notes"] if n["code"] in SKIPPED and "person" in n}
    in_order = sorted(eligible - before, key=lambda who: (*_place(ordering, who, body["facts"], staff), who))
    return tuple(Turn(staff[who]["handle"], who in now, None if who in now else skipped.get(who)) for who in in_order)


def _place(ordering: str, who: str, facts: Mapping[str, Any], staff: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where somebody stands, in the words of the contract: text compares as dates do."""
    newest = date.max.isoformat()
    since = str(staff[who].get("since") or newest)
    match ordering:
        case "seniority":
            return since, staff[who]["handle"]
        case "rotation":
            return str(facts["offered_at"].get(who) or ""), since, staff[who]["handle"]
        case "least_hours":
            return facts["week_minutes"].get(who, 0), since, staff[who]["handle"]
        case _:
            inverse = -date.fromisoformat(since).toordinal()
            return (0, since, staff[who]["handle"]) if staff[who]["volunteers"] else (1, inverse, staff[who]["handle"])
