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
from caredispatch.core.observation import Acted, ActName, Answered, Label, Observation, Settled
from caredispatch.core.records import Exception_, State
from caredispatch.core.windows import zone
from caredispatch.store import pages
from caredispatch.store.accounts import Session, account_by_handle
from caredispatch.web.changes import Changes
from caredispatch.web.forms import params_of
from caredispatch.web.services import WebServices
from caredispatch.web.signin import SignedIn

router = APIRouter()
ACTS: tuple[ActName, ...] = get_args(ActName)
Short = Annotated[str, Form(max_length=60)]
_OF_MANY: tuple[ActName, ...] = ("release_volume", "discard_volume")
_OF_VISIT: tuple[ActName, ...] = ("assign", "move", "overbook", "cancel", "pause_case", "resume_case", "undo")
_NEEDS_VISIT: tuple[ActName, ...] = ("assign", "move", "overbook", "cancel", "pause_case", "resume_case")
_SETTLE: dict[str, Label] = {"confirm_incident": "yes", "drop_incident": "no"}


async def put(request: Request, session: Session, subject_id: str, observation: Observation) -> None:
    """Hand one observation over and wait a moment for its decision."""
    services: WebServices = request.app.state.services
    changes: Changes = request.app.state.changes
    practice_id = session.account.practice_id
    await services.submits.submit(practice_id, subject_id, observation)
    await services.submits.settled(practice_id, subject_id)
    changes.bump(practice_id)


def _known_act(act: str) -> ActName:
    found = next((name for name in ACTS if name == act), None)
    if found is None:
        raise HTTPException(400)
    return found


async def _form(request: Request) -> dict[str, str]:
    """The form's fields, none longer than a sentence."""
    fields = {name: str(value) for name, value in (await request.form()).items()}
    if any(len(value) > 500 for value in fields.values()):
        raise HTTPException(400)
    return fields


async def _params(request: Request, session: Session, act: ActName, state: State | None) -> dict[str, str]:
    services: WebServices = request.app.state.services
    policy = services.tenants.policy(session.account.practice_id)
    first = next(iter(policy.directory.locations), "")
    where = state.appointment.location if state and state.appointment else first
    params = params_of(act, await _form(request), zone(policy.directory, where))
    if act == "hand_over" and params.get("to", "") not in policy.playbook.people:
        async with pages.in_practice(services.pool, session.account.practice_id) as connection:
            if await account_by_handle(connection, session.account.practice_id, params.get("to", "")) is None:
                return {}
    return params


@router.post("/exceptions/{exception_id}/act")
async def act_on_exception(request: Request, session: SignedIn, exception_id: UUID, act: Short) -> Response:
    """One act on one exception; back to the queue."""
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    async with pages.in_practice(services.pool, practice_id) as connection:
        row = await pages.exception(connection, practice_id, str(exception_id))
        visits = [row.appointment_id] if row is not None and row.appointment_id else []
        state = next(iter((await pages.states(connection, practice_id, visits)).values()), None)
    if row is None:
        raise HTTPException(404)
    if act in _SETTLE and row.detail.get("incident"):
        said: Label = _SETTLE[act]
        answer = Settled("yes" if said == "yes" else "no", session.account.handle)
        await put(request, session, row.detail["incident"], answer)
        await services.submits.settled(practice_id, row.exception_id)
        return RedirectResponse(f"/?e={row.exception_id}", 303)
    name = _known_act(act)
    if name in _NEEDS_VISIT and row.appointment_id is None:
        raise HTTPException(404)
    await _release_others(request, session, row, name)
    params = await _params(request, session, name, state)
    event = Acted(name, session.account.handle, Id(row.exception_id), params)
    await put(request, session, row.appointment_id or row.exception_id, event)
    return RedirectResponse(f"/?e={row.exception_id}", 303)


async def _release_others(request: Request, session: Session, row: Exception_, act: ActName) -> None:
    """A decision about a volume is one about every visit that waits behind it (D8)."""
    if act not in _OF_MANY or row.connection_id is None:
        return
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    async with pages.in_practice(services.pool, practice_id) as connection:
        held = await pages.held_visits(connection, practice_id, row.connection_id)
    for appointment_id in held:
        await services.submits.submit(practice_id, appointment_id, Acted(act, session.account.handle))


@router.post("/cases/{appointment_id}/act")
async def act_on_visit(request: Request, session: SignedIn, appointment_id: UUID, act: Short) -> Response:
    """An act on a visit without an exception; back to the case."""
    name = _known_act(act)
    if name not in _OF_VISIT:
        raise HTTPException(400)
    state = await _visit(request, session, str(appointment_id))
    params = await _params(request, session, name, state)
    await put(request, session, str(appointment_id), Acted(name, session.account.handle, None, params))
    return RedirectResponse(f"/cases/{appointment_id}", 303)


@router.post("/cases/{appointment_id}/answer")
async def answered_by_phone(
    request: Request,
    session: SignedIn,
    appointment_id: UUID,
    ask_id: Annotated[UUID, Form()],
    answer: Short,
) -> Response:
    """An answer that somebody gave by phone, taken down for them (D41): `yes`, `no`, or the number of the time
    that they choose."""
    if answer not in ("yes", "no") and not (answer.isdigit() and len(answer) == 1):
        raise HTTPException(400)
    state = await _visit(request, session, str(appointment_id))
    ask = next((row for row in state.asks if row.ask_id == str(ask_id)), None)
    if ask is None:
        raise HTTPException(404)
    choice = int(answer) if answer.isdigit() else None
    if choice is not None and not 1 <= choice <= len(ask.options):
        raise HTTPException(400)
    label: Label = "no" if answer == "no" else "yes"
    event = Answered(Id(str(ask_id)), label, "phone", choice, on_behalf=session.account.handle)
    await put(request, session, str(appointment_id), event)
    return RedirectResponse(f"/cases/{appointment_id}", 303)


async def _visit(request: Request, session: Session, appointment_id: str) -> State:
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    async with pages.in_practice(services.pool, practice_id) as connection:
        found = (await pages.states(connection, practice_id, [appointment_id])).get(appointment_id)
    if found is None:
        raise HTTPException(404)
    return found
