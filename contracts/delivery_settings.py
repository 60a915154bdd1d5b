"""Settings of the channels by which alerts leave the house.

In: nothing. Out: frozen parts of the settings. Imports pydantic and contracts.setting_parts alone.
"""

from typing import Self

from pydantic import SecretStr, model_validator

from contracts.setting_parts import Part, setting


class AlertmanagerSettings(Part):
    """Say how alerts reach Prometheus' Alertmanager, and how its silences come back."""

    url: str | None = setting(
        None,
        "Address of an Alertmanager, http://HOST:9093, with its path where it has one; none is off.",
        min_length=1,
    )
    username: str | None = setting(None, "User name for HTTP basic authentication.", min_length=1)
    password: SecretStr | None = setting(None, "Its password; never logged.", min_length=1)
    token: SecretStr | None = setting(
        None, "Bearer token, in place of a user; never logged.", min_length=1
    )
    resend_s: float = setting(
        60.0,
        "Time between two sendings of an alert that fires; three times this without one ends it there.",
        ge=1,
        le=3600,
    )
    poll_s: float = setting(10.0, "Time between two looks at its silences.", ge=0.1, le=3600)
    timeout_s: float = setting(10.0, "Longest wait for one answer.", gt=0, le=300)
    external_url: str | None = setting(
        None,
        "Address of a page about an alert; {tenant}, {watch} and {alert} in it are filled in.",
        min_length=1,
    )

    @model_validator(mode="after")
    def _has_one_user(self) -> Self:
        if self.url is None:
            return self
        if (self.username is None) != (self.password is None):
            raise ValueError("expected alertmanager.username and alertmanager.password together")
        if self.username is not None and self.token is not None:
            raise ValueError(
                "alertmanager.username and alertmanager.token; expected one of the two"
            )
        return self
