"""The pure core, tested in the field's words: scenarios by rule, and properties."""
