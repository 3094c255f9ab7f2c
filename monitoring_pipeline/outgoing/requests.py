"""One request to a server that a config names: to an address that was checked, and nowhere else.

The host is resolved once, each of its addresses is checked, and the connection goes to one that was checked: a name
that resolves differently a moment later (DNS rebinding) gains nothing. No redirect is followed and no proxy of the
environment is used, for both would choose another place to connect to.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from monitoring_pipeline.outgoing import addresses


def port_of(url: httpx.URL) -> int:
    """The port that an address names, or that of its scheme."""
    return url.port or (443 if url.scheme == "https" else 80)


@asynccontextmanager
async def answer_to(
    method: str,
    url: httpx.URL,
    *,
    allow_private: bool,
    timeout_seconds: float,
    headers: Mapping[str, str],
    content: bytes | None = None,
) -> AsyncIterator[httpx.Response]:
    """The answer to a request, whose body is read by whoever asks for it.

    Args:
        method: of HTTP.
        url: http or https, with a host.
        allow_private: whether addresses of one's own network may be connected to.
        timeout_seconds: of connecting, and of each wait for the server; bound the whole outside.
        headers: further ones.
        content: the body that is sent.

    Raises:
        ForbiddenAddressError: if the host has an address that must not be connected to.
        OSError: if the host has no address.
        UnicodeError: if no host looks like this.
        httpx.HTTPError: if the server cannot be reached, or what it says is not HTTP.
    """
    host = url.raw_host.decode("ascii")
    found = await addresses.resolve(host, port_of(url))
    addresses.check(found, allow_private=allow_private)
    async with (
        httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(timeout_seconds)) as client,
        client.stream(
            method,
            url.copy_with(host=str(found[0])),
            content=content,
            headers={"Host": url.netloc.decode("ascii"), "User-Agent": "monitoring-pipeline", **headers},
            follow_redirects=False,
            extensions={"sni_hostname": host},  # also the certificate's name
        ) as response,
    ):
        yield response
