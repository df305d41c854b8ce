"""What every connector must do, found by folder: a new one is tested as soon as it has a manifest and a kit."""

from __future__ import annotations

import contextlib
import json
import logging
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caredispatch.contract.manifest import connector_names, load_build, load_manifest
from caredispatch.contract.outcome import Refused, TryLater, Unknown
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Holds, Malformed, Push, Receives, Rejected, Tells, Verified, Writes
from caredispatch.core.content import instant_of, instant_text
from tests.connectors.kits import NOW, Kit, kit
from tests.connectors.peer import Asked, Peer, Reply, as_json, calling, peering

NAMES = connector_names()
INSTANTS = {"start_at", "end_at", "requested.from", "requested.until"}
RECEIVING = [name for name in NAMES if kit(name).sign is not None]
NOWHERE = "http://127.0.0.1:9"
MUTATING = {"POST", "PUT", "PATCH", "DELETE"}


def samples(kind: str) -> list[tuple[str, Path]]:
    """Every sample of a kind, with its connector."""
    found: list[tuple[str, Path]] = []
    for name in NAMES:
        folder = Path(str(files("caredispatch.connectors").joinpath(name, "samples", kind)))
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            if path.suffix != ".expected":
                found.append((name, path))
    return found


def named(sample: tuple[str, Path]) -> str:
    """A test's name."""
    return f"{sample[0]}-{sample[1].stem}"


def as_text(seen: Any) -> Any:
    """What was parsed, as plain JSON with its kind; parts that aren't said are left out."""
    rows = [{"is": type(each).__name__, **orjson.loads(orjson.dumps(each))} for each in seen]
    for patient in [row["patient"] for row in rows if row.get("patient")]:
        record = {key: value for key, value in (patient.pop("record") or {}).items() if value}
        patient |= {"record": record} if record else {}
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


async def built(name: str, url: str = NOWHERE) -> Any:
    """The connector with its kit's settings, for what makes no calls."""
    async with calling() as http:
        return load_build(name)(kit(name).settings(url), http)


def test_every_connector_has_a_kit_samples_and_a_page() -> None:
    assert NAMES, "no connector was found"
    for name in NAMES:
        assert kit(name)
        assert any(Path(str(files("caredispatch.connectors").joinpath(name, "samples"))).rglob("*.expected")), name
        page = Path(__file__).parents[2] / "docs" / "connectors" / f"{name}.md"
        assert page.is_file(), f"{page} is missing"
        missing = [key for key in load_manifest(name).settings if f"`{key}`" not in page.read_text("utf-8")]
        assert not missing, f"{page} doesn't explain {missing}"


@pytest.mark.parametrize("name", NAMES)
async def test_the_manifest_says_what_the_connector_can(name: str) -> None:
    manifest, connector = load_manifest(name), await built(name)
    assert manifest.name == name
    assert bool(manifest.writes) == isinstance(connector, Writes)
    assert manifest.holds_slots == isinstance(connector, Holds)
    assert (manifest.channel is not None) == isinstance(connector, Tells)
    assert (kit(name).sign is not None) == isinstance(connector, Receives)
    assert any(spec.secret for spec in manifest.settings.values())


@pytest.mark.parametrize("name", NAMES)
async def test_a_missing_or_unknown_setting_is_named_and_no_value_shown(name: str) -> None:
    given_settings = dict(kit(name).settings(NOWHERE))
    required = [key for key, spec in load_manifest(name).settings.items() if spec.default is None]
    async with calling() as http:
        for key in required:
            lacking = {k: v for k, v in given_settings.items() if k != key}
            with pytest.raises(ValueError, match=f"'{key}' is missing") as caught:
                load_build(name)(lacking, http)
            assert kit(name).secret not in str(caught.value)
        with pytest.raises(ValueError, match="unknown setting colour"):
            load_build(name)({**given_settings, "colour": "blue"}, http)


@pytest.mark.parametrize("name", NAMES)
async def test_a_setting_with_a_line_break_is_refused(name: str) -> None:
    async with calling() as http:
        for key in kit(name).settings(NOWHERE):
            with pytest.raises(ValueError, match=f"'{key}'") as caught:
                load_build(name)({**kit(name).settings(NOWHERE), key: "hidden\r\nvalue"}, http)
            assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
async def test_secrets_show_in_no_repr(name: str) -> None:
    connector = await built(name)
    checked = Settings(name, kit(name).settings(NOWHERE))
    assert kit(name).secret not in f"{connector!r} {connector} {checked!r} {checked}"


# ---------------------------------------------------------------------- pushes


@pytest.mark.parametrize("sample", samples("push"), ids=named)
async def test_a_pushed_sample_is_parsed_as_expected(sample: tuple[str, Path]) -> None:
    name, path = sample
    expected = json.loads(path.with_suffix(".expected").read_text("utf-8"))
    connector, mine = await built(name), kit(name)
    assert mine.sign is not None
    push = mine.sign(path.read_bytes(), mine.secret, NOW)
    if isinstance(expected, dict):
        with pytest.raises(Malformed) as caught:
            connector.parse(push)
        assert str(caught.value) == expected["malformed"]
        assert caught.value.__cause__ is None
        assert not leaked(str(caught.value), path.read_text("utf-8", "replace"))
        return
    assert isinstance(connector.verify(push, NOW), Verified)
    assert as_text(connector.parse(push)) == expected


