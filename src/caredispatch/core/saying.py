"""A text that answers somebody, or wakes them, whatever it is about: nothing holds it up. News of a visit is told in
`asking`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id, make_id
from caredispatch.core.records import Delivery


def say_to(
    draft: Draft, contact_id: Id, person_id: Id, text: str, *, key: str | None, params: Mapping[str, str] | None = None
) -> None:
    """Say it at once; the same `key` in one decision is said once."""
    draft.send(
        Delivery(
            practice_id=draft.directory.practice_id,
            delivery_id=make_id("tell", contact_id, text, key, draft.now),
            kind="tell",
            ordering_key=f"contact:{contact_id}",
            created_at=draft.now,
            appointment_id=draft.appointment.appointment_id if draft.appointment else None,
            person_id=person_id,
            contact_id=contact_id,
            text=text,
            params=dict(params or {}),
            send_before=draft.now + timedelta(hours=1),
        )
    )
    draft.note("told", person=person_id, text=text)
