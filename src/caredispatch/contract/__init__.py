"""The contract between engine and connectors: what is seen, what is wanted, how calls end, what a manifest says, and
the signed links. No connector and no engine lives here."""
