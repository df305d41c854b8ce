"""A signed-in coordinator for the demo: real HTTP, real forms, nothing that a person in a browser could not do."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from caredispatch.lab.world.page import Form, Page

LOOKS, LOOK_AGAIN_SECONDS = 12, 0.25


class PageFailed(Exception):
    """The page did not come, or does not offer what was looked for."""


class Browser:
    """Keeps cookies and presses buttons."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._http = httpx.AsyncClient(base_url=base_url, follow_redirects=True, timeout=20, trust_env=False)

    async def close(self) -> None:
        """Close the window."""
        await self._http.aclose()

    async def open(self, path: str) -> Page:
        """The page at a path. Raises PageFailed."""
        return await self._page("GET", path)

    async def submit(self, path: str, form: Form, **fields: str) -> Page:
        """Send a form of the page at `path`, with some fields filled in. Raises PageFailed."""
        url = urljoin(f"{self.base_url}{path}", form.action or path)
        return await self._page("POST", url, data={**form.fields, **fields}, headers={"Origin": self.base_url})

    async def _page(self, method: str, address: str, **sent: Any) -> Page:
        where = urlsplit(address).path
        try:
            answer = await self._http.request(method, address, **sent)
        except httpx.HTTPError as error:
            raise PageFailed(f"{method} {where} got no answer ({type(error).__name__})") from None
        if answer.is_error:
            raise PageFailed(f"{method} {where} was answered with {answer.status_code}")
        return Page(answer.text)

    async def sign_in(self, once_path: str) -> None:
        """Use a one-time sign-in link. Raises PageFailed."""
        page = await self.open(once_path)
        form = next((f for f in page.forms if f.method == "post"), None)
        if form is None:
            raise PageFailed("the one-time link has no button")
        await self.submit(once_path, form)

    async def announce(self, what: str, **fields: str) -> Page:
        """Take down what somebody said, or that a site closes. Raises PageFailed."""
        page = await self.open("/staff")
        form = next((f for f in page.forms if f.fields.get("what") == what), None)
        if form is None:
            raise PageFailed(f"/staff offers no {what}")
        return await self.submit("/staff", form, **fields)

    async def act(self, path: str, action: str, **fields: str) -> Page:
        """Press the button of the form on the page at `path` that posts to an address with `action` in it. A page may
        be a moment old (E32): it is looked at again. Raises PageFailed."""
        for _ in range(LOOKS):
            for form in (await self.open(path)).forms:
                carries = (form.fields.get("act"), *(value for name, value in form.buttons if name == "act"))
                if form.method == "post" and (action in carries or form.action.endswith(f"/{action}")):
                    extra = {"act": action} if ("act", action) in form.buttons else {}
                    return await self.submit(path, form, **extra, **fields)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        raise PageFailed(f"{path} offers no {action}")
