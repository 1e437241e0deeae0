"""Starting and stopping what a group consists of."""
