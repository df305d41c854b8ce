"""Generic webhooks, both ways, in the Standard Webhooks format: `/sink/<name>` receives and verifies,
`send` signs.

Signing and verifying is the official library's; its time check is on wall time.
"""

from __future__ import annotations

import json
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from caredispatch.lab.world.clock import Clock
from caredispatch.lab.world.config import SinkSeed
from caredispatch.lab.world.outgoing import Call, Outgoing


class Sinks:
    """The receivers by name, and what each accepted."""

    def __init__(self, seeds: dict[str, SinkSeed], clock: Clock, outgoing: Outgoing) -> None:
        self._hooks = {name: Webhook(seed.secret) for name, seed in seeds.items()}
        self._clock = clock
        self._outgoing = outgoing
        self.received: dict[str, list[dict[str, Any]]] = {name: [] for name in seeds}
        self.app = Starlette(routes=[Route("/{name}", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        """200 for a signed webhook, 401 for another; the same id twice is kept twice and answered alike."""
        name = request.path_params["name"]
        if name not in self._hooks:
            return JSONResponse({"error": "unknown sink"}, 404)
        try:
            data = self._hooks[name].verify(await request.body(), dict(request.headers))
        except (WebhookVerificationError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 401)
        self.received[name].append({"id": request.headers["webhook-id"], "data": data})
        return JSONResponse({"ok": True})

    async def send(self, url: str, secret: str, hook_id: str, data: dict[str, Any]) -> None:
        """Send one signed webhook to the product."""
        body, sent_at = json.dumps(data), self._clock.wall()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": hook_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": Webhook(secret).sign(hook_id, sent_at, body),
        }
        await self._outgoing.deliver(Call("webhook", "POST", url, headers, body.encode()))
