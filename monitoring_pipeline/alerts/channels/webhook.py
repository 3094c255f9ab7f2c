"""The webhook channel: one POST, to an address that was checked, signed, without redirects.

Proxies of the environment are not used: a proxy would resolve the name again and connect where it likes.
The reply's body is never read: its status is the answer, and a body could be endless.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property

import httpx

from monitoring_pipeline.alerts.notification import DeliveryError, Notification
from monitoring_pipeline.clock import Clock
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.outgoing import addresses
from monitoring_pipeline.outgoing.requests import port_of
from monitoring_pipeline.windows import SECOND_MICROS, to_micros

MAX_PORT = 65_535


class WebhookSender:
    """POSTs each notification as JSON to one URL; any 2xx reply means delivered.

    Each request carries ``Idempotency-Key: <notification_id>`` and ``X-Monitor-Timestamp: <unix seconds>``;
    with a secret also ``X-Monitor-Signature: sha256=<hex>``, the HMAC-SHA256 of ``<timestamp>.<body>``.

    Args:
        name: the channel's name in the config, for errors.
        url: http or https.
        secret: key of the signature.
        allow_private: whether addresses of one's own network may be connected to.
        timeout_seconds: for the whole of one delivery, from the name look-up to the reply's status.
        clock: the time that signatures carry and dated Retry-After headers are measured from.
        resolver: how a host's addresses are found.

    Raises:
        MonitorError: if the URL cannot be understood.
    """

    def __init__(
        self,
        *,
        name: str,
        url: str,
        secret: bytes | None,
        allow_private: bool,
        timeout_seconds: float,
        clock: Clock,
        resolver: addresses.Resolver = addresses.resolve,
    ) -> None:
        self._url = _parsed(name, url)
        self._host = self._url.raw_host.decode("ascii")
        self._secret = secret
        self._allow_private = allow_private
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._resolver = resolver

    def deliver(self, notification: Notification) -> None:
        """Send the notification and judge the reply.

        Raises:
            DeliveryError: for anything but a 2xx reply in time.
        """
        # At INFO it logs whole URLs, and the path of many a webhook is its secret.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        asyncio.run(self._deliver_in_time(notification))

    async def _deliver_in_time(self, notification: Notification) -> None:
        # Timeouts of single reads would let a receiver send one byte at a time for ever.
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._post(notification)
        except TimeoutError:
            raise DeliveryError(f"{self._host} did not answer within {self._timeout_seconds:g} s") from None
        if not response.is_success:
            raise DeliveryError(_refusal(response), retry_after_seconds=self._retry_after_seconds(response))

    async def _post(self, notification: Notification) -> httpx.Response:
        candidates = await self._checked_addresses()
        request = self._request(notification)
        failure: httpx.HTTPError | None = None
        for address in candidates:
            try:
                return await self._send(request, address, share=1 / len(candidates))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error  # nothing was sent; a host may be reachable by one of its addresses only
            except httpx.HTTPError as error:
                raise DeliveryError(f"{self._host}: {_words(error)}") from error
            except (httpx.InvalidURL, ValueError) as error:  # what the receiver wrote into its headers
                raise DeliveryError(f"{self._host} gave an answer that is not HTTP: {type(error).__name__}") from error
        raise DeliveryError(f"cannot connect to {self._host}: {_words(failure)}") from failure

    async def _checked_addresses(self) -> list[addresses.Address]:
        if self._port > MAX_PORT:
            raise DeliveryError(f"cannot connect to {self._host}: {self._port} is not a port; the last is {MAX_PORT}")
        try:
            found = await self._resolver(self._host, self._port)
        except OSError as error:
            raise DeliveryError(f"cannot resolve {self._host}: {error.strerror}") from error
        except UnicodeError as error:
            raise DeliveryError(f"cannot resolve {self._host}: no name looks like this") from error
        try:
            addresses.check(found, allow_private=self._allow_private)
        except addresses.ForbiddenAddressError as error:
            raise DeliveryError(f"{self._host} is refused: {error}") from error
        return found

    def _request(self, notification: Notification) -> tuple[bytes, dict[str, str]]:
        body = json.dumps(notification.document, sort_keys=True, allow_nan=False).encode()
        timestamp = str(self._clock() // SECOND_MICROS)
        headers = {
            "Host": self._url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": "monitoring-pipeline",
            "Idempotency-Key": notification.notification_id,
            "X-Monitor-Timestamp": timestamp,
        }
        if self._secret is not None:
            digest = hmac.new(self._secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers["X-Monitor-Signature"] = f"sha256={digest}"
        return body, headers

    async def _send(
        self, request: tuple[bytes, dict[str, str]], address: addresses.Address, *, share: float
    ) -> httpx.Response:
        body, headers = request
        timeout = httpx.Timeout(self._timeout_seconds, connect=self._timeout_seconds * share)
        async with (
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=timeout) as client,
            client.stream(
                "POST",
                self._url.copy_with(host=str(address)),
                content=body,
                headers=headers,
                follow_redirects=False,
                extensions={"sni_hostname": self._host},  # also the certificate's name
            ) as response,
        ):
            return response

    @property
    def _port(self) -> int:
        return port_of(self._url)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # httpx honours SSL_CERT_FILE and SSL_CERT_DIR, for a certificate authority of one's own.
        try:
            return httpx.create_ssl_context()
        except OSError as error:
            reason = error.strerror or error
            raise DeliveryError(f"cannot read the certificates (SSL_CERT_FILE or SSL_CERT_DIR): {reason}") from error

    def _retry_after_seconds(self, response: httpx.Response) -> float | None:
        header = response.headers.get("Retry-After", "").strip()
        if response.status_code not in {429, 503} or not header:
            return None
        if header.isascii() and header.isdigit():
            return float(header[:9])
        try:
            at = to_micros(_aware(parsedate_to_datetime(header)))
        except (ValueError, OverflowError):
            return None
        return (at - self._clock()) / SECOND_MICROS


def _aware(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def _parsed(name: str, url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise MonitorError(f"channels.{name}.url cannot be understood: {error}; write https://host/path") from None
    # The raw host: to decode one like xn--a is an error, and whether it exists is for the resolver to say.
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        raise MonitorError(f"channels.{name}.url has no host to send to; write https://host/path")
    return parsed


def _refusal(response: httpx.Response) -> str:
    text = f"answered {response.status_code}"
    return f"{text}; redirects are not followed" if response.is_redirect else text


def _words(error: httpx.HTTPError | None) -> str:
    # The error's own words can hold addresses and certificates, but never the URL's path or the key.
    return f"{type(error).__name__} {error}".strip() if error else "it has no address"
