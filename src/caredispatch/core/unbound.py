"""What belongs to no single appointment: texts that fit no one question, exceptions of a connection or practice, and
the climb of exceptions that nobody claims (D5, D22, D28)."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.copying import replace
from caredispatch.core.draft import DANGER_WAITS, Draft
from caredispatch.core.observation import NoticeFailed, TextReceived, VolumeSeen
from caredispatch.core.records import Suppression
from caredispatch.core.safety import alert_again, in_crisis
from caredispatch.core.saying import say_to
from caredispatch.core.tending import ASLEEP, wake

CALLS_OF_A_VISIT = ("confirm_patient", "agree_patient", "bad_news", "tell")
MOST_PATIENCE = timedelta(hours=1)


def text_received(draft: Draft, event: TextReceived) -> None:
    """A text that could not be tied to one open question: ask back, or say that nothing is open (D5)."""
    practice_id = draft.directory.practice_id
    owner = draft.playbook.last_owner
    detail: dict[str, str] = {"person": event.person_id}
    if event.text_id:
        detail["text"] = event.text_id
    match event.label:
        case "opt_out" | "wrong_number":
            status = "wrong" if event.label == "wrong_number" else "opted_out"
            draft.suppressions.append(Suppression(practice_id, event.contact_id, status))  # type: ignore[arg-type]  # a status
            cancels = event.carrier_word and event.open_asks
            kind = "probably_cancels" if cancels else "handed_over"
            detail |= {} if cancels else {"why": "find_new_contact"}
            draft.raise_(kind, owner, key=event.text_id or event.contact_id, detail=detail)  # type: ignore[arg-type]  # a kind
        case "yes" | "no" if len(event.open_asks) > 1:
            _say(draft, event, "which_question", {"questions": ",".join(event.open_asks)})
        case "yes" | "no":
            _say(draft, event, "no_open_question", {})
        case "opt_in":
            draft.suppressions.append(Suppression(practice_id, event.contact_id, "usable"))
        case "crisis":
            in_crisis(draft, event.person_id, event.contact_id, event.text_id)
        case _:
            if event.label != "human":
                detail["said"] = event.label
            draft.raise_("free_text", owner, key=event.text_id or event.contact_id, detail=detail)


def _say(draft: Draft, event: TextReceived, text: str, params: dict[str, str]) -> None:
    say_to(draft, event.contact_id, event.person_id, text, key=event.text_id, params=params)


def put_before_human(draft: Draft, event: NoticeFailed | VolumeSeen) -> None:
    """What a person must know of a connection: a notice that can't be used, or an unusual volume."""
    owner = draft.playbook.last_owner
    if isinstance(event, VolumeSeen):
        detail = {"changes": str(event.changes), "usual": str(event.usual), "system": event.connection_id}
        draft.raise_("volume", owner, connection_id=event.connection_id, key=event.bucket, detail=detail)
        return
    detail = {"reason": event.reason, "notice": event.notice_id, "system": event.connection_id}
    if event.external_id:
        detail["external_id"] = event.external_id
    draft.raise_(event.why, owner, connection_id=event.connection_id, key=event.notice_id, detail=detail)


def exceptions_due(draft: Draft) -> None:
    """An exception that nobody claimed in time climbs to the last owner, and again and again (D28). Whom to phone
    about a visit that is over is nobody's question any more."""
    if draft.appointment is not None and draft.visit.end_at <= draft.now:
        for need in CALLS_OF_A_VISIT:
            draft.resolve_exceptions("visit_over", "call", need=need)
    for row in list(draft.exceptions.values()):
        if row.state == "open" and row.ack_by <= draft.now and ASLEEP in row.detail:
            wake(draft, row)
        elif row.state == "open" and row.ack_by <= draft.now:
            patience = timedelta(minutes=draft.playbook.acknowledge_minutes) * (row.escalated + 1)
            if row.kind == "safety":
                patience = DANGER_WAITS
                alert_again(draft, row)
            draft.put(
                replace(
                    row,
                    owner=draft.playbook.last_owner,
                    escalated=row.escalated + 1,
                    ack_by=draft.now + min(patience, MOST_PATIENCE),
                )
            )
            draft.note("escalated", exception=row.exception_id, owner=draft.playbook.last_owner)
