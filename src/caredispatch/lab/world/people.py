"""The people: what they do with what really arrives on their phone or in their mailbox.

Scripts say, per address, which text is answered how and after how long. They know of the product only
what the text says and what the linked page shows.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal
from urllib.parse import urlencode, urljoin

import httpx
from pydantic import BaseModel, ConfigDict, Field

from caredispatch.lab.world.clock import Timeline
from caredispatch.lab.world.outgoing import Call, Outgoing
from caredispatch.lab.world.page import Page, first_link
from caredispatch.lab.world.record import Record

Act = Literal["reply", "open", "open_yes", "open_no", "nothing"]
ANYONE = "*"


class Answer(BaseModel):
    """One rule.

    A text that matches is acted upon `after_s` business seconds later. `times` uses it up; None: never.
    """

    model_config = ConfigDict(extra="forbid")

    match: str = ""
    after_s: float = Field(default=0.0, ge=0.0)
    do: Act = "nothing"
    text: str = "Y"
    twice: bool = False
    times: int | None = Field(default=None, ge=1)


class Script(BaseModel):
    """What one person does.

    The first matching answer counts, else `default`. Address `*`: whoever has no script.
    """

    model_config = ConfigDict(extra="forbid")

    address: str
    answers: list[Answer] = []
    default: Answer = Answer()


class People:
    """Everybody outside the practice's software, by phone number or e-mail address."""

    def __init__(
        self,
        timeline: Timeline,
        outgoing: Outgoing,
        record: Record,
        reply: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._timeline = timeline
        self._outgoing = outgoing
        self._record = record
        self._reply = reply
        self._scripts: dict[str, Script] = {}

    def learn(self, script: Script) -> None:
        """Give an address its script, in place of an earlier one."""
        self._scripts[script.address] = script.model_copy(deep=True)

    def arrived(self, address: str, body: str, reply_to: str) -> None:
        """Something arrived: plan what its reader does."""
        script = self._scripts.get(address) or self._scripts.get(ANYONE)
        answer = self._chosen(script, body) if script else None
        if answer is None or answer.do == "nothing":
            return
        rounds = 2 if answer.twice else 1
        for _ in range(rounds):
            if answer.do == "reply":
                self._timeline.after(answer.after_s, partial(self._reply, address, answer.text))
            elif link := first_link(body):
                wanted = {"open_yes": "yes", "open_no": "no"}.get(answer.do)
                before = answer.after_s // 2 if wanted else answer.after_s
                visit = partial(self._visit, address, link, wanted, answer.after_s - before)
                self._timeline.after(before, visit)

    def _chosen(self, script: Script, body: str) -> Answer:
        for answer in script.answers:
            if not re.search(answer.match, body, re.IGNORECASE):
                continue
            if answer.times is not None:
                answer.times -= 1
                if answer.times == 0:
                    script.answers.remove(answer)
            return answer
        return script.default

    async def _visit(self, address: str, link: str, wanted: str | None, think_s: float) -> None:
        """Open the link (which must change nothing); the button is pressed after some thought."""

        def seen(response: httpx.Response) -> None:
            page = self._page(address, "GET", response)
            if wanted is None or not response.is_success:
                return
            form = page.form_with("answer", wanted)
            if form is None:
                self._record.add("page", address=address, method="POST", problem=f"no button for {wanted}")
                return
            url = urljoin(str(response.url), form.action or str(response.url))
            fields = {**form.fields, "answer": wanted}
            self._timeline.after(think_s, partial(self._press, address, url, str(response.url), fields))

        await self._outgoing.deliver(self._call("GET", link), seen)

    async def _press(self, address: str, url: str, referer: str, fields: dict[str, str]) -> None:
        def seen(response: httpx.Response) -> None:
            self._page(address, "POST", response)

        call = self._call("POST", url, urlencode(fields).encode(), referer)
        await self._outgoing.deliver(call, seen)

    @staticmethod
    def _call(method: str, url: str, body: bytes = b"", referer: str = "") -> Call:
        headers = {"Accept": "text/html", "User-Agent": "Mozilla/5.0 (phone)"}
        if method == "POST":
            origin = str(httpx.URL(referer).copy_with(raw_path=b"/")).rstrip("/")
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Referer": referer,
                "Origin": origin,
            }
        return Call("people", method, url, headers, body, lambda status: status < 500, follow_redirects=True)

    def _page(self, address: str, method: str, response: httpx.Response) -> Page:
        page = Page(response.text)
        self._record.add(
            "page",
            address=address,
            method=method,
            path=str(response.url),
            status=response.status_code,
            text=page.text,
            answers=[value for form in page.forms for name, value in form.buttons if name == "answer"],
        )
        return page