def understood(name: str) -> bytes:
    """The body of a connector's first sample that something is seen in."""
    mine = [path for owner, path in samples("push") if owner == name]
    return next(p.read_bytes() for p in mine if p.with_suffix(".expected").read_text().startswith("[\n"))


def leaked(sentence: str, body: str) -> list[str]:
    """Made-up identities of the samples that show in a sentence."""
    marks = ("Testperson", "Paula", "5550111", "example.org", "1990")
    return [mark for mark in marks if mark in body and mark in sentence]


@pytest.mark.parametrize("name", RECEIVING)
async def test_a_push_that_is_not_genuine_is_rejected_without_a_secret_in_the_reason(name: str) -> None:
    connector, mine = await built(name), kit(name)
    assert mine.sign is not None
    body = understood(name)
    right = mine.sign(body, mine.secret, NOW)
    bare = Push(right.url, {"content-type": right.headers["content-type"]}, body)
    odd = {key: "\xff\u2028" if "signature" in key else value for key, value in right.headers.items()}
    forged = [
        bare,
        mine.sign(body, mine.other_secret, NOW),
        Push(right.url, right.headers, body + b"&x=1"),
        Push(right.url, right.headers, b""),
        Push(right.url, odd, body),
    ]
    for push in forged:
        verdict = connector.verify(push, NOW)
        assert isinstance(verdict, Rejected), push
        assert mine.secret not in verdict.reason
    again = connector.verify(right, NOW)
    assert again == connector.verify(right, NOW), "a repeated delivery must have the same key"
    assert again.dedup_key or again.subject, "a replay must be recognisable"


@pytest.mark.parametrize("name", [name for name in RECEIVING if kit(name).aged])
@pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6)])
async def test_a_stale_or_future_push_is_rejected(name: str, off: timedelta) -> None:
    connector, mine = await built(name), kit(name)
    assert mine.sign is not None
    body = understood(name)
    assert isinstance(connector.verify(mine.sign(body, mine.secret, NOW + off), NOW), Rejected)


words = st.sampled_from(["appointment.seen", "scheduled", "54001", "2026-11-25T10:00:00-0700", "booked", "é", "\x00"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "data", "external_id", "version", "start_at", "end_at", "status", "actors", "patient", "x"]
            ),
            inner,
            max_size=10,
        )
    ),
    max_leaves=25,
)
form_names = st.sampled_from(
    ["action", "id", "MessageSid", "MessageStatus", "ErrorCode", "From", "Body", "OptOutType", "x"]
)
bodies = (
    st.binary(max_size=300)
    | json_values.map(lambda value: json.dumps(value).encode("utf-8", "replace"))
    | st.lists(st.tuples(form_names, st.text(max_size=30) | words)).map(
        lambda fields: "&".join(f"{k}={v}" for k, v in fields).encode("utf-8", "replace")
    )
)


@pytest.mark.parametrize("name", RECEIVING)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies, kind=st.sampled_from(["application/x-www-form-urlencoded", "application/json", ""]))
async def test_whatever_comes_is_understood_or_malformed(name: str, body: bytes, kind: str) -> None:
    connector = await built(name)
    push = Push("https://care.example/hooks/p/x?a=1", {"content-type": kind, "webhook-timestamp": "9"}, body)
    assert isinstance(connector.verify(push, NOW), Rejected)
    mine = kit(name)
    assert mine.sign is not None
    assert isinstance(connector.verify(mine.sign(body, mine.secret, NOW), NOW), Verified | Rejected)
    with contextlib.suppress(Malformed):
        orjson.dumps(connector.parse(push))


# ---------------------------------------------------------------------- reading


@pytest.mark.parametrize("sample", samples("fetch"), ids=named)
async def test_a_fetched_sample_is_read_as_expected(sample: tuple[str, Path]) -> None:
    name, path = sample
    scene = json.loads(path.read_text("utf-8"))
    expected = json.loads(path.with_suffix(".expected").read_text("utf-8"))

    def behave(asked: Asked) -> Reply:
        found = [body for end, body in scene["answers"].items() if asked.path.endswith(end)]
        return as_json(found[0]) if found else Reply(404)

    async with peering(behave) as peer, calling() as http:
        seen = await load_build(name)(kit(name).settings(peer.url), http).fetch(scene["external_id"])  # type: ignore[attr-defined]  # kinds with fetch samples fetch
    assert as_text([seen]) == expected
    holds = set(load_manifest(name).holds)
    content = expected[0].get("content", {})
    assert set(content) <= holds
    for key in INSTANTS & set(content):
        assert content[key] == instant_text(instant_of(content[key])), f"{key} is not in normal form"


