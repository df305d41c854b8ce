"""Words that may mean danger (D23): a fixed reply at once, and the clinicians on call know, at any hour, until somebody
has it. Nothing holds these texts up: neither quiet hours nor limits nor where the case stands."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id
from caredispatch.core.records import Channel, Exception_
from caredispatch.core.saying import say_to

REPLY = "crisis"
ALERT = "safety_alert"
_BY: tuple[Channel, ...] = ("sms", "email")


def in_crisis(draft: Draft, person_id: Id, contact_id: Id | None, text_id: Id | None) -> None:
    """Somebody wrote words that may mean danger: they are answered where they wrote from, and the clinicians are
    alerted; it is theirs until claimed."""
    owner = draft.playbook.clinician or draft.playbook.last_owner
    if contact_id is not None:
        say_to(draft, contact_id, person_id, REPLY, key=text_id)
    detail = {"person": person_id, **({"text": text_id} if text_id else {})}
    draft.raise_("safety", owner, key=text_id or person_id, detail=detail)
    alert(draft, owner, key=text_id or person_id)


def alert(draft: Draft, owner: str, *, key: str) -> None:
    """Wake the people behind a name of the playbook: each by the first contact that is usable."""
    reached = 0
    for handle in draft.playbook.people.get(owner, ()):
        staff = draft.directory.by_handle(handle)
        contacts = draft.facts.contacts.get(staff.staff_id, ()) if staff else ()
        contact = next((c for by in _BY for c in contacts if c.usable and c.channel == by), None)
        if staff is not None and contact is not None:
            say_to(draft, contact.contact_id, staff.staff_id, ALERT, key=key)
            reached += 1
    draft.note("alerted", owner=owner, people=reached)


def alert_again(draft: Draft, row: Exception_) -> None:
    """Nobody has it yet: whoever was alerted, and now also who is last responsible."""
    for name in dict.fromkeys((draft.playbook.clinician or row.owner, draft.playbook.last_owner)):
        alert(draft, name, key=f"{row.exception_id}:{row.escalated}")
