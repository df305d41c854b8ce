"""Clock, faults, record, mail refusals, generic webhooks, and the world as a process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from caredispatch.lab.world.client import WorldClient, WorldRefused
from caredispatch.lab.world.config import Seed
from caredispatch.lab.world.serving import serving
from tests.lab.conftest import START, Scene, seed
from tests.lab.receiver import receiving

AUTH = ("77", "key-for-tests")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_a_stepped_clock_stands_until_it_is_run(scene: Scene, booking: dict[str, Any]) -> None:
    await scene.world.book(booking)
    idle = await scene.world.idle()
    assert (idle.now, idle.next_due_at, idle.in_flight) == (START, START + timedelta(seconds=1), 0)
    ran = await scene.world.run(START + timedelta(seconds=1))
    assert (ran.now, ran.next_due_at, ran.in_flight) == (START + timedelta(seconds=1), None, 0)
    with pytest.raises(WorldRefused, match="back"):
        await scene.world.run(START)


async def test_what_becomes_due_at_the_very_instant_runs_too(scene: Scene) -> None:
    await scene.world.script("*", default={"do": "reply", "text": "now"})
    form = {"To": "+15550111", "From": "+15550100", "Body": "x"}
    url = "/twilio/2010-04-01/Accounts/AC1/Messages.json"
    await scene.http.post(url, data=form, auth=("AC1", "twilio-for-tests"))
    await scene.world.run(START + timedelta(seconds=3))
    assert scene.product.forms()[-1]["Body"] == "now"


async def test_a_running_clock_acts_by_itself(booking: dict[str, Any]) -> None:
    began = time.monotonic()

    def wall() -> datetime:
        return START + timedelta(seconds=time.monotonic() - began)

    async with receiving() as product:
        sped = {**seed(product.url), "clock": {"sim0": START.isoformat(), "speed": 200}}
        async with serving(Seed.model_validate(sped), wall) as ports, WorldClient(ports.url) as world:
            await world.book(booking, at=START + timedelta(seconds=20))
            for _ in range(200):
                if len(product.got) == 2:
                    break
                await asyncio.sleep(0.01)
            assert len(product.got) == 2
            assert (await world.idle()).now >= START + timedelta(seconds=21)
            with pytest.raises(WorldRefused, match="by itself"):
                await world.run(START + timedelta(hours=1))


async def test_an_ordered_status_meets_as_many_requests_as_ordered(scene: Scene) -> None:
    await scene.world.fault("fhir", {"status": 503, "retry_after": "7"}, path_regex="Appointment", times=2)
    auth = {"Authorization": "Bearer fhir-for-tests"}
    answers = [await scene.http.get("/fhir/Appointment", headers=auth) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"


@pytest.mark.parametrize(("word", "booked"), [("drop", 1), ("drop_before", 0)])
async def test_a_dropped_request_has_no_answer_but_may_have_been_done(
    scene: Scene, booking: dict[str, Any], word: Any, booked: int
) -> None:
    await scene.world.fault("acuity", word, method="POST")
    with pytest.raises(httpx.RemoteProtocolError):
        await scene.http.post("/acuity/api/v1/appointments", json=booking, auth=AUTH)
    state = await scene.world.state()
    assert len(state["acuity"]["appointments"]) == booked
    assert [entry["problem"] for entry in await scene.seen("request")] == ["dropped"]


async def test_a_delay_delays(scene: Scene) -> None:
    await scene.world.fault("acuity", {"delay_ms": 80})
    began = time.monotonic()
    await scene.http.get("/acuity/api/v1/me", auth=AUTH)
    assert time.monotonic() - began >= 0.08


async def test_the_record_numbers_what_was_seen_and_holds_no_keys(scene: Scene) -> None:
    await scene.http.get("/acuity/api/v1/me?x=1", auth=AUTH)
    entry = (await scene.world.log())[-1]
    assert (entry["direction"], entry["system"], entry["path"], entry["query"], entry["status"]) == (
        "in",
        "acuity",
        "/acuity/api/v1/me",
        "x=1",
        200,
    )
    assert await scene.world.log(since=entry["n"]) == []
    assert "key-for-tests" not in json.dumps(await scene.world.log())


async def test_mail_can_be_refused_put_off_and_lost_after_it_was_taken(scene: Scene) -> None:
    async def send(to: str) -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=scene.ports.smtp, start_tls=False) as smtp:
            await smtp.sendmail("a@example.org", [to], "Subject: s\n\nx\n")

    await scene.world.mailbox("gone@example.org")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send("gone@example.org")
    await scene.world.fault("smtp", {"status": 451}, method="DATA")
    with pytest.raises(aiosmtplib.SMTPDataError):
        await send("ana@example.org")
    await scene.world.fault("smtp", "drop", method="DATA")
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send("ana@example.org")
    assert len((await scene.world.state())["mails"]) == 1


async def test_a_sink_takes_only_signed_webhooks(scene: Scene) -> None:
    now = datetime.now(UTC)  # the official library checks against the real clock
    body = '{"type": "appointment.wanted"}'
    headers = {
        "webhook-id": "w1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("w1", now, body),
    }
    good = await scene.http.post("/sink/crm", content=body, headers=headers)
    bad = await scene.http.post("/sink/crm", content=body + " ", headers=headers)
    assert (good.status_code, bad.status_code) == (200, 401)
    kept = (await scene.world.state())["sinks"]["crm"]
    assert kept == [{"id": "w1", "data": {"type": "appointment.wanted"}}]


async def test_a_generic_sender_signs_its_webhook(scene: Scene) -> None:
    details = {"url": f"{scene.product.url}/hook", "secret": SECRET, "id": "e1", "data": {"type": "x"}}
    await scene.world.act("webhook", "send", details)
    got = scene.product.got[0]
    signature = Webhook(SECRET).sign("e1", START, got.body.decode())
    assert (got.headers["webhook-id"], got.headers["webhook-signature"]) == ("e1", signature)


async def test_a_reset_begins_anew_on_the_same_ports(scene: Scene, booking: dict[str, Any]) -> None:
    await scene.world.book(booking)
    await scene.world.reset(seed(scene.product.url))
    assert (await scene.world.state())["acuity"]["appointments"] == []
    assert (await scene.world.idle()).next_due_at is None


async def test_an_unknown_act_or_a_missing_detail_is_refused_with_its_reason(scene: Scene) -> None:
    with pytest.raises(WorldRefused, match="acuity book"):
        await scene.world.act("acuity", "explode", {})
    with pytest.raises(WorldRefused, match="lack"):
        await scene.world.act("acuity", "cancel", {})


async def start(config: Path) -> tuple[asyncio.subprocess.Process, dict[str, int]]:
    """The world as a process, and its ports."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "caredispatch.lab.world",
        "--config",
        str(config),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    ports: dict[str, int] = json.loads(await asyncio.wait_for(process.stdout.readline(), 15))
    return process, ports


