"""ldirectord.cf as frozen values; all problems at once. Pure."""
