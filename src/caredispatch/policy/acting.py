"""The grammar of what happens: actions, and the steps of a path. The whole file is in `grammar`; what refers to what is
`check`'s."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from caredispatch.core.playbook import Pool
from caredispatch.core.records import Order
from caredispatch.policy.notation import wrong
from caredispatch.policy.values import After, AtOnce, Channels, Name, Offered, Times, Title, Wait, Weight

CoverPreference = Literal["continuity", "care_plan", "location", "load"]
FillPreference = Literal["longest_wait", "care_plan", "continuity", "location"]
PlacePreference = Literal["soonest", "least_disturbance", "continuity", "care_plan", "location", "load"]


class Part(BaseModel):
    """A piece of the file: an unknown word is a mistake, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ConfirmArgs(Part):
    """Ask the provider or the patient along a path; a patient who does not answer is reminded before the start."""

    who: Literal["provider", "patient"]
    path: Name
    remind: Times = ()

    @model_validator(mode="after")
    def _patients_are_reminded(self) -> ConfirmArgs:
        if self.remind and self.who != "patient":
            raise wrong("only a patient is reminded.", "Remove `remind`: the path's steps wait for a provider.")
        return self


class CoverArgs(Part):
    """Find somebody else: whom to consider, in which order (by weights, or as law or contract demands), along which
    path. `together`: who is asked about several visits gets one question."""

    pool: Pool
    path: Name
    prefer: dict[CoverPreference, Weight] = Field(default_factory=dict)
    together: bool = False
    order: Order = "rank"


class FillArgs(Part):
    """Offer a time that became free to the waitlist."""

    path: Name
    from_: Annotated[Literal["waitlist"], Field(alias="from")] = "waitlist"
    prefer: dict[FillPreference, Weight] = Field(default_factory=dict)


class FollowUpArgs(Part):
    """Bring the patient back, after a while."""

    path: Name
    after: After = 0


class PlaceArgs(Part):
    """Find a time for a visit that has none."""

    pool: Pool
    path: Name
    prefer: dict[PlacePreference, Weight] = Field(default_factory=dict)


class TellArgs(Part):
    """Say something, expecting no answer."""

    who: Literal["provider", "patient"]
    text: Name
    by: Channels = ["sms", "email"]


class ActionPart(Part):
    """Exactly one of these."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    confirm: ConfirmArgs | None = None
    cover: CoverArgs | None = None
    fill: FillArgs | None = None
    follow_up: FollowUpArgs | None = None
    place: PlaceArgs | None = None
    tell: TellArgs | None = None
    hand_to: Name | None = None
    nothing: Title | None = None

    @model_validator(mode="after")
    def _one(self) -> ActionPart:
        words = list(type(self).model_fields)
        if sum(getattr(self, word) is not None for word in words) != 1:
            fix = f"Write exactly one of: {', '.join(words)}. Several are several items."
            raise wrong("this is not one action.", fix)
        return self


class DeclinePart(Part):
    """What a no leads to."""

    cover: CoverArgs


_STEP_KINDS: list[JsonValue] = [
    {
        "required": ["ask", "by", "for"],
        "not": {"anyOf": [{"required": [w]} for w in ("tell", "hand_to", "list", "owner")]},
    },
    {"required": ["tell"], "maxProperties": 1},
    {"required": ["hand_to"], "maxProperties": 1},
    {"required": ["list", "owner"], "maxProperties": 2},
]
_ASKING = ("by", "for_", "at_once", "on_decline", "offer")


class StepPart(Part):
    """Ask somebody for a while, say something, or end before a human or on the call list."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _STEP_KINDS})

    ask: Name | None = None
    by: Channels | None = None
    for_: Annotated[Wait | None, Field(alias="for")] = None
    at_once: AtOnce = 1
    on_decline: DeclinePart | None = None
    offer: Offered | None = None
    tell: TellArgs | None = None
    hand_to: Name | None = None
    list_: Annotated[Literal["calls"] | None, Field(alias="list")] = None
    owner: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> StepPart:
        given = self.model_fields_set
        if sum(v is not None for v in (self.ask, self.tell, self.hand_to, self.list_)) != 1:
            raise wrong("this is not one step.", "Write exactly one of: ask, tell, hand_to, list.")
        if self.ask is not None and (self.by is None or self.for_ is None):
            lacking = " and ".join(w for w, v in (("`by`", self.by), ("`for`", self.for_)) if v is None)
            fix = "Write for example { ask: pool, by: [sms, email], for: 15 min }."
            raise wrong(f"a step that asks needs {lacking}.", fix)
        if self.ask is None and given & set(_ASKING):
            words = ", ".join(f"`{w.rstrip('_')}`" for w in _ASKING if w in given)
            raise wrong(f"{words} only goes with `ask`.", "Remove it.")
        if (self.list_ is None) != (self.owner is None):
            raise wrong("`list: calls` and `owner` go together.", "Write { list: calls, owner: front_desk }.")
        return self


class PathPart(Part):
    """An escalation path, tried in order. `urgent` ignores quiet hours and limits."""

    steps: Annotated[list[StepPart], Field(min_length=1, max_length=20)]
    urgent: bool = False
