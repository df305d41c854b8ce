"""The words of the ask page, in English and Spanish. Staff read English; patients their own language, English where
we have no words in it."""

from __future__ import annotations

from collections.abc import Mapping

from caredispatch.core.records import AskPurpose
from caredispatch.web.ask_view import Shown

Words = Mapping[str, str]

_EN: Words = {
    "where": "Where",
    "service": "What",
    "provider": "With",
    "yours": "{time} where you are ({zone})",
    "there": "{time} at the site ({zone})",
    "in_person": "In person",
    "video": "By video",
    "phone": "By phone",
    "again": "This page updates by itself. You can also load it again.",
    "note": "You can change your answer here until the visit begins.",
    "no_cost": "Saying no has no cost.",
    "options": "Times to choose from",
    "several": "{count} visits need somebody",
    "need_not": "You need not do anything if it is fine.",
    "privacy": "Details of the patient are in your schedule, not on this page.",
    "not_here": "This link does not work",
    "not_here_why": "It may be incomplete. Open it from the text again, or call the practice.",
}
_ES: Words = {
    "where": "Dónde",
    "service": "Qué",
    "provider": "Con",
    "yours": "{time} donde está usted ({zone})",
    "there": "{time} en el lugar de la cita ({zone})",
    "in_person": "En persona",
    "video": "Por video",
    "phone": "Por teléfono",
    "again": "Esta página se actualiza sola. También puede volver a cargarla.",
    "note": "Puede cambiar su respuesta aquí hasta que empiece la cita.",
    "no_cost": "",
    "options": "Horas para elegir",
    "several": "{count} citas",
    "need_not": "",
    "privacy": "",
    "not_here": "Este enlace no funciona",
    "not_here_why": "Puede estar incompleto. Ábralo de nuevo desde el mensaje o llame al consultorio.",
}

# (purpose, what is shown) -> headline, sentence
_SAID_EN: Mapping[tuple[AskPurpose, Shown], tuple[str, str]] = {
    ("cover", "open"): ("Can you take this visit?", ""),
    ("cover", "accepted"): ("It is yours", "Thank you. It is in your schedule."),
    ("cover", "waiting_patient"): (
        "Thank you. Now the patient is asked",
        "The time is kept for you. We tell you as soon as the patient has answered.",
    ),
    ("cover", "patient_first"): (
        "A colleague said yes first",
        "The patient is asked whether that is fine with them. If you can too, say so: your yes stands by in case it "
        "does not work out. Otherwise nothing changes in your day.",
    ),
    ("cover", "standing_by"): (
        "Thank you. You stand by",
        "A colleague said yes first, and the patient is asked about them. Your yes counts in case it does not work "
        "out; we tell you either way.",
    ),
    ("cover", "declined"): ("You said no", "Thank you for telling us. Nothing changes in your day."),
    ("cover", "taken"): ("Thank you, it is taken care of", "Nothing changes in your day."),
    ("confirm_staff", "open"): ("Does this visit work for you?", ""),
    ("confirm_staff", "accepted"): ("Confirmed", "Thank you. It is in your schedule."),
    ("confirm_staff", "declined"): ("You said no", "Thank you for telling us. We find somebody else."),
    ("confirm_staff", "taken"): ("This visit is with somebody else now", "Nothing changes in your day."),
    ("inform_staff", "told"): ("You have a new visit", ""),
    ("inform_staff", "accepted"): ("Confirmed", "Thank you. It is in your schedule."),
    ("inform_staff", "declined"): ("You said that you can't", "Thank you for telling us. We find somebody else."),
    ("inform_staff", "taken"): ("This visit is with somebody else now", "Nothing changes in your day."),
    ("confirm_patient", "open"): ("Will you keep this appointment?", ""),
    ("confirm_patient", "accepted"): ("Confirmed. See you then", "Thank you for telling us."),
    ("confirm_patient", "declined"): (
        "You said that you can't come",
        "Thank you. We will call you about another time.",
    ),
    ("agree_patient", "open"): (
        "May {provider} see you instead?",
        "Your usual provider can't be there. The time stays the same.",
    ),
    ("agree_patient", "accepted"): ("Thank you. {provider} will see you", "The time stays the same."),
    ("agree_patient", "declined"): ("Thank you for telling us", "We will be in touch about this appointment."),
    ("agree_patient", "taken"): ("Nothing to answer any more", "We will be in touch about this appointment."),
    ("offer_times", "open"): ("Which time suits you?", "Choose one. It is yours once this page says so."),
    ("offer_times", "accepted"): ("Thank you. This is your time", "We tell you if anything about it changes."),
    ("offer_times", "declined"): ("You said that none of them suits you", "Thank you for telling us."),
    ("offer_times", "taken"): ("Nothing to choose any more", "If you still need a time, please call us."),
    ("offer_slot", "open"): ("Would you like this earlier time?", ""),
    ("offer_slot", "accepted"): ("It is yours. See you then", "Thank you."),
    ("offer_slot", "declined"): ("You said no", "Thank you for telling us. Nothing else changes for you."),
    ("offer_slot", "taken"): ("This time is taken meanwhile", "Nothing else changes for you."),
    ("take_add_on", "open"): ("Can you take this urgent visit?", ""),
    ("take_add_on", "accepted"): ("It is yours", "Thank you. It is in your schedule."),
    ("take_add_on", "declined"): ("You said no", "Thank you for telling us. Nothing changes in your day."),
    ("take_add_on", "taken"): ("Thank you, it is taken care of", "Nothing changes in your day."),
}
_SAID_ES: Mapping[tuple[AskPurpose, Shown], tuple[str, str]] = {
    ("confirm_patient", "open"): ("¿Vendrá a esta cita?", ""),
    ("confirm_patient", "accepted"): ("Confirmada. Le esperamos", "Gracias por avisarnos."),
    ("confirm_patient", "declined"): ("Dijo que no puede venir", "Gracias. Le llamaremos para buscar otra hora."),
    ("agree_patient", "open"): (
        "¿Puede atenderle {provider}?",
        "Su profesional habitual no puede estar. La hora no cambia.",
    ),
    ("agree_patient", "accepted"): ("Gracias. Le atenderá {provider}", "La hora no cambia."),
    ("agree_patient", "declined"): ("Gracias por avisarnos", "Nos pondremos en contacto con usted sobre esta cita."),
    ("agree_patient", "taken"): (
        "Ya no hay nada que responder",
        "Nos pondremos en contacto con usted sobre esta cita.",
    ),
    ("offer_times", "open"): ("¿Qué hora le conviene?", "Elija una. Es suya cuando esta página lo diga."),
    ("offer_times", "accepted"): ("Gracias. Esta es su hora", "Le avisaremos si algo cambia."),
    ("offer_times", "declined"): ("Dijo que ninguna le conviene", "Gracias por avisarnos."),
    ("offer_times", "taken"): ("Ya no hay nada que elegir", "Si aún necesita una hora, llámenos."),
    ("offer_slot", "open"): ("¿Quiere esta hora, que es antes?", ""),
    ("offer_slot", "accepted"): ("Es suya. Le esperamos", "Gracias."),
    ("offer_slot", "declined"): ("Dijo que no", "Gracias por avisarnos. Lo demás no cambia para usted."),
    ("offer_slot", "taken"): ("Esa hora ya está ocupada", "Lo demás no cambia para usted."),
}
_ANY_EN: Mapping[Shown, tuple[str, str]] = {
    "covering": ("Somebody else is being found", "You need not do anything. Nobody else has the visit yet."),
    "moved": ("This visit was moved", "You see its present time. If we need an answer, you get a new question."),
    "noted": ("Noted, being worked on", "Your answer has arrived. What follows from it shows here in a moment."),
    "cancelled": ("This visit was cancelled", "There is nothing to answer any more."),
    "over": ("This is over", "The visit has begun or is past. There is nothing to answer any more."),
}
_ANY_ES: Mapping[Shown, tuple[str, str]] = {
    "moved": (
        "Esta cita se cambió",
        "Aquí ve la hora actual. Si necesitamos una respuesta, le preguntaremos de nuevo.",
    ),
    "noted": ("Recibido, en proceso", "Su respuesta ha llegado. En un momento verá aquí lo que sigue."),
    "cancelled": ("Esta cita fue cancelada", "Ya no hay nada que responder."),
    "over": ("Esto ya pasó", "La cita ha empezado o ha pasado. Ya no hay nada que responder."),
}

