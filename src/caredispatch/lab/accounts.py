"""The accounts that the demo's practices have in the outside systems. All made up."""

from __future__ import annotations

ACUITY_USER, ACUITY_KEY = "770077", "demo-acuity-key"
FHIR_TOKEN = "demo-fhir-token"
TWILIO_SID, TWILIO_TOKEN, TWILIO_FROM = "AC" + "0" * 32, "demo-twilio-token", "+15550100"
GROUPS_SECRET = "whsec_" + "ZGVtby1vbmx5IHNlY3JldCBvZiB0aGUgZ3JvdXBzIQ=="
