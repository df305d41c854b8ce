"""Codes to words: exceptions, outcomes, reasons, states. Decisions keep codes (E16); here they are said once, for
everybody. A code without words is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping

from caredispatch.core.records import Ask

# What is wrong, in a few words. {who} is who is missing, {when} the visit's time.
EXCEPTION_TITLES: Mapping[str, str] = {
    "staff_notice": "Somebody of the staff is out or late: confirm it",
    "nobody_found": "Nobody found for the {when} visit",
    "patient_declined": "Patient said no to the {when} visit",
    "provider_silent": "No answer from the provider of {when}",
    "handed_over": "The {when} visit needs a decision",
    "conflict": "Two systems disagree about the {when} visit",
    "overlap": "The {when} visit overlaps another",
    "not_understood": "A notice could not be understood",
    "mapping_missing": "Something in a notice is not known here",
    "missing_fact": "A fact is missing for the {when} visit",
    "delivery_failed": "Something did not reach its target for {when}",
    "fetch_failed": "A change could not be read",
    "free_text": "An answer that a person must read",
    "probably_cancels": "Probably cancels the {when} visit",
    "stage_not_live": "Marked only: the {when} visit",
    "volume": "Unusual volume: release or discard",
    "poison": "A change could not be decided",
    "call": "Call the patient of {when}",
    "slot_unfilled": "Nobody took the free time of {when}",
    "not_placed": "No time found for a visit that is wanted",
    "gap": "Nobody is sure for the {when} visit",
    "not_started": "The {when} visit has not begun",
    "safety": "A message that may mean danger",
}

# Why, in one sentence, from the exception's details; a detail that is not there leaves nothing behind.
EXCEPTION_WHYS: Mapping[str, str] = {
    "staff_notice": "They wrote so and did not confirm what was understood; {visits} visits are affected. Confirm or drop it.",
    "not_with_the_group": "whoever was found for the group can't see this patient",
    "incident_over": "it was decided, or is too long ago",
    "being_cancelled": "it is being cancelled",
    "somebody_else": "somebody else has it by now",
    "nobody_found": "{why}; {asked}. {missing} {left_out}",
    "patient_declined": "The patient does not want another provider.",
    "provider_silent": "Asked, and no answer in time. The visit was not given away. {left_out}",
    "handed_over": "{why} {rule} {trigger}",
    "conflict": "{system} and the record both changed {field}: {sides}.",
    "overlap": "The {role} already has another visit then.",
    "not_understood": "{reason} {what}",
    "mapping_missing": "{system} names {what}, which is not known here: add it under connections.{system}.map.{part}, "
    "then import.",
    "missing_fact": "The rules need to know: {fact}.",
    "delivery_failed": "{system} {role} {why} {code}",
    "fetch_failed": "{system}: {reason}",
    "free_text": "{why} Read what they wrote, then decide.",
    "probably_cancels": "They opted out of texts after being asked. Call them.",
    "stage_not_live": "{stage} is {state}: nobody was asked. {would_ask}",
    "volume": "{system} changed {changes} visits in ten minutes; {usual} are usual. What they would send waits.",
    "poison": "{reason}. It is kept and can be tried again.",
    "call": "{need}",
    "slot_unfilled": "{asked} on the waitlist were offered it. {left_out}",
    "safety": "Somebody wrote words that may mean danger; they got the 988 reply. Call them now.",
    "gap": "{why} {best}",
    "not_started": "{why}; {asked}. {missing}",
    "not_placed": "{why}; {searched} looked at. {blocked} {left_out}",
}

NEEDS: Mapping[str, str] = {
    "confirm_patient": "The patient has not confirmed.",
    "agree_patient": "Ask whether the other provider is all right.",
    "bad_news": "Say that nobody is found yet.",
    "rebook": "Find them another time.",
    "tell": "A text to them failed: say it by phone.",
    "offer_slot": "Offer them the free time: no text may go to them, and they are next on the waitlist.",
    "tell_cancelled": "Say that the visit is cancelled.",
    "place": "Find them a time.",
}

WHYS: Mapping[str, str] = {
    "path_ended": "end of the path",
    "visit_started": "the visit began",
    "human_first": "A person comes first here. ",
    "find_new_contact": "They wrote that the number is wrong or that they want no texts: find another contact. ",
    "no_arrival": "What is sent to their contact can't arrive there: find another one. ",
    "hold": "the time of somebody who said yes could not be held or given free there.",
    "no_right": "They answered, but the contact may not answer that for the person. ",
    "no_report": "sent, but nothing says that it arrived.",
    "unknown_staff": "no such staff member",
    "already_booked": "already booked then",
    "not_active": "the visit is over or cancelled",
    "no_such_role": "the visit has no such role",
    "not_open": "it was resolved meanwhile",
    "already_taken": "somebody has the time already",
    "still_to_be": "the visit takes place",
    "no_time_of_anybody": "nobody was assigned",
    "too_late_to_fill": "nothing fits into what is left of it",
    "lost_provider": "whoever was assigned can't do it",
    "placed_twice": "They took two times at once: one has to go. ",
    "patient_wants_own_provider": "the patient wants their own provider",
    "no_times": "nobody has any time that fits",
    "silent": "no answer to the times that were offered",
    "declined": "none of the offered times suits",
    "not_reached": "the patient could not be asked",
    "taken_meanwhile": "what they chose was taken, again and again",
    "too_late_to_place": "the last day that was asked for is over",
    "not_landed": "the new visit did not reach every system",
    "no_rule": "No rule of the playbook says what to do yet. ",
    "seen_in_a_load": "It came with a first load and was never coordinated here. ",
    "waits_behind_volume": "It waits behind an unusual volume. ",
    "waits_for_provider": "The provider was asked and has not answered yet. ",
    "provider_not_sure": "Nothing says that the provider knows. ",
    "a_person_has_it": "It stands before a person already. ",
    "clinician_follows_up": "A clinician follows up with this patient: nothing automated is sent. ",
    "chose_before": "They have a time and answered once more. ",
}

CASE_OUTCOMES: Mapping[str, str] = {
    "lead_handed": "before a person with its group or series",
    "accepted": "the provider said yes",
    "confirmed": "the patient confirmed",
    "told": "told and delivered",
    "told_not_known": "told, arrival not known",
    "declined": "declined",
    "covered": "covered",
    "covered_by_earlier_ask": "covered by somebody asked earlier",
    "opted_out": "wants no more texts",
    "taken_back": "the provider can after all",
    "agreed": "the patient agreed",
    "by_hand": "settled by a person",
    "assigned_elsewhere": "assigned in another system",
    "conflict_found": "a conflict was found",
    "cover_opened": "cover is sought instead",
    "visit_changed": "the visit changed",
    "visit_started": "the visit began",
    "nobody_assigned": "nobody was assigned",
    "never_staffed": "never staffed",
    "not_told": "could not be told",
    "not_reached": "could not be reached",
    "silent": "no answer",
    "shadow": "shadow: nobody was asked",
    "path_ended": "end of the path",
    "rescheduled": "moved",
    "cancelled": "cancelled",
    "noshow": "no-show",
    "fulfilled": "took place",
    "arrived": "arrived",
    "filled": "somebody of the waitlist has it",
    "moved_up": "the patient took an earlier time",
    "taken_elsewhere": "booked elsewhere meanwhile",
    "too_near": "too near for anybody on the waitlist",
    "not_filled": "its time has come, nobody took it",
    "matched_to_uncovered": "kept for a visit that lacks somebody",
    "nobody_took_it": "nobody took it",
    "entered-in-error": "entered in error",
    "placed": "a time was found and booked",
    "placed_elsewhere": "placed in another system",
    "rebooked": "rebooked, and landed everywhere",
    "rebooked_elsewhere": "booked anew by themselves",
    "taken_meanwhile": "the time was taken meanwhile",
    "not_landed": "the new visit did not land",
    "no_times": "nobody has time",
    "too_late_to_place": "the last day asked for is over",
    "clinician_follows_up": "a clinician follows up",
    "patient_chose": "the patient chose another time or way",
}

REASONS: Mapping[str, str] = {
    "lost": "can't do it any more",
    "on_visit": "has another role in this visit",
    "role": "other profession",
    "skill": "lacks a needed skill",
    "care_plan": "not on this care plan",
    "excluded": "excluded for this patient",
    "left": "no longer here that day",
    "modality": "does not see patients by video",
    "licence": "no licence there that day",
    "hours": "not on duty then",
    "leave": "on leave",
    "booked": "booked then",
    "calendar": "calendar says busy",
    "other_service": "waits for another service",
    "wants_other_time": "wants another time",
    "wants_other_day": "wants another day of the week",
    "wants_other_hours": "wants another time of the day",
    "wants_other_site": "does not come to this site",
    "wants_other_provider": "wants somebody else",
    "wants_other_modality": "wants it another way",
    "has_earlier": "has an earlier time",
    "short_notice": "needs more notice",
    "not_ready": "not ready yet",
    "offers_used_up": "was offered as many times as agreed",
    "patient_busy": "has another visit then",
    "already_offered": "was offered this time",
    "limit": "was asked as often as allowed",
}

# Why a search has no time for somebody, beside the reasons above.
NO_TIME: Mapping[str, str] = {
    "asked": "not on the days that are asked for",
    "patient_busy": "free only when the patient is not",
    "room": "no room is free then",
    "service": "the service is not known",
}

PARTS: Mapping[str, str] = {
    "continuity": "seen {n}×",
    "care_plan": "knows the care plan",
    "location": "works at this site",
    "load": "{n} h booked",
    "longest_wait": "waits {n} weeks",
}

ASK_STATES: Mapping[str, tuple[str, str, str]] = {  # word, tone, sign
    "pending": ("being sent", "tent", "waiting"),
    "sent": ("waiting", "tent", "waiting"),
    "accepted": ("yes", "ok", "confirmed"),
    "declined": ("no", "bad", "declined"),
    "expired": ("no answer", "off", "expired"),
    "withdrawn": ("withdrawn", "off", "expired"),
    "undeliverable": ("undeliverable", "risk", "risk"),
}


def ask_state(ask: Ask) -> str:
    """How a question stands, in a word. Somebody who said yes did so, also where it could not count (any more)."""
    if ask.state in ("sent", "withdrawn") and ask.answered_at is not None:
        return "said yes"
    return ASK_STATES[ask.state][0]


ASK_PURPOSES: Mapping[str, str] = {
    "confirm_staff": "asked to confirm",
    "inform_staff": "told",
    "cover": "asked to cover",
    "confirm_patient": "asked to confirm",
    "agree_patient": "asked about another provider",
    "offer_slot": "offered the free time",
    "take_add_on": "asked to take an add-on",
    "offer_times": "offered times",
}

COVERAGES: Mapping[str, tuple[str, str, str]] = {
    "uncovered": ("Uncovered", "bad", "uncovered"),
    "at_risk": ("At risk", "risk", "risk"),
    "tentative": ("Tentative", "tent", "tentative"),
    "confirmed": ("Confirmed", "ok", "confirmed"),
}

CONFIRMATIONS: Mapping[str, tuple[str, str, str]] = {
    "unasked": ("not asked yet", "off", "expired"),
    "asked": ("asked", "tent", "waiting"),
    "confirmed": ("confirmed", "ok", "confirmed"),
    "declined": ("declined", "bad", "declined"),
    "silent": ("no answer", "off", "expired"),
}

LINK_STATES: Mapping[str, tuple[str, str, str]] = {
    "idle": ("Nothing to write", "off", "expired"),
    "waiting": ("Waiting", "tent", "waiting"),
    "landed": ("Landed", "ok", "confirmed"),
    "conflict": ("Conflict", "bad", "conflict"),
    "refused": ("Refused", "bad", "declined"),
}

ELIGIBLE: Mapping[str, tuple[str, str, str]] = {
    "yes": ("yes", "ok", "confirmed"),
    "unknown": ("not known", "tent", "tentative"),
    "no": ("no", "bad", "declined"),
}

PHASES: Mapping[str, str] = {
    "following": "waits for the visit that leads its group or series",
    "gated": "waits until the staffing holds",
    "checking": "calendars are asked",
    "asking": "answers are awaited",
    "agreeing": "the patient is asked",
}

TRIGGERS: Mapping[str, str] = {
    "booked": "a visit was booked",
    "rescheduled": "a visit was moved",
    "cancelled": "a visit was cancelled",
    "no_show": "the patient did not come",
    "conflict_found": "a conflict was found",
    "staff_unavailable": "the provider can't do it",
    "coverage_gap": "nobody is assigned",
    "patient_declined": "the patient said no",
    "slot_opened": "a time became free",
    "arrived": "the patient arrived",
    "fulfilled": "the visit took place",
    "add_on": "an emergency add-on",
    "request_received": "a visit was requested",
    "patient_confirmed": "the patient confirmed",
    "patient_silent": "the patient did not answer",
    "staff_late": "the provider is late",
    "patient_late": "the patient is late",
    "visit_not_started": "the visit did not start",
    "location_closed": "the site is closed",
    "series_changed": "the series was changed",
    "staff_leaving": "the provider leaves",
}

ACTS: Mapping[str, str] = {
    "assign": "assigned somebody",
    "cancel": "cancelled the visit",
    "resolve": "resolved it",
    "claim": "claimed it",
    "release_claim": "released it",
    "retry_write": "had it tried again",
    "keep_ours": "kept ours",
    "accept_theirs": "accepted theirs",
    "release_volume": "released what waited",
    "discard_volume": "discarded what waited",
    "move": "moved the visit",
    "overbook": "overbooked on purpose",
    "snooze": "snoozed it",
    "hand_over": "handed it over",
    "pause_case": "paused the case",
    "resume_case": "let the case go on",
    "undo": "took it back",
}

CHANNELS: Mapping[str, str] = {"sms": "SMS", "email": "e-mail", "voice": "phone", "page": "page", "phone": "phone"}
STAGES: Mapping[str, str] = {
    "booking_confirmation": "Booking confirmation",
    "no_show_follow_up": "No-show follow-up",
    "dispatch_routing": "Dispatch routing",
    "escalation": "Escalation",
}
MODALITIES: Mapping[str, str] = {"in_person": "in person", "video": "by video", "phone": "by phone"}

LABELS: Mapping[str, str] = {
    "opt_out": "that they want no more texts",
    "opt_in": "that they want texts again",
    "wrong_number": "that it is the wrong number",
    "cancel": "that they want to cancel",
    "reschedule": "that they want another time",
    "late": "that they will be late",
    "out": "that they are out",
    "crisis": "with words of a crisis",
    "human": "in words of their own",
    "help": "asking for help",
}

# What a decision noted on its way: sign, tone, sentence.
NOTES: Mapping[str, tuple[str, str, str]] = {
    "announced": ("person", "risk", "{by} announced it; {visits} visits are affected"),
    "follows": ("waiting", "tent", "waits for what is found for another visit of the group or series"),
    "follows_no_more": ("dot", "", "does not follow that visit any more"),
    "group_full": ("dot", "", "the group has its {most} places taken: recorded as a visit by itself"),
    "incident_confirmed": ("person", "", "{by} confirmed it"),
    "incident_dropped": ("person", "", "{by} said that it is not so"),
    "incident_undone": ("person", "", "{by} took it back"),
    "known_already": ("dot", "", "this was announced before"),
    "leads_now": ("dot", "", "seeks for the whole group or series now"),
    "led": ("confirmed", "ok", "{person} sees this visit too: found with the group or series"),
    "not_hit": ("dot", "", "this visit is not affected: {why}"),
    "not_led": ("declined", "bad", "{person} can't see this visit with the others"),
    "not_undone": ("dot", "", "somebody took it already: the {role} stays as it is"),
    "all_quiet": ("waiting", "off", "everybody of this step is in quiet hours; it waits"),
    "answered": ("person", "", "{person} answered {label} ({via})"),
    "asked": ("waiting", "tent", "{person} {purpose}"),
    "asked_for_another_role": ("dot", "", "{person} is asked for another role of the visit"),
    "by_hand": ("person", "", "{account} {act}"),
    "calendar_unknown": ("risk", "risk", "a calendar did not answer in time"),
    "calendars_asked": ("dot", "", "calendars asked about {staff}"),
    "calendars_said": ("dot", "", "calendars answered: {said}"),
    "cancellation_taken_back": ("dot", "", "the cancellation was taken back"),
    "case_closed": ("dot", "", "{kind} ended: {outcome}"),
    "case_opened": ("dot", "", "{kind} opened for the {role}"),
    "escalated": ("person", "risk", "not claimed in time: put before {owner}"),
    "escalation_not_live": ("expired", "off", "step {step} left out: escalation is not live"),
    "expired": ("expired", "off", "{person} did not answer in time"),
    "answer_to_another_time": ("expired", "off", "{person} answered about a time that is no more"),
    "held": ("waiting", "risk", "held behind an unusual volume: {trigger}"),
    "freed": ("person", "", "{person} has time now, and is asked like the others"),
    "hold_ended": ("dot", "", "{system} is to give the held time free again"),
    "hold_wanted": ("waiting", "tent", "{system} is to hold the time while the patient is asked"),
    "joined": ("dot", "", "cover for the {role} is already sought"),
    "gap_in_hand": ("dot", "", "coverage gap: somebody for the {role} is sought already"),
    "not_reminded": ("dot", "", "{person} was not reminded ({why})"),
    "not_started_and_over": ("dot", "", "it did not begin, and is over"),
    "reminded": ("waiting", "tent", "{person} was reminded"),
    "limit_reached": ("expired", "off", "{person} was asked as often as allowed"),
    "long_past": ("dot", "", "too long ago to act on: {trigger}"),
    "never_known": ("dot", "", "{system} removed something that was never known here"),
    "no_difference": ("dot", "", "{system} shows what is known"),
    "no_longer_sought": ("dot", "", "nobody is sought for the {role} any more"),
    "no_longer_asked": ("dot", "", "an answer came for a question that is closed"),
    "no_patient": ("dot", "", "no patient is known to ask"),
    "no_rule": ("dot", "", "no rule of the section {section} for: {trigger}"),
    "no_such_ask": ("expired", "off", "an answer to an unknown question"),
    "no_such_copy": ("expired", "off", "a report about an unknown copy"),
    "not_delivered": ("risk", "risk", "a text was not delivered (carrier code {carrier_code})"),
    "not_told": ("risk", "risk", "{person} could not be told: no usable contact"),
    "not_ours_to_give": ("dot", "", "the time is not on offer any more"),
    "nothing_to_fill": ("dot", "", "the time is not offered: {why}"),
    "nothing": ("dot", "", "{rule}: nothing to do, {reason}"),
    "nothing_known": ("expired", "off", "nothing is known about this"),
    "observed_overlap": ("dot", "", "overlaps another visit of the same source, as seen"),
    "old_news": ("dot", "", "{system}: older than what is known"),
    "overlap": ("conflict", "bad", "{resource} is already taken then"),
    "patient_asked_later": ("waiting", "tent", "the patient is asked in the morning"),
    "patient_declined": ("declined", "bad", "the patient said no to another provider"),
    "patient_silent": ("expired", "off", "the patient did not answer in time"),
    "quiet_too_long": ("expired", "off", "{person} is in quiet hours for too long"),
    "raised": ("person", "risk", "put before {owner}: {kind}"),
    "read_again": ("dot", "", "{system}: same version, other content; read again"),
    "refused": ("declined", "bad", "could not be done: {why}"),
    "rescheduled_to": ("dot", "", "booked anew: this was a move"),
    "same_answer": ("dot", "", "{person} gave the same answer again"),
    "passed_on": ("dot", "", "another visit hears of it"),
    "shown_to": ("person", "", "{owner} looks for somebody"),
    "superseded": ("dot", "", "the patient took another time"),
    "settling": ("waiting", "tent", "a cancellation settles before it counts"),
    "step_empty": ("expired", "off", "step {step} has nobody to ask"),
    "step_skipped": ("expired", "off", "step {step} skipped: {why}"),
    "told": ("dot", "", "{person} told: {text}"),
    "too_late": ("expired", "off", "{person} said yes too late and was told so"),
    "undeliverable": ("risk", "risk", "{person} has no contact left to ask by"),
    "unreachable": ("risk", "risk", "{person} has no usable contact"),
    "write_not_taken": ("risk", "risk", "{system} did not take what was written (round {round})"),
    "alerted": ("person", "risk", "{people} of {owner} alerted at once"),
    "quiet": ("dot", "", "{person} is in quiet hours"),
    "sent_by_another": ("dot", "", "{person} hears it from another system"),
    "followed_up_already": ("dot", "", "was followed up before: once is enough"),
    "gives_no_way": ("declined", "off", "does not give way: it began, changed, or must not be missed"),
    "gives_way": ("person", "risk", "gives {person} up to an emergency add-on"),
    "no_times": ("expired", "risk", "nobody has a time that fits: {people} looked at, {blocked}"),
    "placed": ("confirmed", "ok", "booked with {person} at {at}"),
    "requested": ("person", "", "a visit is wanted: {service}, entered by {by}"),
    "time_gone": ("expired", "risk", "the chosen time is not free any more"),
    "time_offered": ("dot", "", "option {number}: {person}, {at} (score {score}: {parts})"),
    "which_time": ("waiting", "tent", "{person} said yes to several times, and is asked which"),
}


class _Nothing(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def say(table: Mapping[str, str], code: str) -> str:
    """The words of a code, or the code."""
    return table.get(code, code)


def fill(sentence: str, details: Mapping[str, str]) -> str:
    """A sentence with its details; one that is not there leaves nothing behind."""
    return " ".join(sentence.format_map(_Nothing(details)).split()).strip(" ;:")


def group(name: str) -> str:
    """A group or text of the playbook as people say it."""
    return name.replace("_", " ")


def reason(code: str) -> str:
    """Why somebody could not take a visit; `code?` means that it is not known."""
    if code.endswith("?"):
        return f"not known: {say(REASONS, code[:-1])}"
    return say(REASONS, code)


def part(name: str, n: int) -> str:
    """One part of a score in words; empty where it says nothing."""
    return fill(PARTS.get(name, f"{name} {{n}}"), {"n": str(abs(n))}) if n else ""
