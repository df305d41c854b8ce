"""From a trigger to actions: each section is matched on its own, the stage decides whether the match acts (D29,
E30)."""

from __future__ import annotations

from collections.abc import Mapping

from caredispatch.core.asking import say
from caredispatch.core.confirm import open_confirm
from caredispatch.core.cover import open_cover
from caredispatch.core.draft import Draft
from caredispatch.core.filling import open_fill
from caredispatch.core.following_up import open_follow_up
from caredispatch.core.gaps import stand_on_list
from caredispatch.core.placing import open_place
from caredispatch.core.playbook import (
    ROLE_LOST,
    Action,
    Confirm,
    Cover,
    Fill,
    FollowUp,
    HandTo,
    Nothing,
    Place,
    Section,
    Tell,
    Trigger,
)
from caredispatch.core.records import PATIENT, PROVIDER, StageName
from caredispatch.core.routing import fact_of, route

SECTIONS_OF: Mapping[Trigger, tuple[Section, ...]] = {
    "booked": ("staff", "patient"),
    "rescheduled": ("staff", "patient"),
    "cancelled": ("patient", "slot"),
    "staff_unavailable": ("staff",),
    "conflict_found": ("staff",),
    "no_show": ("patient", "slot"),
    "arrived": ("patient",),
    "fulfilled": ("patient",),
    "slot_opened": ("slot",),
    "add_on": ("staff",),
    "request_received": ("patient",),
    "coverage_gap": ("staff",),
    "patient_confirmed": ("patient",),
    "patient_declined": ("patient",),
    "patient_silent": ("patient",),
    "staff_late": ("patient",),
    "patient_late": ("staff",),
    "visit_not_started": ("staff",),
    "location_closed": ("patient",),
    "series_changed": ("staff", "patient"),
    "staff_leaving": ("staff",),
}
Started = Confirm | Cover | Fill | FollowUp | Place | Tell
"""Actions that a stage must be live for."""
ASKED_ABOUT: tuple[Trigger, ...] = ("booked", "rescheduled", "series_changed")
"""Triggers after which the staff's agreement counts anew."""
NEEDS_SOMEBODY: tuple[Trigger, ...] = ("patient_declined", "request_received", "location_closed")
"""Triggers that a person gets where no rule of the patient section says what to do."""


def react(draft: Draft, trigger: Trigger, *, role: str = PROVIDER, only: tuple[Section, ...] | None = None) -> None:
    """Match every section that a trigger concerns, and act. `role` is the one it is about."""
    draft.triggers.append(trigger)
    lost = role if trigger in ROLE_LOST else None
    for section in only or SECTIONS_OF[trigger]:
        routed = route(section, trigger, draft.visit, draft.facts, draft.playbook, draft.now, lost)
        draft.rules.append(routed)
        if routed.missing is not None:
            detail = {"fact": routed.missing, **_about(trigger, role)}
            draft.raise_("missing_fact", draft.playbook.last_owner, key=_key(section, trigger, role), detail=detail)
        elif routed.rule is None:
            draft.note("no_rule", section=section, trigger=trigger)
            if trigger == "coverage_gap":
                stand_on_list(draft, role, "no_rule")
            elif section == "staff" or trigger in NEEDS_SOMEBODY:
                detail = {**_about(trigger, role), "why": "no_rule"}
                draft.raise_("handed_over", draft.playbook.last_owner, key=_key(section, trigger, role), detail=detail)
        else:
            for action in routed.rule.then:
                act(draft, action, routed.rule.name, trigger, role)


def along(draft: Draft, trigger: Trigger, *, only: tuple[Section, ...] | None = None) -> None:
    """What a visit does that another one of its series leads (D3): the same questions, which wait for what that one
    hears. Whatever else the rules say is done once, there."""
    for section in only or SECTIONS_OF[trigger]:
        routed = route(section, trigger, draft.visit, draft.facts, draft.playbook, draft.now)
        draft.rules.append(routed)
        if routed.rule is None or not _is_automatic(draft):
            continue
        for action in routed.rule.then:
            match action:
                case Confirm() | Tell(who="provider"):
                    _confirm_or_tell(draft, action, routed.rule.name, trigger)
                case _:
                    pass


def _is_automatic(draft: Draft) -> bool:
    """Whether questions start by themselves here; where they don't, a person has the visit that leads."""
    first = fact_of("automation", draft.visit, draft.facts, draft.playbook, draft.now)
    return first != "human_first" and draft.stage("booking_confirmation") == "live"


