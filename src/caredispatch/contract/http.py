"""How an HTTP call ends, said once for all connectors: transport errors and status codes become outcomes (E21).

A reason never repeats what the other side wrote, for it may name a person; of a refusal only its code is kept. Nothing
is retried here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx

from caredispatch.contract.outcome import Conflict, Refused, TryLater, Unknown
from caredispatch.contract.verbs import Health

Explain = Callable[[httpx.Response], str | None]
"""The system's own code for a refusal, if its answer has one. Must not raise."""

LONGEST_WAIT = timedelta(days=1)
_NOT_NOW = frozenset({408, 423, 425, 429})
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_FIXES = {
    400: "the request was not understood; see the connector's page for what the system takes",
    401: "our key is not accepted; check the connection's secret settings",
    403: "our key may not do this; give its account the right in that system",
    404: "there is no such thing there (any more); check its id and the connection's address",
    405: "the system does not offer this; see the connector's page for the settings that avoid it",
    410: "the address is gone; ask its owner for the new one",
    422: "the content is against that system's rules; see its entry there",
}


def no_code(response: httpx.Response) -> str | None:
    """For systems whose refusals carry no code."""
    return None


async def call(
    http: httpx.AsyncClient, request: httpx.Request, *, also: Collection[int] = (), explain: Explain = no_code
) -> httpx.Response | TryLater | Refused | Conflict | Unknown:
    """One request. A response is returned for 2xx and for the statuses in `also`; all else is an outcome."""
    try:
        response = await http.send(request)
    except _NOTHING_SENT as error:
        return TryLater(f"not reached ({type(error).__name__})")
    except (httpx.LocalProtocolError, httpx.UnsupportedProtocol):
        return Refused(
            "not_sendable", "the request can't be sent; check the connection's settings for stray characters"
        )
    except httpx.RequestError as error:
        return Unknown(f"sent, no answer ({type(error).__name__})")
    if response.is_success or response.status_code in also:
        return response
    return _judged(response, explain)


async def read(
    http: httpx.AsyncClient, request: httpx.Request, *, also: Collection[int] = (), explain: Explain = no_code
) -> httpx.Response | TryLater | Refused:
    """One request that changes nothing: without an answer it may simply be asked again."""
    match await call(http, request, also=also, explain=explain):
        case Unknown(reason=reason):
            return TryLater(reason)
        case Conflict(reason=reason):
            return Refused("conflict", reason)
        case end:
            return end


async def looked_at(http: httpx.AsyncClient, request: httpx.Request, *, also: Collection[int] = ()) -> Health:
    """A probe by one request that changes nothing and needs our key; the answer itself is not read."""
    match await read(http, request, also=also):
        case TryLater(reason=reason) | Refused(reason=reason):
            return Health(False, reason)
        case _:
            return Health(True, "answers, and takes our key")


def _judged(response: httpx.Response, explain: Explain) -> TryLater | Refused | Conflict:
    status = response.status_code
    if status in _NOT_NOW or status >= 500:
        return TryLater(f"answered {status}", retry_after(response))
    code = explain(response)
    if status in (409, 412):
        return Conflict(f"answered {status}" + (f" ({code})" if code else ""))
    if response.is_redirect:
        return Refused(str(status), "the address leads elsewhere; set the final one in the connection")
    return Refused(code or str(status), f"answered {status}: {_FIXES.get(status, 'the system does not take this')}")


def retry_after(response: httpx.Response) -> timedelta | None:
    """How long the other side asks us to wait: seconds, or a date reckoned from its own `Date`. At most a day."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), int(LONGEST_WAIT.total_seconds())))
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), LONGEST_WAIT)
