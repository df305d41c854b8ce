"""What connected calendars say of the people that a case asked about; a copy of the visit itself is no obstacle
(D10)."""

from __future__ import annotations

from caredispatch.core import booking
from caredispatch.core.confirm import advance_confirm, open_gate
from caredispatch.core.copying import replace
from caredispatch.core.cover import advance_cover
from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id
from caredispatch.core.moving_up import looked
from caredispatch.core.observation import Block, BusySeen
from caredispatch.core.reacting import react
from caredispatch.core.records import CaseKind


def busy_seen(draft: Draft, event: BusySeen) -> None:
    """What calendars say of the people that a case asked about."""
    case = draft.cases.get(event.case_id)
    if case is None or case.state != "open" or not draft.visit.active:
        draft.note("no_longer_asked", case=event.case_id)
        return
    said = {f"{event.connection_id}:{who}": _verdict(draft, event, who, case.kind) for who in event.asked}
    case = replace(case, checked={**case.checked, **said})
    draft.put(case)
    draft.note("calendars_said", **{key.replace(":", "_"): value for key, value in said.items()})
    if case.kind == "confirm" and "busy" in said.values():
        # Proven, whoever else was asked has not answered yet, and even when the answer comes late.
        draft.cover_role(case.role, "at_risk")
        draft.close(case, "closed", "conflict_found")
        react(draft, "conflict_found", role=case.role)
        return
    if case.phase != "checking" or "pending" in case.checked.values():
        return
    case = replace(case, phase="asking", due_at=draft.now)
    draft.put(case)
    if case.kind == "cover":
        if not case.together:  # whoever is asked about several is asked in the order of the visits, when that falls due
            advance_cover(draft, case)
    elif case.kind == "fill":
        looked(draft, case)
    elif case.kind == "place":
        booking.looked(draft, case)
    else:
        advance_confirm(draft, case)
        open_gate(draft)


def _verdict(draft: Draft, event: BusySeen, who: Id, kind: CaseKind) -> str:
    """What a calendar says of somebody. Whoever already has the visit is in no conflict with another visit that we
    know: such a block is its copy (D10), and what the two mean was weighed when they were seen (D1, E9)."""
    if event.failed is not None:
        return "unknown"
    visit = draft.visit
    for block in event.blocks:
        if block.resource_id != who or block.transparent or block.all_day or block.tentative:
            continue
        if kind == "confirm" and block.ours is not None:
            continue
        if block.start_at < visit.end_at and visit.start_at < block.end_at and not is_copy(draft, event, block):
            return "busy"
    return "free"


def is_copy(draft: Draft, event: BusySeen, block: Block) -> bool:
    """Whether a block was made for this very visit by a connected system (D10): it carries our id, is a known copy, or
    carries the external id of one."""
    links = [li for li in draft.links.values() if li.external_id is not None]
    return (
        block.ours == draft.visit.appointment_id
        or any(li.connection_id == event.connection_id and li.external_id == block.external_id for li in links)
        or (block.origin is not None and any(li.external_id == block.origin for li in links))
    )
