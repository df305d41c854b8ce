"""The long-running commands: `serve` (hooks, pages, engine) and `work` (one more engine)."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import structlog
import uvicorn

from caredispatch.app.accounts import Accounts
from caredispatch.app.composing import App, opened
from caredispatch.app.logs import set_up_logs
from caredispatch.app.rehearsed import going_live, lacking
from caredispatch.app.sending import Sending
from caredispatch.app.serving import Finds, Looks, Reports, Submits, Tenants
from caredispatch.app.setting_up import as_owner, publish
from caredispatch.app.settings import PLAYBOOK, read_settings
from caredispatch.cli.checking import known_to, playbook_text
from caredispatch.cli.failing import WrongUse
from caredispatch.engine.worker import MOST_DRIFT
from caredispatch.policy.check import check_text
from caredispatch.policy.findings import PlaybookInvalid
from caredispatch.policy.reader import read_playbook
from caredispatch.store import rehearsals
from caredispatch.store.pools import Connection
from caredispatch.web import create_web
from caredispatch.web.services import RevealedIdentity, WebServices

log = structlog.get_logger("serve")
GRACE_SECONDS = 10
REPORT_EVERY_SECONDS = 5.0


class _Reveals:
    """Identity in the pages' own shape."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks

    async def reveal(self, practice_id: str, account: object, appointment_id: str) -> RevealedIdentity | None:
        """The patient of a visit; the look is journalled first."""
        found = await self._looks.look(practice_id, str(getattr(account, "account_id", account)), appointment_id)
        if found is None:
            return None
        person, texts = found
        name = " ".join(part for part in (person.given, person.family) if part)
        return RevealedIdentity(name or "(no name)", person.birth_date, person.addresses, texts)


async def publish_playbook(app: App) -> None:
    """Make the folder's `playbook.yaml` the current version, if it is not yet. Raises WrongUse, and PlaybookInvalid for
    anything that `check` calls an error."""
    text = playbook_text(app.folder)
    wrong = [f for f in check_text(text, str(app.folder / PLAYBOOK), known_to(app)) if f.severity == "error"]
    if wrong:
        raise PlaybookInvalid(wrong)
    connection = await as_owner(app.owner_dsn)
    try:
        await _rehearsed(app, connection, text)
        await publish(connection, app.settings.practice, text, "serve", app.clock.now())
    finally:
        await connection.close()
    await app.registry.refresh()


async def _rehearsed(app: App, connection: Connection, text: str) -> None:
    """Whether what goes live with this playbook was rehearsed with it. Raises WrongUse."""
    tenant = app.registry.by_slug(app.settings.practice)
    if tenant is None:
        return
    policy = tenant.policy
    stages = going_live(policy.playbook, read_playbook(text), policy.directory, app.clock.now().date())
    if not stages:
        return
    missing = lacking(await rehearsals.passed_of(connection, policy.directory.practice_id, text))
    if missing:
        stage, site = stages[0]
        raise WrongUse(
            f"{app.folder / PLAYBOOK}: stages.{stage} goes live at {site}, but of its rehearsals {missing}: "
            f"run `caredispatch rehearse {app.folder} --scene all`, more seeds with --seed N"
        )


def listening(host: str, port: int) -> socket.socket:
    """A socket on the address, before anything else is started: two servers must not both think that it is theirs.
    Raises WrongUse."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        door = socket.socket(family, kind)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise WrongUse(f"port {port} is taken: end what uses it, or set another `port`") from None
        raise WrongUse(f"can't listen on host {host}, port {port}: {error.strerror}") from None
    return door


async def _check_clock(app: App) -> None:
    drift = (await app.clock.off_by()).total_seconds()
    if drift > MOST_DRIFT.total_seconds():
        raise WrongUse(
            f"this machine's clock is {drift:.1f} s off the database's: set it right (NTP), then start again"
        )


def _until_signalled() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _until_input_closes(stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        await reader.read()
        stop.set()
    finally:
        transport.close()


async def work(folder: Path) -> int:
    """One more engine process until it is told to end."""
    settings = read_settings(folder)
    set_up_logs(settings.log, settings.log_level)
    stop = _until_signalled()
    async with opened(folder) as app:
        await _check_clock(app)
        engine = asyncio.create_task(app.engine.run())
        print("working", flush=True)  # a parent waits for this line
        await stop.wait()
        await app.engine.stop()
        await engine
    return 0


async def serve(folder: Path, port: int | None, *, tied: bool = False) -> int:
    """Hooks, pages and engine until told to end; `tied`: also when standard input closes."""
    settings = read_settings(folder)
    set_up_logs(settings.log, settings.log_level)
    stop = _until_signalled()
    watching = asyncio.create_task(_until_input_closes(stop)) if tied else None
    door = listening(settings.host, settings.port if port is None else port)
    async with opened(folder, port=door.getsockname()[1]) as app:
        await _check_clock(app)
        await publish_playbook(app)
        reports = Reports(app)
        server = _server(app, reports)
        engine = asyncio.create_task(app.engine.run())
        reporting = asyncio.create_task(_report(reports))
        serving = asyncio.create_task(server.serve([door]))
        log.info("serving", url=app.settings.base_url, folder=str(folder))
        if app.settings.behind_tls and app.settings.public_url is None:
            log.warning("public_url is not set: links that are sent lead past the proxy", url=app.settings.base_url)
        done, _ = await asyncio.wait(
            {asyncio.create_task(stop.wait()), engine, serving}, return_when=asyncio.FIRST_COMPLETED
        )
        server.should_exit = True
        await app.engine.stop()
        reporting.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await asyncio.gather(engine, serving)
        failed = [task for task in done if task in (engine, serving) and task.exception()]
        if failed:
            raise failed[0].exception() or RuntimeError("the server ended")
    if watching is not None:
        watching.cancel()
    return 0


def _server(app: App, reports: Reports) -> uvicorn.Server:
    services = WebServices(
        pool=app.pools.web,
        clock=app.clock,
        tenants=Tenants(app),
        intake=app.engine.receiver,
        submits=Submits(app),
        reveals=_Reveals(Looks(app)),
        reports=reports,
        links=app.links,
        public_url=app.settings.base_url,
        secure_cookies=app.settings.behind_tls,
        accounts=Accounts(app.owner_dsn),
        sending=Sending(app.owner_dsn),
        finds=Finds(app),
    )
    config = uvicorn.Config(
        create_web(services),
        host=app.settings.host,
        port=app.settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=app.settings.behind_tls,
        timeout_graceful_shutdown=GRACE_SECONDS // 2,
    )
    server = uvicorn.Server(config)
    # Signals are ours: the engine is stopped together with the pages.
    server.capture_signals = _no_signals  # type: ignore[method-assign]  # uvicorn has no setting for it
    return server


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


async def _report(reports: Reports) -> None:
    while True:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await reports.refresh()
        await asyncio.sleep(REPORT_EVERY_SECONDS)
