"""The outside world as real servers, the conductor that steps time, and fault injection.

No product behaviour lives here.
"""