# purpose -> (yes first, no first, yes after a no, no after a yes)
_BUTTONS_EN: Mapping[AskPurpose, tuple[str, str, str, str]] = {
    "cover": ("Yes, I can", "No, I can't", "I can after all", "I can't after all"),
    "confirm_staff": ("Yes, it works", "No, I can't", "I can after all", "I can't after all"),
    "inform_staff": ("It works", "I can't do it", "I can after all", "I can't after all"),
    "confirm_patient": ("Yes, I will be there", "No, I can't come", "I can come after all", "I can't come after all"),
    "agree_patient": ("Yes, that is fine", "No, thank you", "I can come after all", "I can't come after all"),
    "offer_times": ("Take this time", "None of them suits me", "Take this time after all", "I can't come after all"),
    "offer_slot": ("Yes, I take it", "No, thank you", "I take it after all", "I can't come after all"),
    "take_add_on": ("Yes, I can", "No, I can't", "I can after all", "I can't after all"),
}
_BUTTONS_ES: Mapping[AskPurpose, tuple[str, str, str, str]] = {
    "confirm_patient": ("Sí, vendré", "No puedo venir", "Sí puedo venir", "Ya no puedo venir"),
    "agree_patient": ("Sí, está bien", "No, gracias", "Sí puedo venir", "Ya no puedo venir"),
    "offer_times": ("Tomar esta hora", "Ninguna me conviene", "Sí, tomo esta hora", "Ya no puedo venir"),
    "offer_slot": ("Sí, la tomo", "No, gracias", "Sí, la tomo", "Ya no puedo venir"),
}


def language_of(language: str, purpose: AskPurpose) -> str:
    """The language the page is in: one that has words for the purpose."""
    spanish = language.lower().startswith("es") and purpose in _BUTTONS_ES
    return "es" if spanish else "en"


def words_of(language: str) -> Words:
    """The small words."""
    return _ES if language == "es" else _EN


def said(language: str, purpose: AskPurpose, shown: Shown) -> tuple[str, str]:
    """Headline and sentence."""
    table, rest = (_SAID_ES, _ANY_ES) if language == "es" else (_SAID_EN, _ANY_EN)
    return rest[shown] if shown in rest else table[(purpose, shown)]


def buttons(language: str, purpose: AskPurpose, shown: Shown) -> dict[str, str]:
    """The words on the buttons for yes and no."""
    yes, no, yes_later, no_later = (_BUTTONS_ES if language == "es" else _BUTTONS_EN)[purpose]
    first = shown in ("open", "told", "moved", "patient_first")
    return {"yes": yes if first else yes_later, "no": no if first else no_later}
