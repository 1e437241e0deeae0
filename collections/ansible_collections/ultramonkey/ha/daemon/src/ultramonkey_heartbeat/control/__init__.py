"""The control socket: its JSON contract, server and client."""
