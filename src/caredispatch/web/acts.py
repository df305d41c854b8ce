"""What a signed-in person does: each form becomes one observation, decided like everything else. The page that comes
back shows the state after the decision, or says that it is being worked on."""

from __future__ import annotations

from typing import Annotated, get_args
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from caredispatch.core.ids import Id
from caredispatch.core.observation import Acted, ActName, Answered, Label, Observation
from caredispatch.core.records import State
from caredispatch.store import pages
from caredispatch.store.accounts import Session
from caredispatch.web.changes import Changes
from caredispatch.web.services import WebServices
from caredispatch.web.signin import SignedIn

router = APIRouter()
ACTS: tuple[ActName, ...] = get_args(ActName)
Short = Annotated[str, Form(max_length=60)]
Long = Annotated[str, Form(max_length=500)]
_OF_MANY: tuple[ActName, ...] = ("release_volume", "discard_volume")
_OF_VISIT: tuple[ActName, ...] = ("assign", "cancel")


async def _put(request: Request, session: Session, subject_id: str, observation: Observation) -> None:
    """Hand one observation over and wait a moment for its decision."""
    services: WebServices = request.app.state.services
    changes: Changes = request.app.state.changes
    practice_id = session.account.practice_id
    await services.submits.submit(practice_id, subject_id, observation)
    await services.submits.settled(practice_id, subject_id)
    changes.bump(practice_id)


def _params(act: ActName, staff_id: str, role: str, reason: str, note: str) -> dict[str, str]:
    match act:
        case "assign":
            return {"role": role or "provider", "staff_id": staff_id, "reason": reason.strip()}
        case "cancel":
            return {"reason": reason.strip()}
        case "resolve":
            return {"note": note.strip()} if note.strip() else {}
        case _:
            return {}


def _known_act(act: str) -> ActName:
    found = next((name for name in ACTS if name == act), None)
    if found is None:
        raise HTTPException(400)
    return found


@router.post("/exceptions/{exception_id}/act")
async def act_on_exception(
    request: Request,
    session: SignedIn,
    exception_id: UUID,
    act: Short,
    staff_id: Short = "",
    role: Short = "",
    reason: Long = "",
    note: Long = "",
) -> Response:
    """One act on one exception; back to the queue."""
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    name = _known_act(act)
    async with pages.in_practice(services.pool, practice_id) as connection:
        row = await pages.exception(connection, practice_id, str(exception_id))
        many = name in _OF_MANY and row is not None and row.connection_id is not None
        held = await pages.held_visits(connection, practice_id, row.connection_id or "") if row and many else []
    if row is None or (name in _OF_VISIT and row.appointment_id is None):
        raise HTTPException(404)
    account = session.account.handle
    for appointment_id in held:
        await services.submits.submit(practice_id, appointment_id, Acted(name, account))
    act_ = Acted(name, account, Id(row.exception_id), _params(name, staff_id, role, reason, note))
    await _put(request, session, row.appointment_id or row.exception_id, act_)
    return RedirectResponse(f"/?e={row.exception_id}", 303)


@router.post("/cases/{appointment_id}/act")
async def act_on_visit(
    request: Request,
    session: SignedIn,
    appointment_id: UUID,
    act: Short,
    staff_id: Short = "",
    role: Short = "",
    reason: Long = "",
) -> Response:
    """Assign or cancel without an exception; back to the case."""
    name = _known_act(act)
    if name not in _OF_VISIT:
        raise HTTPException(400)
    await _visit(request, session, str(appointment_id))
    await _put(
        request,
        session,
        str(appointment_id),
        Acted(name, session.account.handle, None, _params(name, staff_id, role, reason, "")),
    )
    return RedirectResponse(f"/cases/{appointment_id}", 303)


@router.post("/cases/{appointment_id}/answer")
async def answered_by_phone(
    request: Request,
    session: SignedIn,
    appointment_id: UUID,
    ask_id: Annotated[UUID, Form()],
    answer: Short,
) -> Response:
    """An answer that somebody gave by phone, taken down for them (D41)."""
    if answer not in ("yes", "no"):
        raise HTTPException(400)
    state = await _visit(request, session, str(appointment_id))
    if str(ask_id) not in {row.ask_id for row in state.asks}:
        raise HTTPException(404)
    label: Label = "yes" if answer == "yes" else "no"
    event = Answered(Id(str(ask_id)), label, "phone", on_behalf=session.account.handle)
    await _put(request, session, str(appointment_id), event)
    return RedirectResponse(f"/cases/{appointment_id}", 303)


async def _visit(request: Request, session: Session, appointment_id: str) -> State:
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    async with pages.in_practice(services.pool, practice_id) as connection:
        found = (await pages.states(connection, practice_id, [appointment_id])).get(appointment_id)
    if found is None:
        raise HTTPException(404)
    return found