async def test_as_a_process_it_prints_its_ports_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    config = tmp_path / "world.json"
    config.write_text(json.dumps(seed("http://127.0.0.1:9")))
    process, ports = await start(config)
    async with WorldClient(f"http://127.0.0.1:{ports['http']}") as world:
        assert (await world.idle()).now == START
    assert ports["smtp"] > 0
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_as_a_process_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    config = tmp_path / "world.json"
    config.write_text(json.dumps(seed("http://127.0.0.1:9")))
    code = (
        "import subprocess, sys\n"
        f"seed = ['--config', {str(config)!r}]\n"
        "p = subprocess.Popen([sys.executable, '-m', 'caredispatch.lab.world', *seed])\n"
        "print(p.pid, flush=True); p.wait()\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    world_pid = int(await parent.stdout.readline())
    json.loads(await asyncio.wait_for(parent.stdout.readline(), 15))
    parent.kill()
    await parent.wait()
    for _ in range(100):
        if not _alive(world_pid):
            return
        await asyncio.sleep(0.05)
    os.kill(world_pid, signal.SIGKILL)
    pytest.fail("the world outlived its parent")


def _alive(pid: int) -> bool:
    """Whether a process runs (a zombie doesn't)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def test_a_wrong_seed_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "world.json"
    config.write_text('{"clock": {"sim0": "2026-11-24T15:00:00Z"}, "acuty": {}}')
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "caredispatch.lab.world",
        "--config",
        str(config),
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert (process.returncode, len(err.decode().strip().splitlines())) == (2, 1)
    assert b"acuty" in err


async def test_mail_needs_the_login_that_the_seed_names(scene: Scene) -> None:
    await scene.world.reset({**seed(scene.product.url), "smtp": {"username": "u", "password": "p"}})
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=scene.ports.smtp, start_tls=False)
    async with smtp:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await smtp.login("u", "wrong")
        await smtp.login("u", "p")
        await smtp.sendmail("a@example.org", ["ana@example.org"], "Subject: s\n\nx\n")
    assert len((await scene.world.state())["mails"]) == 1


async def test_a_seed_may_hold_appointments_that_tell_nobody(scene: Scene, booking: dict[str, Any]) -> None:
    other = seed(scene.product.url)
    other["acuity"]["appointments"] = [{**booking, "id": 700}]
    await scene.world.reset(other)
    await scene.run_for(60)
    held = (await scene.world.state())["acuity"]["appointments"]
    assert ([row["id"] for row in held], scene.product.got) == ([700], [])
