"""Keep None, True and False alive under Python 3.11, where PySide6 6.12 gives away references that it does not own.

The 6.12 wheels are built as if these objects were immortal, as they are from Python 3.12 on (PEP 683): each call of a
Qt method that returns nothing, and each emitted signal, takes one reference too many. Under 3.11 the interpreter ends
with "none_dealloc: deallocating None" after some thousand calls. A count too high to be used up does what PEP 683 does.
"""

from __future__ import annotations

import ctypes
import sys

# A century of a million calls a second.
_ENOUGH = 1 << 52


def keep_singletons() -> None:
    """Raise the reference counts of None, True and False out of reach, once; nothing to do from Python 3.12 on."""
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return
    for single in (None, True, False):
        # The reference count is the first field of every object of CPython 3.11.
        count = ctypes.c_ssize_t.from_address(id(single))
        if count.value < _ENOUGH // 2:
            count.value += _ENOUGH
