"""A file behind an address as a source: fetched when it has changed, then read like any file.

No sentence names more of the address than its host: the rest may be what gives access.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

from monitoring_pipeline.config.models import UrlSource
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.outgoing.addresses import ForbiddenAddressError
from monitoring_pipeline.outgoing.requests import answer_to
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.files.whole import land_all
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.positions import WHOLE, Position, positions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetched:
    """What a server sent: how it names this state of the file, and the hash of its bytes."""

    etag: str | None
    digest: str


def pull_url(name: str, source: UrlSource, *, intake: Intake, environ: Mapping[str, str], into: Account) -> None:
    """Fetch the file if it has changed, and land its rows.

    Args:
        name: the source's name in the config.
        source: its declaration.
        intake: where the rows go.
        environ: where an address that is a secret is looked up.
        into: the account to which they are added.

    Raises:
        MonitorError: if the file cannot be had or read, or the store cannot be used.
    """
    url = _url(name, source, environ)
    known = positions_of(intake.engine, name).get(WHOLE, {})
    with tempfile.TemporaryDirectory(prefix="monitor-") as folder:
        file = Path(folder) / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.{source.format}"
        fetched = asyncio.run(_fetch_in_time(name, source, url, known.get("etag"), file))
        if fetched is not None and fetched.digest != known.get("digest"):
            into.parts += 1
            try:
                land_all(file, kind=source.kind, name=name, intake=intake, into=into)
            except MonitorError as error:  # nobody knows the name of a file that is gone in a moment
                raise MonitorError(str(error).replace(str(file), f"sources.{name}")) from error
    reached = known if fetched is None else {"etag": fetched.etag, "digest": fetched.digest}
    intake.land([], positions=[Position(source=name, part=WHOLE, value=reached)])


def _url(name: str, source: UrlSource, environ: Mapping[str, str]) -> httpx.URL:
    written = source.url or environ.get(source.url_env or "", "")
    key = "url" if source.url else f"url_env: {source.url_env}"
    try:
        url = httpx.URL(written)
    except httpx.InvalidURL:
        raise MonitorError(f"sources.{name}.{key} cannot be understood; write https://host/path") from None
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise MonitorError(f"sources.{name}.{key} holds no address to fetch from; write https://host/path")
    return url


async def _fetch_in_time(name: str, source: UrlSource, url: httpx.URL, etag: str | None, file: Path) -> _Fetched | None:
    host = url.raw_host.decode("ascii")
    try:
        async with asyncio.timeout(source.timeout_seconds):
            return await _fetch(name, source, url, etag, file)
    except TimeoutError:
        raise MonitorError(
            f"sources.{name}: {host} did not send the file within {source.timeout_seconds:g} s; "
            "set timeout_seconds if it needs longer"
        ) from None
    except ForbiddenAddressError as error:
        raise MonitorError(f"sources.{name}: {host} is refused: {error}") from error
    except (OSError, httpx.HTTPError, UnicodeError) as error:
        raise MonitorError(f"sources.{name}: {host} cannot be reached ({type(error).__name__})") from error


async def _fetch(name: str, source: UrlSource, url: httpx.URL, etag: str | None, file: Path) -> _Fetched | None:
    """The file's state; nothing if it is still the one that the server calls ``etag``."""
    host = url.raw_host.decode("ascii")
    known = {"If-None-Match": etag} if etag else {}
    async with answer_to(
        "GET",
        url,
        allow_private=source.allow_private,
        timeout_seconds=source.timeout_seconds,
        headers={"Accept-Encoding": "identity", **known},
    ) as response:
        if response.status_code == HTTPStatus.NOT_MODIFIED and etag:
            return None
        if response.status_code != HTTPStatus.OK:
            hint = "; redirects are not followed" if response.is_redirect else ""
            raise MonitorError(f"sources.{name}: {host} answered {response.status_code}{hint}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise MonitorError(f"sources.{name}: {host} packs the file on the way; store it as it is to be read")
        digest = await _write(name, source, response, file)
        return _Fetched(etag=response.headers.get("ETag"), digest=digest)


async def _write(name: str, source: UrlSource, response: httpx.Response, file: Path) -> str:
    digest, size = hashlib.sha256(), 0
    with file.open("wb") as written:
        async for part in response.aiter_raw():
            size += len(part)
            if size > source.most_bytes:
                raise MonitorError(
                    f"sources.{name}: the file has more than {source.most_bytes:,} bytes; set most_bytes if it may"
                )
            digest.update(part)
            written.write(part)
    return digest.hexdigest()
