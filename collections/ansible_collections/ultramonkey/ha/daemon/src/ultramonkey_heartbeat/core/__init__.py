"""What a node decides: events in, effects out. Pure: no clock, no socket, no process."""