def react_where_ruled(draft: Draft, trigger: Trigger) -> None:
    """React to what is no news where the playbook says nothing of it."""
    sections = (draft.playbook.sections.get(section, ()) for section in SECTIONS_OF[trigger])
    if any(trigger in rule.when for rules in sections for rule in rules):
        react(draft, trigger)


def _about(trigger: Trigger, role: str) -> dict[str, str]:
    """What an item for a person is about; where a role was lost, also which (D2)."""
    return {"trigger": trigger, "role": role} if trigger in ROLE_LOST else {"trigger": trigger}


def _key(what: str, trigger: Trigger, role: str) -> str:
    """Under which key the same item is not raised twice; two roles lost at once are two."""
    return f"{what}:{trigger}:{role}" if trigger in ROLE_LOST else f"{what}:{trigger}"


def act(draft: Draft, action: Action, rule: str, trigger: Trigger, role: str) -> None:
    """One action in a rule's name, as far as its stage goes."""
    match action:
        case HandTo(who=who):
            detail = {"rule": rule, **_about(trigger, role)}
            draft.raise_("handed_over", who, key=_key(rule, trigger, role), detail=detail)
        case Nothing(reason=reason):
            draft.note("nothing", rule=rule, reason=reason)
        case _:
            stage, would_ask = _stage_of(action)
            if _goes_ahead(draft, stage, rule, trigger, role, would_ask, shadow_runs=isinstance(action, Cover)):
                _begin(draft, action, rule, trigger, role)


def _stage_of(action: Started) -> tuple[StageName, str]:
    """The stage that an action belongs to, and whom it would ask."""
    match action:
        case Confirm(who=who) | Tell(who=who):
            return "booking_confirmation", who
        case FollowUp():
            return "no_show_follow_up", PATIENT
        case Fill():
            return "dispatch_routing", "waitlist"
        case Cover() | Place():
            return "dispatch_routing", PATIENT


def _begin(draft: Draft, action: Started, rule: str, trigger: Trigger, role: str) -> None:
    match action:
        case Confirm() | Tell():
            _confirm_or_tell(draft, action, rule, trigger)
        case Cover():
            open_cover(draft, action, rule, role)
        case Fill():
            open_fill(draft, action, rule)
        case FollowUp():
            open_follow_up(draft, action, rule)
        case Place():
            open_place(draft, action, rule)


def _confirm_or_tell(draft: Draft, action: Confirm | Tell, rule: str, trigger: Trigger) -> None:
    """Staff who are told of a booking count as confirmed until they object (D16); whatever else is said is said."""
    match action:
        case Confirm(who="patient", path=path, remind=remind):
            open_confirm(draft, PATIENT, rule, path, None, remind=remind)
        case Confirm(path=path):
            _each_staff_role(draft, rule, path, None)
        case Tell(who="provider", text=text) if trigger in ASKED_ABOUT:
            _each_staff_role(draft, rule, "", text)
        case Tell():
            say(draft, action, f"{rule}:{draft.visit.version}")


def _each_staff_role(draft: Draft, rule: str, path: str, text: str | None) -> None:
    for participant in draft.visit.participants:
        if participant.kind != "staff" or participant.coverage in ("at_risk", "uncovered"):
            continue
        concerned = draft.concerned is None or participant.role in draft.concerned
        if concerned and draft.open_case("cover", participant.role) is None:
            open_confirm(draft, participant.role, rule, path, text)


def _goes_ahead(
    draft: Draft,
    stage: StageName,
    rule: str,
    trigger: Trigger,
    role: str,
    would_ask: str,
    *,
    shadow_runs: bool,
) -> bool:
    """Whether an action starts by itself. Otherwise a person gets what it would have done, marked: an off or shadow
    stage (D29), or a service or patient for whom a human comes first (D31)."""
    owner = draft.playbook.last_owner
    if fact_of("automation", draft.visit, draft.facts, draft.playbook, draft.now) == "human_first":
        detail = {"rule": rule, **_about(trigger, role), "why": "human_first"}
        draft.raise_("handed_over", owner, key=_key(rule, trigger, role), detail=detail)
        return False
    state = draft.stage(stage)
    if state == "live" or (state == "shadow" and shadow_runs):
        return True
    detail = {"stage": stage, "state": state, "rule": rule, **_about(trigger, role)}
    if state == "shadow":
        detail["would_ask"] = would_ask
    draft.raise_("stage_not_live", owner, key=_key(rule, trigger, role), detail=detail)
    return False
