"""The one composition root: reads settings and the clock, builds connectors, hands everything on. Nothing else reads
the environment, a settings file or the time."""