# ---------------------------------------------------------------------- how calls end

READS = [(name, verb) for name in NAMES for verb in kit(name).reads]
WRITES = [(name, verb) for name in NAMES for verb in kit(name).writes]
LATER_STATUSES = (408, 423, 425, 429, 500, 502, 503, 504)
NEVER_STATUSES = (301, 400, 401, 403, 404, 405, 410, 422)


async def ends(mine: Kit, name: str, verb: str, reply: Reply, *, timeout_s: float = 5.0) -> tuple[object, Peer]:
    """How a call ends when the request that matters meets `reply`: the first read, or the first change."""
    reading = verb in mine.reads
    unseen = ("/_search",)

    def behave(asked: Asked) -> Reply:
        changes = asked.method in MUTATING and not asked.path.endswith(unseen)
        return reply if reading or changes else mine.good(asked)

    act = mine.reads[verb] if reading else mine.writes[verb]
    async with peering(behave) as peer, calling(timeout_s) as http:
        return await act(load_build(name)(mine.settings(peer.url), http)), peer


@pytest.mark.parametrize(("name", "verb"), READS + WRITES)
async def test_each_status_has_its_outcome(name: str, verb: str, caplog: pytest.LogCaptureFixture) -> None:
    mine = kit(name)
    caplog.set_level(logging.DEBUG)
    for status in LATER_STATUSES:
        end, _ = await ends(mine, name, verb, Reply(status, b"<html>Testperson</html>", {"retry-after": "7"}))
        assert end == TryLater(f"answered {status}", timedelta(seconds=7)), status
        end, _ = await ends(mine, name, verb, Reply(status))
        assert end == TryLater(f"answered {status}"), status
    for status in NEVER_STATUSES:
        end, _ = await ends(mine, name, verb, Reply(status, b'{"message": "Testperson is unknown"}'))
        if verb == "fetch" and status in (404, 410):
            continue
        assert isinstance(end, Refused), (status, end)
        assert "Testperson" not in end.reason
        assert not end.permanent_address
    for status in (409, 412):
        end, _ = await ends(mine, name, verb, Reply(status))
        wanted = mine.conflict_is.get(verb, "Conflict") if verb in mine.writes else "Refused"
        assert type(end).__name__ == wanted, (status, end)
    assert mine.secret not in caplog.text


@pytest.mark.parametrize(("name", "verb"), READS + WRITES)
@pytest.mark.parametrize("fate", ["silent", "closed", "half"])
async def test_without_an_answer_a_write_is_unknown_and_a_read_waits(name: str, verb: str, fate: Any) -> None:
    mine = kit(name)
    end, peer = await ends(mine, name, verb, Reply(200, b"{", fate=fate), timeout_s=0.3)
    assert isinstance(end, Unknown if verb in mine.writes else TryLater), end
    changes = [a for a in peer.asked if a.method in MUTATING and not a.path.endswith("/_search")]
    assert len(changes) == (verb in mine.writes), "a connector never tries twice"


@pytest.mark.parametrize(("name", "verb"), READS + WRITES)
async def test_what_never_left_may_be_tried_later(name: str, verb: str) -> None:
    mine = kit(name)
    act = {**mine.reads, **mine.writes}[verb]
    async with peering(mine.good) as gone:
        url = gone.url
    async with calling() as http:
        assert isinstance(await act(load_build(name)(mine.settings(url), http)), TryLater)


@pytest.mark.parametrize(("name", "verb"), READS)
@pytest.mark.parametrize("body", [b"", b"\xff", b"[[[[", b"null", b'{"id": "Testperson"}', b"[1]", b"[" * 5000])
async def test_an_answer_that_is_no_answer_is_refused_by_name(name: str, verb: str, body: bytes) -> None:
    end, _ = await ends(kit(name), name, verb, Reply(200, body))
    assert isinstance(end, Refused)
    assert end.code == "malformed_answer"
    assert "Testperson" not in end.reason


@pytest.mark.parametrize(("name", "verb"), WRITES)
async def test_a_change_that_is_taken_is_delivered_whatever_the_answer_says(name: str, verb: str) -> None:
    end, _ = await ends(kit(name), name, verb, Reply(200, b"thanks"))
    assert type(end).__name__ == ("Unknown" if verb == "create" else "Delivered")


async def test_a_date_in_retry_after_is_reckoned_by_the_senders_own_clock() -> None:
    at = {"date": "Tue, 24 Nov 2026 15:00:00 GMT", "retry-after": "Tue, 24 Nov 2026 15:02:00 GMT"}
    name, verb = WRITES[0]
    end, _ = await ends(kit(name), name, verb, Reply(503, headers=at))
    assert end == TryLater("answered 503", timedelta(minutes=2))
    for odd in ("soon", "-5", "9" * 400, "²", str(date.max)):
        end, _ = await ends(kit(name), name, verb, Reply(503, headers={"retry-after": odd.encode().decode("latin-1")}))
        assert isinstance(end, TryLater)
        assert end.after is None or end.after <= timedelta(days=1)
