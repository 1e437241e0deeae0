"""The configuration files as frozen values, with every error found at once. Pure."""
