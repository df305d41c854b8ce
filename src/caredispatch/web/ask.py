"""The ask page behind a signed link, for staff and patients: works on any phone and without JavaScript. A GET shows
and changes nothing, so robots may open it; only the form acts (E31)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from caredispatch.core.answers import present_ask
from caredispatch.core.facts import Directory
from caredispatch.core.ids import Id
from caredispatch.core.observation import Answered, Label
from caredispatch.core.records import Appointment, Ask
from caredispatch.core.windows import zone
from caredispatch.store import pages
from caredispatch.store.pools import Connection
from caredispatch.web import ask_words
from caredispatch.web.ask_view import AskView, ask_view
from caredispatch.web.changes import Changes
from caredispatch.web.rendering import Rendering
from caredispatch.web.services import WebServices
from caredispatch.web.signin import same_site

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Door:
    """What a genuine link opened. `ask` is the present one where the visit was moved since `ask_id` was asked; `listed`
    are the doors of all that one message asked, this among them, where it was several (E18)."""

    practice_id: Id
    ask_id: Id
    ask: Ask
    visit: Appointment
    view: AskView
    tz: ZoneInfo
    language: str
    listed: tuple[Door, ...] = ()


async def _open(services: WebServices, token: str) -> Door | None:
    """Follow a link; None for one that is not ours, or whose ask does not exist."""
    found = services.links.read(token, services.tenants.practices().values())
    if found is None:
        return None
    practice_id, ask_id = found
    async with pages.in_practice(services.pool, practice_id) as connection:
        door = await _door(services, connection, practice_id, ask_id)
        others = await pages.listed_with(connection, practice_id, ask_id) if door is not None else []
        opened = [await _door(services, connection, practice_id, other) for other in others if len(others) > 1]
    return replace(door, listed=tuple(one for one in opened if one is not None)) if door is not None else None


async def _door(services: WebServices, connection: Connection, practice_id: Id, ask_id: Id) -> Door | None:
    door = await pages.ask_door(connection, practice_id, ask_id)
    if door is None:
        return None
    state = (await pages.states(connection, practice_id, [door.appointment_id])).get(door.appointment_id)
    if state is None or state.appointment is None:
        return None
    opened = next(a for a in state.asks if a.ask_id == ask_id)
    ask = present_ask(state.asks, {c.case_id: c for c in state.cases}, opened)
    view = ask_view(state, ask, services.clock.now(), waiting=door.waiting, claimed=door.claimed)
    here = zone(services.tenants.policy(practice_id).directory, state.appointment.location)
    tz = ZoneInfo(door.time_zone) if door.time_zone else here
    language = ask_words.language_of(door.language if ask.person_kind == "patient" else "en", ask.purpose)
    return Door(practice_id, ask_id, ask, state.appointment, view, tz, language)


def _not_here(request: Request) -> Response:
    rendering: Rendering = request.app.state.rendering
    both = [ask_words.words_of("en"), ask_words.words_of("es")]
    return rendering.page("ask_missing.html", 404, both=both)


_NO_PROVIDER = ("declined", "taken", "cancelled", "over")  # nobody is promised any more


@router.get("/a/{token}")
async def ask_page(request: Request, token: str) -> Response:
    """The question as it stands now."""
    services: WebServices = request.app.state.services
    rendering: Rendering = request.app.state.rendering
    door = await _open(services, token)
    if door is None:
        return _not_here(request)
    directory = services.tenants.policy(door.practice_id).directory
    if door.listed:
        return _several(rendering, services, door, directory)
    chosen = door.view.chosen
    provider_id = chosen.provider_id if chosen else door.ask.candidate_id or door.visit.actor("provider")
    provider = directory.staff.get(provider_id) if provider_id else None
    headline, sentence = ask_words.said(door.language, door.ask.purpose, door.view.shown)
    name = provider.name if provider else ""
    return rendering.page(
        "ask.html",
        door=door,
        practice=directory.name,
        service=directory.services.get(door.visit.service),
        location=directory.locations.get(door.visit.location),
        here=zone(directory, door.visit.location),
        provider=name if door.ask.person_kind == "patient" and door.view.shown not in _NO_PROVIDER else "",
        headline=headline.replace("{provider}", name),
        at=door.view.chosen or door.visit,
        names={staff.staff_id: staff.name for staff in directory.staff.values()},
        sites=directory.locations,
        zones={option.location: zone(directory, option.location) for option in door.view.options},
        sentence=sentence,
        small=ask_words.words_of(door.language),
        buttons=ask_words.buttons(door.language, door.ask.purpose, door.view.shown),
        now=services.clock.now(),
    )


def _several(rendering: Rendering, services: WebServices, door: Door, directory: Directory) -> Response:
    """All that one message asked, each as it stands now, with its own answer (E18)."""
    questions = [
        {
            "door": one,
            "service": directory.services.get(one.visit.service),
            "location": directory.locations.get(one.visit.location),
            "here": zone(directory, one.visit.location),
            "said": ask_words.said(one.language, one.ask.purpose, one.view.shown),
            "buttons": ask_words.buttons(one.language, one.ask.purpose, one.view.shown),
        }
        for one in door.listed
    ]
    small = ask_words.words_of(door.language)
    return rendering.page(
        "ask_several.html",
        door=door,
        practice=directory.name,
        questions=questions,
        small=small,
        now=services.clock.now(),
    )


@router.post("/a/{token}")
async def answer_ask(
    request: Request,
    token: str,
    answer: Annotated[str, Form(max_length=8)] = "",
    choice: Annotated[int | None, Form(ge=1, le=20)] = None,
    ask: Annotated[str, Form(max_length=36)] = "",
) -> Response:
    """Take an answer that the page still offers, to the `ask` that it names where it shows several; the page then shows
    what follows. Anything else changes nothing."""
    services: WebServices = request.app.state.services
    changes: Changes = request.app.state.changes
    door = await _open(services, token) if same_site(request) else None
    if door is not None and door.listed:
        door = next((one for one in door.listed if one.ask_id == ask), None)
    if door is None:
        return _not_here(request)
    options = len(door.view.options)
    known = choice is None or choice <= options
    if answer in door.view.choices and known and not (answer == "yes" and options > 1 and choice is None):
        label: Label = "yes" if answer == "yes" else "no"
        visit_id = door.visit.appointment_id
        chosen = choice if answer == "yes" else None
        await services.submits.submit(door.practice_id, visit_id, Answered(door.ask_id, label, "page", chosen))
        await services.submits.settled(door.practice_id, visit_id)
        changes.bump(door.practice_id)
    return RedirectResponse(f"/a/{token}", 303)
