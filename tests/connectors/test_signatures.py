"""Our signatures against the vendors' own libraries and published vectors."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # has no type hints

from caredispatch.connectors.twilio.signing import body_hash_fits
from caredispatch.connectors.twilio.signing import genuine as twilio_genuine
from caredispatch.connectors.twilio.signing import signature as twilio_signature
from caredispatch.connectors.webhook.signing import fresh, genuine, key_of, signature
from caredispatch.contract.manifest import load_build
from caredispatch.contract.verbs import Push, Receives, Rejected, Verified
from tests.connectors.kits import NOW
from tests.connectors.kits import twilio as kit
from tests.connectors.peer import calling

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


def test_twilios_published_vectors() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    assert twilio_signature("12345", url, form.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    doubled = parse_qsl("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234")
    assert twilio_signature("12345", url, doubled) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="
    body = b'{"property": "value", "boolean": true}'
    fits = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    assert body_hash_fits(f"{url}&bodySHA256={fits}", body)
    assert not body_hash_fits(f"{url}&bodySHA256={fits}", body + b" ")
    assert not body_hash_fits(url, body)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=6), st.sampled_from(["", ":443", ":8443"]))
def test_we_and_twilios_library_agree_on_every_form(form: dict[str, str], port: str) -> None:
    url = f"https://care.example{port}/hooks/p/sms?x=1"
    theirs = RequestValidator("12345")
    mine = twilio_signature("12345", url, form.items())
    assert mine == theirs.compute_signature(url, form)
    assert twilio_genuine("12345", url, form.items(), mine)
    assert theirs.validate(url, form, mine)
    for other in ("https://care.example/hooks/p/sms?x=1", "https://care.example:443/hooks/p/sms?x=1"):
        signed = theirs.compute_signature(other, form)
        assert twilio_genuine("12345", url, form.items(), signed) == theirs.validate(url, form, signed)


async def test_a_json_body_of_twilios_counts_only_with_its_hash() -> None:
    body = b'{"a": 1}'
    url = f"{kit.HOOK}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {
        "content-type": "application/json",
        "x-twilio-signature": RequestValidator(kit.TOKEN).compute_signature(url, {}),
    }
    async with calling() as http:
        connector = load_build("twilio")(kit.KIT.settings("http://127.0.0.1:9"), http)
    assert isinstance(connector, Receives)
    assert isinstance(connector.verify(Push(url, headers, body), NOW), Verified)
    assert isinstance(connector.verify(Push(url, headers, b'{"a": 2}'), NOW), Rejected)


def test_the_published_vector_of_standard_webhooks() -> None:
    given_signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    name, at, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    assert signature(key_of(SECRET), name, at, body) == given_signature
    assert genuine(key_of(SECRET), name, at, body, f"v1,bm9uZQ== v2,x {given_signature}")
    assert not genuine(key_of(SECRET), name, at, body, given_signature.replace("v1,", "v2,"))
    assert not genuine(key_of(SECRET), name, "1614265331", body, given_signature)


@given(ASCII, st.integers(0, 4_000_000_000), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_we_and_the_official_library_agree_on_every_delivery(name: str, at: int, body: str) -> None:
    theirs = Webhook(SECRET).sign(name, datetime.fromtimestamp(at, UTC), body)
    assert signature(key_of(SECRET), name, str(at), body.encode()) == theirs


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e9", "²", "9" * 40, "1614265330.5"])
def test_a_time_that_is_none_is_not_fresh(text: str) -> None:
    assert not fresh(text, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_\xe9"])
def test_a_secret_that_is_too_weak_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base64|short|ASCII"):
        key_of(secret)


def test_a_sender_may_quote_a_url_in_its_form() -> None:
    form = {"Body": "see https://x.example/?a=1&b=2 + more"}
    assert dict(parse_qsl(urlencode(form))) == form
    assert twilio_genuine("12345", kit.HOOK, form.items(), RequestValidator("12345").compute_signature(kit.HOOK, form))
