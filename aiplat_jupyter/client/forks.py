"""What a fork must not cut in two.

A forked child has the thread that forked and no other. What the others had locked stays locked in it for ever: above
all a module that one of them was importing, which can never be imported there.
"""

import os
import threading
from typing import Final

uncut: Final = threading.RLock()
"""Held by our threads while they import; a fork waits for it."""

os.register_at_fork(before=uncut.acquire, after_in_parent=uncut.release, after_in_child=uncut.release)
