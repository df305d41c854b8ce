"""What is measured and how it is defined: operators' metrics now; baseline, before/after and reports later. Reads,
never decides."""
