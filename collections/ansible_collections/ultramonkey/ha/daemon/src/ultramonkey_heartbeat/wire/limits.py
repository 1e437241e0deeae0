"""How large a message may be. Every limit has a name, and a reason.

Those of heartbeat 3.0.6 are kept where a peer of that version could send as much; the others bound
the work that bytes from strangers can cause before their signature is checked.
"""

from __future__ import annotations

# 3.0.6 sends no message above this in one piece; it compresses, or gives up.
MESSAGE_BYTES_MAX = 256 * 1024

# What a compressed message may become. 3.0.6's limit; a compressed bomb stops here.
UNCOMPRESSED_BYTES_MAX = 2 * 1024 * 1024

# Ours. Messages of 3.0.6 have about 15 fields, a client's can have some dozens. Without this limit one
# unsigned datagram could make us parse 8000 fields.
FIELDS_MAX = 1000

# Ours. The longest name of 3.0.6 is `_compression_algorithm` with 22 bytes.
FIELD_NAME_BYTES_MAX = 64

# 3.0.6 truncates longer node names, so two long names could become the same node.
NODE_NAME_BYTES_MAX = 99

# 3.0.6 truncates longer status words (field `st`).
STATUS_WORD_BYTES_MAX = 31

# 3.0.6 has 16 places for keys and refuses a larger index in `authkeys`.
KEY_INDEX_MAX = 15

# A signature token is lower case hex; SHA-256 has the longest one.
TOKEN_DIGITS_MAX = 64

# Ours. At 19200 baud this takes 34 seconds, longer than any dead time, so nothing useful is longer. It
# bounds what a serial line that delivers only noise can make us keep.
STREAM_FRAME_BYTES_MAX = 64 * 1024

# Ours. How many places in damaged bytes are tried as the beginning of a frame (`wire.stream`).
STREAM_CANDIDATES_MAX = 8
