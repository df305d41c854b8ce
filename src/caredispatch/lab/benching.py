"""What the bench measures with: a practice of two hundred providers on a database of its own, tables filled to a size,
signed bookings, a sink that notes when the first text leaves, and servers as processes of their own. Loopback only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import asyncpg

from caredispatch.app.clock import wall
from caredispatch.app.composing import App, opened, prepare_database, start_database
from caredispatch.app.directory_file import DirectoryFile
from caredispatch.app.setting_up import as_owner, import_directory, practice_id_of, publish
from caredispatch.app.settings import FILE, Settings, write_key
from caredispatch.contract.verbs import Push
from caredispatch.engine.receiving import Receiver
from caredispatch.lab.filling import fill
from caredispatch.lab.loading import Poster
from caredispatch.policy.profiles import profile_text
from caredispatch.store.vault import Vault

SLUG = "bench"
STAFF, PATIENTS = 200, 2000
SECRET = b"only-for-the-bench-never-used-again"
HOOK = f"/hooks/{SLUG}/booking"
SERVER = Path(__file__).parents[3] / "tools" / "bench_server.py"
OFFICE = ("Mia", "Noor", "Dana", "Rosa", "Ana", "Ben", "Cleo")


def practice_file(sink: str) -> DirectoryFile:
    """Two hundred invented providers, one source that posts signed bookings, one carrier of texts."""
    hours = [{"days": "mon-sun", "from": "00:00", "to": "24:00", "at": "North"}]
    handles = [*OFFICE, *(f"p{n:03d}" for n in range(STAFF))]
    return DirectoryFile.model_validate(
        {
            "practice": {"name": "Bench Madeup Group", "time_zone": noon_zone()},
            "locations": {"North": {"name": "North", "time_zone": noon_zone(), "state": "IL"}},
            "services": {"therapy-50": {"name": "Therapy", "minutes": 50}, "intake": {"name": "First", "minutes": 50}},
            "staff": [
                {"handle": h, "name": f"{h} Inventedname", "hours": hours, "phone": f"+1555010{n:04d}"}
                for n, h in enumerate(handles)
            ],
            "connections": {
                "booking": {
                    "connector": "webhook",
                    "secrets": {"secret": "whsec_" + base64.b64encode(SECRET).decode()},
                    "baa": "signed",
                    "consent": "Booking form, box ticked",
                    "writes": False,
                    "burst_floor": 1_000_000_000,
                    "map": {
                        "service": {"t": "therapy-50"},
                        "actor": {f"p{n:03d}": f"p{n:03d}" for n in range(STAFF)},
                        "location": {"n": "North"},
                    },
                },
                "sms": {
                    "connector": "twilio",
                    "settings": {"base_url": sink, "account_sid": "AC" + "0" * 32, "from_number": "+15550100"},
                    "secrets": {"auth_token": "bench"},
                    "baa": "signed",
                },
            },
        }
    )


def playbook() -> str:
    """The shipped playbook, live, with limits that the load does not run into."""
    text = profile_text("behavioral-health")
    return (
        text.replace("most: 4, per: day", "most: 50, per: day")
        .replace("most: 3, per: week", "most: 50, per: week")
        .replace('quiet_hours: { staff: "20:30-07:00", patients: "20:00-08:00" }\n', "")
    )


@dataclass
class Rig:
    """The bench's practice, opened here (for decisions) and servable (for hooks)."""

    folder: Path
    app: App
    owner: asyncpg.Connection[asyncpg.Record]
    sink: Sink
    serial: int = 0
    day: datetime = field(default_factory=lambda: wall().replace(hour=0, minute=0, second=0, microsecond=0))

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """One more connection as the owner."""
        return await asyncpg.connect(self.app.owner_dsn)

    def booking(self) -> bytes:
        """The next booking's body: another provider and hour each, patients come back."""
        n = self.serial
        self.serial += 1
        slot = n // STAFF
        start = self.day + timedelta(days=30 + slot // 8, hours=6 + slot % 8)
        who = n % PATIENTS
        data = {
            "external_id": f"b{n}",
            "version": 1,
            "start_at": start.isoformat(),
            "end_at": (start + timedelta(minutes=50)).isoformat(),
            "status": "booked",
            "service": "t",
            "location": "n",
            "modality": "in_person",
            "actors": {"provider": f"p{n % STAFF:03d}"},
            "patient": {
                "external_id": f"c{who}",
                "given": f"Pepper{who}",
                "family": "Madeupperson",
                "phone": phone_of(who),
            },
        }
        return json.dumps({"type": "appointment.seen", "data": data}).encode()

    async def notices(self, n: int) -> None:
        """Commit that many bookings as the hook does."""
        receiver = self.app.engine.receiver
        from_hook = [signed(self.booking()) for _ in range(n)]
        for begin in range(0, n, 16):
            await asyncio.gather(*(_received(receiver, *one) for one in from_hook[begin : begin + 16]))

    async def fill(self, size: int) -> None:
        """Have that many open appointments, each with a case, an ask and a deadline to come."""
        await fill(self.owner, practice_id_of(SLUG), size, STAFF, self.day)

    async def hook_to_outbound(self, port: int, per_second: int, seconds: float) -> list[float]:
        """Milliseconds from each accepted booking to the first request that carries its patient's text, at a steady
        rate. A text that never came counts as ten seconds."""
        posters = [Poster(port) for _ in range(16)]
        self.sink.first.clear()
        sent: dict[str, float] = {}

        async def one(n: int, begun: float) -> None:
            await asyncio.sleep(max(0.0, begun + n / per_second - time.perf_counter()))
            poster = free.pop() if free else Poster(port)
            phone = phone_of(self.serial % PATIENTS)
            headers, body = signed(self.booking())
            if await poster.post(HOOK, headers, body) == 200:
                sent[phone] = time.perf_counter()
            free.append(poster)

        free = posters
        begun = time.perf_counter()
        await asyncio.gather(*(one(n, begun) for n in range(int(per_second * seconds))))
        for _ in range(100):
            if all(phone in self.sink.first for phone in sent):
                break
            await asyncio.sleep(0.1)
        for poster in free:
            poster.close()
        return [max(0.0, 1000 * (self.sink.first.get(phone, at + 10) - at)) for phone, at in sent.items()]

    async def empty(self) -> None:
        """Forget everything in hand: what the hooks' load left is not the decisions' backlog."""
        await self.owner.execute("truncate care.notices, care.observations, vault.payloads")


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    """Put everything up in an empty folder."""
    async with AsyncExitStack() as stack:
        sink = Sink()
        await stack.enter_async_context(sink.listening())
        key = write_key(folder)
        port = free_port()
        text = f"practice: {SLUG}\nport: {port}\nlog: json\nlog_level: error\n"
        (folder / FILE).write_text(text, "utf-8")
        (folder / "playbook.yaml").write_text(playbook(), "utf-8")
        dsn, server = await asyncio.to_thread(start_database, folder, Settings(practice=SLUG), key)
        if server is not None:
            stack.push_async_callback(asyncio.to_thread, server.stop)
        owner = await as_owner(await prepare_database(dsn, key))
        stack.push_async_callback(owner.close)
        await import_directory(owner, Vault(key), SLUG, practice_file(sink.url), wall())
        await publish(owner, SLUG, playbook(), "bench", wall())
        app = await stack.enter_async_context(opened(folder))
        yield Rig(folder, app, owner, sink)


class Sink:
    """Takes every text as the carrier's API would, and notes when each came."""

    def __init__(self) -> None:
        self.url = ""
        self.first: dict[str, float] = {}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                came = time.perf_counter()
                length = next(int(x[15:]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:"))
                form = dict(parse_qsl((await reader.readexactly(length)).decode()))
                self.first.setdefault(form.get("To", ""), came)
                body = json.dumps({"sid": "SM" + secrets.token_hex(16)}).encode()
                writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def signed(body: bytes) -> tuple[dict[str, str], bytes]:
    """A delivery of Standard Webhooks: its headers and body."""
    webhook_id, at = f"msg_{secrets.token_hex(12)}", str(int(wall().timestamp()))
    mac = hmac.new(SECRET, f"{webhook_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }, body


def noon_zone() -> str:
    """A zone where it is about noon: nobody is in quiet hours while the bench runs."""
    return f"Etc/GMT{wall().hour - 12:+d}"


def phone_of(patient: int) -> str:
    """An invented patient's number."""
    return f"+1555016{patient:04d}"


def free_port() -> int:
    """A port that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _received(receiver: Receiver, headers: dict[str, str], body: bytes) -> None:
    await receiver.receive(SLUG, "booking", Push(f"http://127.0.0.1{HOOK}", headers, body))


@asynccontextmanager
async def served(bench: Rig, what: str) -> AsyncIterator[int]:
    """One of `tools/bench_server.py` as a process; yields its port, ends it afterwards."""
    port = free_port()
    command = (sys.executable, str(SERVER), str(bench.folder), what, str(port))
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await _listening(process, port)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listening(process: Process, port: int) -> None:
    for _ in range(600):
        if process.returncode is not None:
            raise RuntimeError("the bench's server ended at once")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.05)
    raise RuntimeError("the bench's server did not answer")
