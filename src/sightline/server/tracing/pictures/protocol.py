"""What the server and its worker process say to each other over a socket."""

import struct

REQUEST = struct.Struct(">I")
"""Side of the thumbnail, 0 to check the bounds only; the picture comes with it, as an open file (SCM_RIGHTS)."""
REPLY = struct.Struct(">BI")
"""One of the outcomes below, and the length of the thumbnail or sentence that follows."""
DONE, TOO_LARGE, BROKEN = range(3)
