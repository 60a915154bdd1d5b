"""Alertmanager's API v2 over HTTP: alerts posted, silences read.

In: an address and who asks. Out: what it answered; ChannelFailed for all else. No proxy of the environment is used and
no redirect followed: a POST would become a GET, and the password would go elsewhere.
Source: https://github.com/prometheus/alertmanager/blob/v0.25.0/api/v2/openapi.yaml
"""

import base64
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

import msgspec

from consumers.delivery.posts import Post
from consumers.delivery.silences import HeldSilence
from contracts.delivery_settings import AlertmanagerSettings
from contracts.errors import ChannelFailed, SettingsInvalid

ADDRESS = re.compile(r"https?://[^\s/@?#]+(/[^\s?#]*)?")
BATCH_ALERTS = 200
ANSWER_LIMIT_BYTES = 32 << 20
TOLD_CHARACTERS = 300
_SILENCES = msgspec.json.Decoder(list[HeldSilence])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Let a redirect be the error that it is."""

    # Called by urllib with positions.
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


class AlertmanagerApi:
    """Ask one Alertmanager; raises SettingsInvalid for an address that cannot be one. Keeps no connection."""

    def __init__(self, settings: AlertmanagerSettings) -> None:
        if settings.url is None or not ADDRESS.fullmatch(settings.url):
            raise SettingsInvalid(
                f"alertmanager.url = {_without_user(settings.url)}; expected the address of an Alertmanager,"
                " http://HOST:9093; who asks is said by alertmanager.username or alertmanager.token"
            )
        self._root = settings.url.rstrip("/") + "/api/v2"
        self._timeout_s = settings.timeout_s
        self._headers = _authorization(settings)
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)

    def post_alerts(self, posts: Sequence[Post]) -> None:
        """Send alerts, at most 200 (BATCH_ALERTS) a call; raises ChannelFailed where not all were taken."""
        self._asked("/alerts", msgspec.json.encode(posts))

    def silences(self) -> list[HeldSilence]:
        """Return every silence, those expired lately too; raises ChannelFailed."""
        raw = self._asked("/silences", None)
        try:
            return _SILENCES.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ChannelFailed(f"{self._root}/silences is not Alertmanager's: {error}") from error

    def _asked(self, path: str, body: bytes | None) -> bytes:
        address = self._root + path
        headers = self._headers | {"Content-Type": "application/json"}
        request = urllib.request.Request(address, data=body, headers=headers)
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                raw: bytes = answer.read(ANSWER_LIMIT_BYTES)
                return raw
        except urllib.error.HTTPError as error:
            with error:
                told = error.read(TOLD_CHARACTERS).decode("utf-8", "replace").strip()
            raise ChannelFailed(
                f"{address} answered {error.code} {told!r}; expected 200", status=error.code
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ChannelFailed(f"{address}: {error!r}") from error


def _authorization(settings: AlertmanagerSettings) -> dict[str, str]:
    if settings.token is not None:
        return {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    if settings.username is None or settings.password is None:
        return {}
    pair = f"{settings.username}:{settings.password.get_secret_value()}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _without_user(url: str | None) -> str:
    """Return an address as it may be shown: what stands before an @ may be a password."""
    return repr(None if url is None else re.sub(r"[^/]*@", "…@", url))
