"""Moves work and decides nothing: inbox, deadlines, outbox, polling. What follows from what is `core`'s; how the
outside is spoken to is the connectors'; what is kept where is `store`'s."""
