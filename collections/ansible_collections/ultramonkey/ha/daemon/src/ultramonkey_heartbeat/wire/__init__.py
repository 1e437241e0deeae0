"""The messages of the heartbeat protocol as bytes, and back. Pure."""
