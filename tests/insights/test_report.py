"""The report: the word that each comparison gets, what is said plainly, and money by hand."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from caredispatch.core.measures import MEASURES, Figure
from caredispatch.core.playbook import Playbook, Stage
from caredispatch.insights.comparing import Days, Span, Told, tell
from caredispatch.insights.going_live import went_live
from caredispatch.insights.money import Rate, Rates, money_of, total
from caredispatch.insights.recommending import Recommendation
from caredispatch.insights.report import Report, make_report
from caredispatch.insights.report_page import page_of
from caredispatch.insights.report_text import csv_of, plain, text_of
from tests.insights.practice import FIRST, LAST, LIVE, RATES, counted, days


def reported(**more: object) -> Report:
    return make_report("Testville Primary Care", counted(), days(), RATES, **more)  # type: ignore[arg-type]  # as given


def of(report: Report, code: str) -> Told:
    [found] = [t for t in report.told if t.measure.code == code]
    return found


# ------------------------------------------------------------------ words


def test_what_changed_is_better_and_what_did_not_shows_no_effect() -> None:
    report = reported()
    words = {t.measure.code: t.whole.word for t in report.told}
    assert words["coordinator_minutes"] == words["scrambles"] == words["settled_seconds"] == "better"
    assert words["no_show_rate"] == "no effect shown"
    assert words["entry_errors"] == "higher"  # neither good nor bad


def test_where_nothing_changed_at_most_a_few_of_many_comparisons_say_so() -> None:
    report = make_report("Testville", counted(seed=2, effect=0.0), days(), None)
    words = [line.word for told in report.told for line in (told.whole, *told.lines)]
    assert words.count("better") + words.count("worse") <= 0.15 * len(words)
    assert {t.whole.word for t in report.told if t.measure.code == "coordinator_minutes"} == {"no effect shown"}


def test_every_location_and_service_has_its_own_line() -> None:
    told = of(reported(), "confirmation_rate")
    assert [(x.location, x.service) for x in told.lines] == [
        ("North", ""),
        ("South", ""),
        ("", "nurse-visit"),
        ("", "office-visit"),
    ]
    assert all(x.difference is not None and x.difference.change.low is not None for x in told.lines)


def test_d36_times_are_told_as_a_distribution() -> None:
    told = of(reported(), "settled_seconds")
    assert told.slowest is not None
    assert told.slowest.after.value > told.whole.after.value


def test_d36_the_share_first_asked_within_five_minutes_is_told() -> None:
    span = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
    figures = [
        Figure("first_asked_seconds", d, "North", "", 700, 2, (100.0, 600.0) if d < LIVE else (20.0, 280.0))
        for d in span
    ]
    told = tell(MEASURES["first_asked_seconds"], figures, days())
    assert told is not None
    assert told.in_time is not None
    assert [i.value for i in told.in_time if i] == [0.5, 1.0]
    seen = replace(counted(), since=[f for f in figures if f.day >= LIVE])
    assert "within 5 min: 100 %" in text_of(make_report("T", seen, days(), None))


def test_locations_that_began_on_different_days_are_pooled() -> None:
    together, apart = (of(make_report("T", counted(), days(south=s), None), "confirmation_rate") for s in (0, 14))
    assert together.whole.level is not None
    assert apart.whole.level is not None
    assert together.whole.level != apart.whole.level


def test_stages_that_began_on_different_days_are_told_apart() -> None:
    began = {s: {"booking_confirmation": LIVE, "escalation": LIVE + timedelta(days=28)} for s in ("North", "South")}
    after = Span(LIVE, LIVE + timedelta(days=80))
    figures = [
        Figure("confirmation_rate", FIRST + timedelta(days=i), "North", "", 50 + 10 * (i >= 30) + i * 7 % 5, 100)
        for i in range(110)
    ]
    told = tell(MEASURES["confirmation_rate"], figures, Days(Span(FIRST, LIVE - timedelta(days=1)), after, began))
    assert told is not None
    first, second = told.stages["booking_confirmation"], told.stages["escalation"]
    assert first.value == pytest.approx(0.1, abs=0.02)
    assert second.low is not None
    assert second.high is not None
    assert second.low < 0 < second.high


# ------------------------------------------------------------------ said plainly


def test_without_a_baseline_it_says_so_and_compares_nothing() -> None:
    report = make_report("Testville", counted(), days(baseline=False), RATES)
    assert report.notes[0].startswith("There is no baseline")
    assert {t.whole.word for t in report.told} == {"not measured before"}
    assert [m.name for m in report.money if m.counted] == ["Entry errors caught", "What caredispatch costs"]


def test_too_few_days_are_said_and_no_effect_is_claimed() -> None:
    short = replace(days(), after=Span(LAST - timedelta(days=9), LAST), began={})
    report = make_report("Testville", counted(), short, None)
    assert any("too few days after (10)" in note for note in report.notes)
    assert {t.whole.word for t in report.told} == {"too few days"}
    assert "Not told beside the trend: all (no stage has gone live)." in report.notes


def test_before_anything_is_live_differences_have_other_reasons() -> None:
    report = make_report("Testville", counted(), days(live=False), None)
    assert "No stage was live in these days: any difference has other reasons." in report.notes


def test_d38_minutes_of_another_instrument_are_not_compared() -> None:
    mixed = replace(counted(), instrument_since="prompts")
    report = make_report("Testville", mixed, days(), RATES)
    assert of(report, "coordinator_minutes").whole.word == "not measured before"
    assert any("by tally before and by prompts after: they are not compared" in note for note in report.notes)
    assert not any(m.name == "Coordinators' time" for m in report.money)


def test_d39_no_shows_late_cancellations_and_kept_fills_stand_together() -> None:
    extra = [
        Figure(code, FIRST + timedelta(days=i), "North", "office-visit", 1, 10)
        for i in range((LAST - FIRST).days + 1)
        for code in ("late_cancellations", "kept_fills")
    ]
    seen = counted()
    both = replace(seen, since=[*seen.since, *extra])
    text = text_of(make_report("Testville", both, days(), None))
    assert all(MEASURES[code].name in text for code in ("no_show_rate", *MEASURES["no_show_rate"].beside))


def test_what_was_frozen_is_not_counted_again() -> None:
    seen = counted()
    twice = replace(seen, since=[*seen.since, *seen.before])
    assert of(make_report("T", twice, days(), None), "no_show_rate") == of(reported(), "no_show_rate")


def test_days_that_begin_before_a_stage_was_live_say_so() -> None:
    report = make_report("Testville", counted(), replace(days(), after=Span(LIVE - timedelta(days=5), LAST)), None)
    assert f"The first stage went live on {LIVE}: these days begin before that." in report.notes


# ------------------------------------------------------------------ going live


def test_a_stage_goes_live_where_and_when_a_published_playbook_says() -> None:
    def book(stage: Stage) -> Playbook:
        return Playbook("T", 1, {}, {}, {}, {}, {"dispatch_routing": stage})

    published = [
        (date(2026, 9, 1), book(Stage("off"))),
        (date(2026, 10, 1), book(Stage("shadow", {"North": "live"}))),
        (date(2026, 10, 20), book(Stage("live", since=date(2026, 11, 2)))),
    ]
    assert went_live(published, ("North", "South")) == {
        "North": {"dispatch_routing": date(2026, 10, 1)},
        "South": {"dispatch_routing": date(2026, 11, 2)},
    }


# ------------------------------------------------------------------ money


def test_money_by_hand() -> None:
    span = [FIRST + timedelta(days=i) for i in range(60)]
    figures = [Figure("coordinator_minutes", d, "", "", 400 if d < LIVE else 100, 10) for d in span]
    at = Days(Span(FIRST, LIVE - timedelta(days=1)), Span(LIVE, LIVE + timedelta(days=29)), {})
    told = tell(MEASURES["coordinator_minutes"], figures, at)
    assert told is not None
    rates = Rates("USD", {"coordinator_hour": Rate(30.0, "payroll"), "running_month": Rate(500.0, "invoice")})
    money = money_of({"coordinator_minutes": told}, {"coordinator_minutes": 300.0}, at, rates)
    # 30 minutes saved an incident × 300 incidents a month ÷ 60 × 30 an hour = 4,500; less 500.
    assert [round(m.month.value) for m in money] == [4500, -500]
    assert round(total(money).value) == 4000
    assert "coordinator hour: USD 30.00 (payroll)" in money[0].assumes


def test_what_shows_no_effect_is_told_and_not_counted() -> None:
    report = reported()
    [missed] = [m for m in report.money if m.name == "Visits that were not missed"]
    assert not missed.counted
    assert missed.month.value != 0
    assert total(report.money).value == pytest.approx(sum(m.month.value for m in report.money if m.counted))
    assert "not counted: no effect shown" in text_of(report)


def test_without_a_rate_there_is_no_line() -> None:
    report = make_report("T", counted(), days(), Rates("USD", {"overtime_hour": Rate(42.0, "payroll")}))
    assert [m.name for m in report.money] == ["Overtime"]


# ------------------------------------------------------------------ every way of telling


def test_text_page_csv_and_json_say_the_same_word() -> None:
    report = reported()
    rows = list(csv.DictReader(io.StringIO(csv_of(report))))
    words = [(r["measure"], r["location"], r["service"], r["word"]) for r in rows]
    measures = plain(report)["measures"]
    assert words == [(m["measure"], x["location"], x["service"], x["word"]) for m in measures for x in m["lines"]]
    page = page_of(report)
    for told in report.told:
        assert f'{told.measure.name} <span class="word {told.whole.word}">' in page
        assert re.search(rf"{told.measure.name} .*: {told.whole.word}", text_of(report))


def test_the_page_holds_no_script_and_fetches_nothing() -> None:
    page = page_of(reported())
    assert "<script" not in page
    assert "@media print" in page
    assert re.findall(r"""(?:src|href)=["']?([^"' >]+)""", page) == []
    assert set(re.findall(r"https?://[^\"' ]+", page)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_a_chart_says_in_words_what_it_shows() -> None:
    assert 'role="img" aria-label="No-show rate by day: 7.' in page_of(reported())


def test_names_in_a_page_are_text() -> None:
    assert "&lt;b&gt;Testville" in page_of(make_report("<b>Testville", counted(), days(), None))


def test_a_mail_names_nobody_of_the_staff() -> None:
    people = Recommendation("order", "Ana says yes less often.", "Ask Ben first.", names_people=True)
    steps = Recommendation("window", "Most answers came within 4 min.", "Wait 5 min.")
    report = reported(recommendations=[people, steps])
    assert "Ana" in text_of(report)
    assert "Ana" not in page_of(report.without_people()) + text_of(report.without_people())
    assert "Wait 5 min." in text_of(report.without_people())
