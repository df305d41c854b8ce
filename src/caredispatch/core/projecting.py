"""One record, projected outwards: what each copy should say, whether it says so, and what must be sent for it to."""

from __future__ import annotations

from caredispatch.core.content import Content
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.facts import System
from caredispatch.core.ids import Id, make_id
from caredispatch.core.merge import represent
from caredispatch.core.records import Delivery, Link

CREATE_WHEN = ("tentative", "confirmed")


def project(draft: Draft) -> None:
    """Compare every copy with the record and let a write out where it differs. While a cancellation settles, and
    where a conflict waits for a person, nothing is written; what has no time or no patient yet is nobody's visit."""
    visit = draft.appointment
    if visit is None or visit.settle_at is not None or not visit.timed or visit.is_slot:
        return
    _create_missing(draft)
    content = represent(draft.visit)
    for link in list(draft.links.values()):
        system = draft.directory.systems.get(link.connection_id)
        if system is not None and system.writes:
            _one(draft, link, _wanted(draft, system, content))


def ordering_key(connection_id: str, appointment_id: Id) -> str:
    """What is written about one visit to one system goes in order: its copies, and the holds that would be in their
    way."""
    return f"visit:{connection_id}:{appointment_id}"


def _create_missing(draft: Draft) -> None:
    """A visit that we coordinate gets its copy once the staffing holds; what a first load brought in does not (D8)."""
    visit = draft.visit
    staffing = [c for c in draft.cases.values() if c.state == "open" and c.role != "patient"]
    unsure = any(c.kind == "cover" or c.phase == "checking" for c in staffing)
    if unsure or not visit.active or visit.coverage not in CREATE_WHEN or visit.end_at <= draft.now:
        return
    there = {link.connection_id for link in draft.links.values()}
    for system in sorted(draft.directory.systems.values(), key=lambda s: s.connection_id):
        if system.creates and system.connection_id not in there and draft.cases:
            link_id = make_id("link", visit.practice_id, system.connection_id, visit.appointment_id, "created")
            draft.put(Link(visit.practice_id, link_id, system.connection_id, visit.appointment_id))


def wanted_of(draft: Draft, link: Link) -> Content:
    """What a copy should say, as far as it takes it."""
    system = draft.directory.systems.get(link.connection_id)
    return _wanted(draft, system, represent(draft.visit)) if system else {}


def _wanted(draft: Draft, system: System, content: Content) -> Content:
    """Who accepted is said only of those whom we coordinate: of the others the system knows better (D8). A status that
    it has no word for is not asked of it."""
    ours = {case.role for case in draft.cases.values()}
    wanted = {key: value for key, value in content.items() if key in system.writes}
    if system.statuses and wanted.get("status") not in system.statuses:
        wanted.pop("status", None)
    return {k: v for k, v in wanted.items() if not k.startswith("accepted.") or k.removeprefix("accepted.") in ours}


def _given_up(draft: Draft, link: Link, wanted: Content) -> bool:
    """A copy that a person decides about, or did: it is left alone until the record changes again."""
    if link.state not in ("conflict", "refused"):
        return False
    undecided = any(e.detail.get("key") == link.link_id and e.state != "resolved" for e in draft.exceptions.values())
    return undecided or link.wanted == wanted


def _unread(link: Link) -> bool:
    """Whether our last write was not read back yet: what was seen before it proves nothing."""
    return link.written_order is not None and (link.seen_order is None or link.seen_order < link.written_order)


def _one(draft: Draft, link: Link, wanted: Content) -> None:
    if link.external_id is None and not draft.visit.active and link.wanted is None:
        return
    if all(link.seen.get(key) == value for key, value in wanted.items()):
        if link.state == "conflict" and _given_up(draft, link, wanted):
            return
        if _unread(link):
            draft.put(replace(link, wanted=wanted, state="idle"))
            return
        if link.wanted != wanted or link.state != "landed":
            at = link.landed_at if link.state == "landed" else draft.now
            draft.put(replace(link, wanted=wanted, state="landed", landed_at=at, sent=(), rounds=0))
        return
    if (link.wanted == wanted and link.state == "waiting") or _given_up(draft, link, wanted):
        return
    draft.put(replace(link, wanted=wanted, state="waiting"))
    draft.send(
        Delivery(
            practice_id=link.practice_id,
            delivery_id=make_id("write", link.link_id, draft.visit.version, link.rounds, draft.now),
            kind="write",
            ordering_key=ordering_key(link.connection_id, link.appointment_id),
            created_at=draft.now,
            appointment_id=link.appointment_id,
            connection_id=link.connection_id,
            link_id=link.link_id,
        )
    )
