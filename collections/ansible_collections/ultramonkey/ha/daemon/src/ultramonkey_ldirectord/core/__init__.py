"""What the table of the kernel should say, given the configuration and what the checks found. Pure."""
