"""Our daemon and Debian's heartbeat 3.0.6 as the two nodes of one cluster, through everything that happens.

`tools/interop-matrix` runs the cells of the matrix and prints them.
"""
