"""Asking real servers: one coroutine a kind of check, each bounded in time and in what it reads."""
