"""The closed lists that a text is compared with, in English and Spanish (D22). Each phrase stands under what it says;
in braces stand the sets of words below. How texts are compared is in `reply_text`, what follows in `replies`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Kind = Literal["yes", "no", "cancel", "reschedule", "opt_out", "opt_in", "wrong_number", "glad", "sorry", "reason",
               "road", "plain", "stay"]  # fmt: skip
"""What a phrase says. `glad` goes with a yes and is none, `sorry` and `reason` go with a no and are none, `road` goes
with being late; `plain` says nothing; `stay` is a phrase that looks like an answer and is for a person."""


def word_set(written: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(written.split())


_SETS: Mapping[str, str] = {
    "when": "(?: today| tomorrow| tmrw| then| hoy| manana)?",
    "for_when": "(?:(?: for| on| de| para)? (?:today|tomorrow|tmrw|hoy|manana|monday|tuesday|wednesday|thursday"
    "|friday))?",
    "texts": "(?: mensajes| textos)?",
    "go": "(?: ir| asistir| venir| llegar| hacerlo)?",
    "appt": "(?:(?:my|the|this|our|mi|la|una) (?:appointment|appt|appts|visit|session|cita|visita|sesion)"
    "|appointment|appt|visit|it|cita|both appointments)",
    "whom": "(?: (?:dr|doctor|doctora|sir|maam|mam|madam|miss|senor|senora|senorita|dear|everyone|all|guys))?",
    "i": "(?:i |we )?",
    "cant": "(?:(?:i |we )?(?:cant|cannot|can not|wont|will not|wont be able to|will not be able to)"
    "|(?:im |i am |we are |were )?(?:not able to|unable to|not going to|not gonna|not going to be able to))",
    "need": "(?:(?:i |we )?(?:need to|have to|want to|wanna|gotta|must|would like to|will have to)|id like to"
    "|im going to have to|(?:can|could|would) you|can i|could i|can we|could we|may i|quiero|necesito|necesitamos"
    "|tengo que|quisiera"
    "|puedo|podemos|puede|pueden|podria|podrian|me gustaria)(?: please| por favor)?",
}

PHRASES: Mapping[Kind, str] = {
    "yes": """
        y; yes; yep; yeah; yea; yup; yah; yas; yez; yse; yis; ye; ok; okay; oki; okie; okey; okey dokey
        okie dokie; k; c; sure; sure thing; (?:i )?confirm(?: {appt})?; confirmed; confirming; i can confirm
        confirmo; confirmado; confirmada; confirmar; confirmamos; (?:le |te )?confirmo (?:mi|la) cita; si; s; sip
        claro; claro que si; vale; dale; listo; simon; afirmativo; affirmative; de acuerdo; will do; of course
        absolutely; definitely; certainly; por supuesto; sounds (?:good|great|perfect); that works; works for me
        that works for me; that is (?:fine|ok|okay|good|perfect); thats (?:fine|ok|okay|good|perfect)
        fine (?:with|by) me; ok (?:with|by) me; good with me; perfect; perfecto; i agree; esta bien; muy bien
        ill be there{when}; i will be there{when}; well be there{when}; we will be there{when}; be there{when}
        see (?:you|u|ya) (?:then|tomorrow); c u (?:then|tomorrow); ahi (?:estare|estaremos|estoy)
        alli (?:estare|estaremos|estoy); ahi nos vemos; nos vemos (?:manana|hoy|entonces); aqui estare
    """,
    "no": """
        n; no; nope; nah; cant; i cant; we cant; cannot; i cannot; i can not; decline; no can do; not available
        im not available; i am not available; {cant} (?:make it|come|come in|attend|be there|make {appt}){when}
        (?:i |we )?cant{when}; {cant} do (?:it|that){when}; {cant} cover(?: it| that)?{when}; unable; no puedo{when}
        no podemos{when}; no podre{when}; no podremos{when}; (?:hoy|manana) no puedo; no voy a ir{when}
        no vamos a ir{when}
        no (?:puedo|podemos|podre|podremos|voy a poder|vamos a poder|boy a poder){go}{when}
        no i dont want to; i dont want to; no quiero; no estoy de acuerdo; i dont agree; no estoy disponible
        no disponible
    """,
    "cancel": """
        (?:please|pls|plz|just|then|por favor) (?:cancel|cancele|cancelen|cancelar)(?: {appt})?{for_when}
        {need} cancel(?: {appt})?{for_when}; {need} (?:cancelar|cancele|cancelen|cancelarla)(?: {appt})?{for_when}
        cancel {appt}{for_when}; (?:cancele|cancelen|cancelar) {appt}{for_when}; cancel (?:please|pls|plz); cancelar
        cancele
    """,
    "reschedule": """
        (?:please |just )?reschedule(?: me| {appt})?; rescheduling; resched
        (?:please |just )?(?:reschedule|resched) {appt}
        {need} (?:reschedule|resched)(?: {appt}| (?:my|our) \\w+ appointment)?
        is it possible to reschedule(?: {appt})?
        {need} (?:change|move|switch) {appt}(?: to (?:another|a different) (?:day|time))?
        {need} (?:reprogramar|reagendar|cambiar|mover|cambiarme)(?: {appt}| la hora| la fecha)?
        reprogramar(?: {appt})?; reagendar(?: {appt})?; (?:cambiar|mover) {appt}
        {i}(?:need|want) (?:a different|another) (?:time|day|date|appointment)
        (?:a different|another) (?:time|day|date)
        (?:can|could) (?:i|we) (?:come|do) (?:another|a different) (?:day|time)
        do you have (?:another|a different|any other) (?:day|time); (?:otra|otro) (?:fecha|dia|hora)
        (?:quiero|necesito|quisiera|prefiero) (?:otra|otro) (?:fecha|dia|hora)
    """,
    "opt_out": """
        unsubscribe(?: me)?
        (?:stop|quit) (?:texting|messaging|contacting|bothering)(?: me| us| this number)?(?: anymore| again)?
        no more (?:texts|messages|text messages)
        (?:dont|do not|never) (?:text|message|contact) (?:me|us|this number)(?: anymore| again| ever again)?
        stop sending (?:me |us )?(?:these |any more |more )?(?:texts|messages)
        (?:remove|delete|take) (?:me|my number|this number)(?: off| from)?(?: of)?(?: your| the| this)? list
        take me off; (?:remove|delete) my number; opt out; opt me out
        (?:ya )?no me (?:escriba|escriban|escribas|mande|manden|envie|envien|textee|texteen)(?: mas)?{texts}
        (?:deje|dejen|deja) de (?:escribirme|mandarme|enviarme|textearme)(?: mensajes| textos)?
        no quiero (?:mas|recibir) (?:mas )?(?:mensajes|textos); no mas mensajes
    """,
    "opt_in": "start texting me again; resume texts; you can text me again",
    "wrong_number": """
        (?:the |a )?wrong (?:number|person|num|phone number)
        (?:you|u|ya|youve|you all)(?: guys)?(?: have| got| texted)? (?:the|a) wrong (?:number|person)
        {i}think (?:you|u|youve) (?:have|got) the wrong (?:number|person)
        (?:this|that|it) is (?:the|a) wrong number; its (?:the|a) wrong number
        (?:tiene|tienen) el numero equivocado; numero (?:equivocado|incorrecto|erroneo); (?:se )?equivoco de numero
        se equivocaron de numero; esta equivocado; persona equivocada; es numero equivocado
    """,
    "glad": """
        no problem; no problema; no worries; no hay problema; cant wait; looking forward to it
        see (?:you|u|ya|y all)(?: soon| there| later)?; great; awesome; cool; bueno; con gusto; happy to; voy a ir
        vamos a ir; voy a estar ahi; i can make it; we can make it; will attend; i will attend; i plan to be there
        excelente; genial; sin falta
    """,
    "sorry": """
        sorry; so sorry; im sorry; i am sorry; im so sorry; my apologies; lo siento(?: mucho)?; perdon; disculpe
        disculpen; unfortunately; apologies; sorry about that
    """,
    "reason": """
        (?:im |i am |were )?(?:sick|busy|booked(?: up)?|fully booked|working|at work|out of town|on vacation)
        (?:im |i am )?not feeling well
        {i}have to work; {i}have (?:a )?(?:work|class|school)
        (?:im |i am )?(?:with|seeing) (?:a patient|patients|a client|clients|my patient)
        estoy (?:enfermo|enferma|ocupado|ocupada|trabajando|con un paciente|con pacientes|con una paciente)
        tengo que trabajar; something (?:came|has come) up; i have a conflict; in session; im in session
        i feel sick
    """,
    "road": """
        on my way; omw; im on my way; (?:stuck in |bad |heavy |in |there is |theres )?traffic; be there soon
        almost there; ya voy(?: en camino)?; voy en camino; hay (?:mucho )?trafico
    """,
    "plain": """
        please; pls; plz; plss; thanks(?: (?:so|very) much| again| a lot| a bunch)?
        thank(?: (?:you|u))?(?: (?:so|very) much| again| all)?; thx; thnx; thnks; tks; thanx; ty; tysm; tyvm; tia
        much appreciated; appreciate it; many thanks; gracias; grasias; graciass; muchas gracias; mil gracias
        muchisimas gracias; muy amable; por favor; porfavor; porfa; xfa; favor; hi{whom}; hello{whom}; hey{whom}
        hola{whom}; hey there; hi there; dr; doc; maam; mam; sir; maestra
        good (?:morning|afternoon|evening|day){whom}; buen dia; buenos dias; buenas tardes; buenas noches; buenas
        senor; senora; senorita; doctora; doctor; dear; hun; dude; bro; lady
        have a (?:good|great|nice|blessed) (?:day|one|night|evening|weekend|week); god bless(?: you)?
        dios (?:la|lo|le|los) bendiga; bendiciones; saludos; que tenga (?:un )?buen dia
        sent from my (?:iphone|phone|android|galaxy|ipad)
        this is (?:his|her|their) (?:mom|dad|mother|father|parent|wife|husband|grandma|grandmother)
        (?:for|thanks for|thank you for|thx for) (?:the|your) (?:reminder|text|message|help)
        sorry (?:for|about) (?:the|my) (?:late|delayed|slow) (?:reply|response|answer); sorry for (?:the|my) delay
        hell; damn; fuck; fucking; fuckin; freaking; gracias por (?:el recordatorio|avisar|recordarme)
        thanks for (?:asking|checking|letting me know)
    """,
    "stay": """
        no need to; no need; do not; dont; claro que no; por supuesto que no; of course not; absolutely not
        no (?:cancel|cancele|cancelen|canceles|cancelar|cancela|reschedule|reprogramar|cambiar|mover)
        no (?:quiero|necesito|voy a|tengo que|quisiera) (?:cancelar|cancele|cambiar|reprogramar|mover)
        definitely not; ya no; como no; hope so; i hope so; creo que si; creo que no; yeah right; sure sure; oh sure
        ok ok; not; hardly; no more
    """,
}
REAL_WORDS = word_set(
    "cancer cancelled canceled canceling cancels rescheduled conform conforme pleased chance charge changed "
    "changes massage massages mourning think thinks where quiere quieres necesita reprogramado cancelado cancelada "
    "off of too to in be see bee need all either banana declined contract lease personal contacted attended "
    "enable testing tested wording"
)
"""Words of other meanings that are near a known one: never taken for it."""
STAFF_PHRASES: Mapping[Kind, str] = {
    "yes": """
        {i}can; i can do (?:it|that); can do
        (?:ill|i will|i can) (?:take|cover|do)(?: it| that| that one| this| this one)?; i got it; ive got it; got it
        on it; im on it; happy to; count me in; (?:si )?(?:yo )?puedo; yo (?:la|lo) (?:tomo|cubro|hago)
        yo (?:puedo )?cubro; la tomo
    """,
}
OFFER_PHRASES: Mapping[Kind, str] = {
    "no": """
        none of (?:them|those|these)(?: works?| work for me)?; neither(?: works| one)?
        (?:ninguna|ninguno)(?: de (?:esas|esos|ellas|las dos))?; none work(?: for me)?
    """,
    "glad": """
        works(?: for me| best)?; is (?:good|fine|great|perfect)(?: for me)?; would be (?:good|great|fine|perfect)
        (?:ill|i will|i would|id|i)? ?(?:take|like|want|choose|prefer|pick)
        (?:quiero|prefiero|escojo|me quedo con|tomo); lets (?:do|go with); me sirve; me funciona; esta bien
        sounds good
    """,
}
NUMBERS: Mapping[str, int] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "uno": 1, "dos": 2, "tres": 3, "cuatro": 4,
    "first": 1, "second": 2, "third": 3, "fourth": 4, "primera": 1, "primero": 1, "segunda": 2, "segundo": 2,
    "tercera": 3, "tercero": 3, "cuarta": 4,
}  # fmt: skip


def phrases(of: Mapping[Kind, str]) -> tuple[tuple[Kind, str], ...]:
    """Each phrase as a pattern, with what it says."""
    found: list[tuple[Kind, str]] = []
    for kind, block in of.items():
        for written in re.split(r"[;\n]", block):
            phrase = re.sub(r"\{(\w+)\}", lambda m: _SETS[m[1]], written.strip())
            if phrase:
                found.append((kind, phrase))
    return tuple(found)
