"""A system's words in ours and back: ids are mapped, everything else passes as it is."""

from __future__ import annotations

from caredispatch.contract.manifest import load_manifest
from caredispatch.core.content import Content
from caredispatch.engine.registry import Connected
from caredispatch.engine.translating import translate, untranslate
from caredispatch.store.practices import Wiring

MAPPINGS = {"actor": {"Practitioner/1": "ana"}, "service": {"10": "intake"}, "location": {"Location/1": "north"}}
WIRING = Wiring("p", "ehr", "fhir", {}, "signed", (), True, True, True, True, False, 20, None, None, None, MAPPINGS)
EHR = Connected(WIRING, load_manifest("fhir"), None, 4, 10)
PLAIN: Content = {
    "start_at": "2026-11-25T17:00:00Z",
    "end_at": "2026-11-25T17:50:00Z",
    "status": "proposed",
    "modality": "video",
    "note": "confirmed 2026-11-24T15:00:00Z",
    "requested.from": "2026-11-25T07:00:00Z",
    "requested.until": "2026-11-28T07:00:00Z",
    "urgent": "true",
    "series": "Appointment/a0",
    "accepted.provider": "accepted",
    "accepted.patient": "needs-action",
}
THEIRS: Content = {"actor.provider": "Practitioner/1", "service": "10", "location": "Location/1"}
OURS: Content = {"actor.provider": "ana", "service": "intake", "location": "north"}


def test_ids_are_mapped_and_every_other_key_passes_there_and_back() -> None:
    assert translate({**PLAIN, **THEIRS}, EHR) == ({**PLAIN, **OURS}, ())
    assert untranslate({**PLAIN, **OURS}, EHR) == ({**PLAIN, **THEIRS}, ())
    assert {*PLAIN, *THEIRS} >= set(load_manifest("fhir").holds), "a key that the EHR reports was left out here"


def test_what_has_no_mapping_is_named_and_hides_nothing_else() -> None:
    stranger = {**PLAIN, **THEIRS, "actor.provider": "Practitioner/9"}
    ours, unmapped = translate(stranger, EHR)
    assert ours == {**PLAIN, "service": "intake", "location": "north"}
    assert unmapped == ("actor.provider=Practitioner/9",)
