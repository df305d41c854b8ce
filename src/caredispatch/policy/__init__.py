"""Playbook files: YAML to typed rules and back, schema, sentences, proofs. What a rule then does is in `core`."""
