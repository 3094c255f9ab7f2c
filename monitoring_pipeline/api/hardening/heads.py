"""Heads of requests as they came, before they are parsed.

The parser takes whatever follows a head with ``Upgrade`` for another protocol, and throws the body away. HTTP lets a
server pass over the wish, which some clients say with their first request (Java's own asks for ``h2c``, whatever it
sends): so it is unsaid here.
"""

import re

_END = b"\r\n\r\n"
_UPGRADE = re.compile(rb"(\r\n)upgrade(?=[ \t]*:)", re.IGNORECASE)


def without_upgrade(data: bytes) -> bytes:
    r"""The bytes with no wish for another protocol in the head that they begin with.

    >>> without_upgrade(b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n")
    b'GET / HTTP/1.1\r\nIgnored: h2c\r\n\r\n'

    Args:
        data: the first bytes of a request; of a head that is not complete, so much as has come.
    """
    end = data.find(_END)
    end = len(data) if end < 0 else end
    if _UPGRADE.search(data, 0, end) is None:  # nearly always
        return data
    return _UPGRADE.sub(rb"\1Ignored", data[:end]) + data[end:]
