"""Whole clusters in one process, drawn from a seed, broken in every way, judged from outside (`hbsim`)."""
