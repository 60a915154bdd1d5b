"""Guarding: who may post, and how much at a time.

In: a request's headers, its size. Out: yes or no. Pure, used by the event loop's one thread; imports contracts alone.
"""

import hmac
import ipaddress
from collections.abc import Mapping

from pydantic import SecretStr

from contracts.errors import SettingsInvalid
from contracts.settings import HttpSettings


def check_exposed(http: HttpSettings) -> None:
    """Raise SettingsInvalid for an address beyond loopback without a key."""
    if http.api_key is None and not is_loopback(http.host):
        raise SettingsInvalid(
            f"http.host {http.host} can be reached from other machines and no key is set; set "
            "HUBBUB_HTTP_API_KEY, or listen on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Keyring:
    """Know the key that callers must send, if any."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = None if key is None else key.get_secret_value().encode()

    @property
    def has_key(self) -> bool:
        """Say whether callers must send a key."""
        return self._key is not None

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Say whether a request may enter: by `X-API-Key` or `Authorization: Bearer`, compared in constant time.

        Without a key, whoever names this machine as the host may: a web page that was led here under another name
        may not.
        """
        if self._key is None:
            return is_loopback(_host_name(headers.get("host", "")))
        scheme, _, token = headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        given = headers.get("x-api-key", "") or bearer
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._key)


def _host_name(host: str) -> str:
    """Return a Host header without its port and brackets."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name.strip("[]").lower()


class ByteBudget:
    """Bound the bytes of requests that are being read or wait for Kafka; one larger than all of it may come alone."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._used_bytes = 0

    @property
    def used_bytes(self) -> int:
        """Return what is taken now."""
        return self._used_bytes

    def take(self, size_bytes: int) -> bool:
        """Take that many bytes, or say that they are not to be had now."""
        if self._used_bytes and self._used_bytes + size_bytes > self._limit_bytes:
            return False
        self._used_bytes += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """Return what was taken."""
        self._used_bytes -= size_bytes
