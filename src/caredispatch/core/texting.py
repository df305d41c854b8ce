"""How often one number may be texted, and what passes that limit (D21), and which system writes to patients about what
(D20)."""

from __future__ import annotations

from collections.abc import Mapping

from caredispatch.core.draft import Draft
from caredispatch.core.facts import ContactFacts
from caredispatch.core.ids import Id
from caredispatch.core.playbook import MessageKind
from caredispatch.core.records import OURS, Count

KIND_OF: Mapping[str, MessageKind] = {
    "confirm_patient": "booking",
    "booked_for_patient": "booking",
    "remind_patient": "reminder",
    "patient_settled": "change",
    "patient_moved": "change",
    "patient_cancelled": "cancellation",
}
"""Texts that another system may send in our place; whatever else patients read is ours alone."""


def sent_by_another(draft: Draft, text: str) -> bool:
    """Whether the practice named another system as the sender of this kind of message (D20)."""
    kind = KIND_OF.get(text)
    return kind is not None and draft.playbook.senders.get(kind, OURS) != OURS


def may_text(draft: Draft, person_id: Id, contact: ContactFacts) -> bool:
    """Whether one more automated text may go to a number: without recorded consent they are few. Staff, and whoever is
    answered, are not counted (D21); texts of this very decision are."""
    if not _is_counted(draft, person_id, contact):
        return True
    day, week = _counts(draft, contact)
    return all(
        sent + sum((c.person_id, c.what) == (count.person_id, count.what) for c in draft.counts) < count.most
        for sent, count in ((contact.texts_today, day), (contact.texts_this_week, week))
    )


def count_text(draft: Draft, person_id: Id, contact: ContactFacts) -> None:
    """Count a text that is let out."""
    if _is_counted(draft, person_id, contact):
        draft.counts += _counts(draft, contact)


def _is_counted(draft: Draft, person_id: Id, contact: ContactFacts) -> bool:
    staff = person_id in draft.directory.staff
    return not (staff or contact.consent or contact.channel != "sms" or person_id == draft.answering)


def _counts(draft: Draft, contact: ContactFacts) -> tuple[Count, Count]:
    practice_id, limits = draft.directory.practice_id, draft.playbook.limits
    return (
        Count(practice_id, contact.contact_id, "texts_day", draft.day.isoformat(), limits.texts_per_day),
        Count(practice_id, contact.contact_id, "texts_week", draft.week, limits.texts_per_week),
    )
