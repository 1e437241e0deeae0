"""The daemon: one loop that feeds the core and carries out its effects."""
