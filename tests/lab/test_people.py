"""People act on what really arrives: texts, mails and the pages behind links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiosmtplib

from tests.lab.conftest import ANA, PAT, START, Scene, seed
from tests.lab.receiver import Answer, Got

PAGE = """<html><head><title>t</title><style>p{}</style></head><body><h1>Can you take a visit?</h1>
<form method="post" action="/ask/tok/answer"><input type="hidden" name="guard" value="g&amp;1">
<button name="answer" value="yes">Yes</button> <button name="answer" value="no">No</button>
</form></body></html>"""


def pages(got: Got) -> Answer:
    """The product's ask page: a GET shows, a POST thanks."""
    return (200, PAGE) if got.method == "GET" else (200, "<p>Thank you.</p>")


async def text(scene: Scene, to: str, body: str) -> None:
    """The product sends a text."""
    form = {"To": to, "From": "+15550100", "Body": body}
    url = "/twilio/2010-04-01/Accounts/AC1/Messages.json"
    await scene.http.post(url, data=form, auth=("AC1", "twilio-for-tests"))


async def test_a_reply_comes_after_the_text_arrived_and_some_thought(scene: Scene) -> None:
    await scene.world.script(PAT, [{"match": "Nov 25", "after_s": 25, "do": "reply", "text": "Y"}])
    await text(scene, PAT, "Your visit on Nov 25: reply Y or N")
    await scene.run_for(27)
    assert scene.product.got == []
    await scene.run_for(1)
    assert [form["Body"] for form in scene.product.forms()] == ["Y"]


async def test_the_first_matching_answer_counts_can_be_used_up_and_sent_twice(scene: Scene) -> None:
    answers: list[dict[str, Any]] = [
        {"match": "visit", "do": "reply", "text": "N", "times": 1, "twice": True},
        {"match": "visit", "do": "reply", "text": "Y"},
    ]
    await scene.world.script(PAT, answers, default={"do": "reply", "text": "who is this"})
    for body in ("a visit", "a visit", "hello"):
        await text(scene, PAT, body)
        await scene.run_for(5)
    bodies = [form["Body"] for form in scene.product.forms()]
    assert bodies == ["N", "N", "Y", "who is this"]


async def test_a_link_is_opened_first_and_the_button_pressed_later(scene: Scene) -> None:
    scene.product.answer = pages
    await scene.world.script(ANA, [{"match": "visit", "after_s": 20, "do": "open_yes"}])
    await text(scene, ANA, f"A visit is free. Answer here: {scene.product.url}/ask/tok.")
    await scene.run_for(13)
    assert [(got.method, got.path) for got in scene.product.got] == [("GET", "/ask/tok")]
    await scene.run_for(10)
    pressed = scene.product.got[1]
    assert (pressed.method, pressed.path) == ("POST", "/ask/tok/answer")
    assert pressed.form == {"guard": "g&1", "answer": "yes"}
    first, second = await scene.seen("page")
    assert (first["text"], first["answers"]) == ("Can you take a visit? Yes No", ["yes", "no"])
    assert (second["status"], second["text"]) == (200, "Thank you.")


async def test_a_page_without_the_button_is_noted_and_nothing_is_pressed(scene: Scene) -> None:
    scene.product.answer = lambda got: (410, "<p>Already covered.</p>")
    await scene.world.script("*", default={"do": "open_no"})
    await text(scene, ANA, f"{scene.product.url}/ask/tok")
    await scene.run_for(5)
    assert [got.method for got in scene.product.got] == ["GET"]
    assert [page["text"] for page in await scene.seen("page")] == ["Already covered."]


async def test_a_mail_is_read_and_its_link_answered(scene: Scene) -> None:
    scene.product.answer = pages
    await scene.world.script("ana@example.org", default={"after_s": 10, "do": "open_no"})
    raw = f"Subject: Ask\nMessage-ID: <m1@x>\n\nSee {scene.product.url}/ask/t\n"
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=scene.ports.smtp, start_tls=False) as smtp:
        await smtp.sendmail("a@example.org", ["ana@example.org"], raw)
    await scene.run_for(10)
    assert scene.product.got[1].form["answer"] == "no"
    mail = (await scene.world.state())["mails"][0]
    assert (mail["to"], mail["subject"], mail["mail_id"]) == (["ana@example.org"], "Ask", "<m1@x>")


async def test_a_silent_person_does_nothing(scene: Scene) -> None:
    await text(scene, PAT, f"{scene.product.url}/ask/tok")
    await scene.run_for(600)
    assert scene.product.got == []


async def test_somebody_texts_unasked_at_a_time_of_their_own(scene: Scene) -> None:
    out = {"address": ANA, "text": "out today"}
    await scene.world.act("people", "reply", out, at=START + timedelta(minutes=30))
    await scene.run_for(29 * 60)
    assert scene.product.got == []
    await scene.run_for(60)
    assert [(form["From"], form["Body"]) for form in scene.product.forms()] == [(ANA, "out today")]


async def test_an_offer_is_answered_by_number_by_words_or_after_its_window(scene: Scene) -> None:
    for n, (words, after_s) in enumerate((("2", 30), ("the second one", 60), ("YES", 3600))):
        number = f"{PAT}{n}"
        await scene.world.script(
            number, [{"match": "reply 1, 2 or 3", "after_s": after_s, "do": "reply", "text": words}]
        )
        await text(scene, number, "We have three times for you: reply 1, 2 or 3")
    await scene.run_for(120)
    assert [form["Body"] for form in scene.product.forms()] == ["2", "the second one"]
    await scene.run_for(3600)
    assert scene.product.forms()[-1]["Body"] == "YES"


async def test_an_answer_goes_to_the_number_that_wrote_and_each_number_has_its_hook(scene: Scene) -> None:
    other = seed(scene.product.url)
    other["twilio"]["numbers"] = {"+15550109": f"{scene.product.url}/second/sms"}
    await scene.world.reset(other)
    await scene.world.script(PAT, default={"do": "reply", "text": "Y"})
    form = {"To": PAT, "From": "+15550109", "Body": "Will you come?"}
    url = "/twilio/2010-04-01/Accounts/AC1/Messages.json"
    assert (await scene.http.post(url, data=form, auth=("AC1", "twilio-for-tests"))).status_code == 201
    await scene.run_for(10)
    assert [(got.path, got.form["To"]) for got in scene.product.got] == [("/second/sms", "+15550109")]
