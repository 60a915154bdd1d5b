"""Alerts as a person asks for them: chosen, in order, one by its id or the beginning of it.

In: alerts as they stand. Out: those that were asked for, or words that lead to them. Pure; imports contracts alone.
"""

import difflib
from collections.abc import Collection, Sequence

from contracts.alerts import Alert
from contracts.errors import InvalidInput
from contracts.nearest import nearest

PREFIX_LENGTH = 6
EVERY_STATE = ("firing", "acknowledged", "pending", "resolved")
UNRESOLVED = EVERY_STATE[:-1]
_SEVERITIES = ("critical", "warning", "info")
_NEAR = 3
# So alike are two keys of which more than the tenant is alike.
_ALIKE = 0.8


def chosen(
    alerts: Sequence[Alert], *, tenant: str, states: Collection[str], watch: str | None = None
) -> list[Alert]:
    """Return the alerts of a tenant in any of `states`: what fires first, the most severe and the newest first."""
    wanted = [
        alert
        for alert in alerts
        if alert.tenant == tenant and alert.state in states and watch in {None, alert.watch}
    ]
    wanted.sort(key=lambda alert: alert.began_at, reverse=True)
    return sorted(
        wanted,
        key=lambda alert: (EVERY_STATE.index(alert.state), _SEVERITIES.index(alert.severity)),
    )


def find(alerts: Sequence[Alert], given: str) -> Alert:
    """Return the alert whose id is `given` or, from six characters on, begins with it.

    Raises InvalidInput that names those it may mean.
    """
    word = given.strip().lower()
    exact = [alert for alert in alerts if alert.id == word]
    if exact:
        return exact[0]
    if len(word) < PREFIX_LENGTH:
        raise InvalidInput(
            f"alert {given!r}: expected an id, or at least its first {PREFIX_LENGTH} characters;"
            " `hubbub alerts list --all` shows them"
        )
    begun = [alert for alert in alerts if alert.id.startswith(word)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise InvalidInput(
            f"{given!r} begins {len(begun)} alerts: {_named(begun)}; give more of it"
        )
    raise InvalidInput(f"there is no alert {given!r}{_near_words(word, alerts)}")


def check_active(alert: Alert, *, to: str) -> None:
    """Raise InvalidInput for an alert that does not fire: there is nothing `to` do with it."""
    if not alert.is_active:
        raise InvalidInput(
            f"alert {alert.id} is {alert.state}; expected one that is firing, to {to} it"
        )


def subject_of(alert: Alert) -> str:
    """Return in words what an alert is about."""
    return subject_words(f"{alert.tenant}/{alert.watch}", alert.rule, alert.group)


def subject_words(watch: str, rule: str | None, group: str | None) -> str:  # noqa: PLR0917
    """Return watch, rule and group in words, without those that are not given.

    >>> subject_words("default/acme", "negative_surge", "politics")
    'default/acme negative_surge (politics)'
    """
    words = watch if rule is None else f"{watch} {rule}"
    return words if group is None else f"{words} ({group})"


def unknown_words(tenant: str, watch: str | None, *, known: Collection[str]) -> str:
    """Return in words that no watch is known by this name, or none of this tenant; empty where one is.

    >>> unknown_words("default", "acmee", known={"default/acme"})
    "there is no watch 'default/acmee'; near: default/acme"
    """
    if watch is None:
        asked, told = tenant, f"tenant {tenant!r} has no watch"
        names = {key.partition("/")[0] for key in known}
    else:
        asked, names = f"{tenant}/{watch}", set(known)
        told = f"there is no watch {asked!r}"
    if asked in names:
        return ""
    return told + (
        near_names(asked, names, cutoff=_ALIKE) or "; `hubbub watch list` shows them all"
    )


def near_names(word: str, names: Collection[str], *, cutoff: float = 0.6) -> str:
    """Return words, to stand at the end of others, that say which names are near; empty where none is.

    >>> near_names("volum_spike", ["silence", "volume_spike"])
    '; near: volume_spike'
    """
    words = nearest(word, sorted(names), cutoff=cutoff)
    return f"; {words}" if words else ""


def _near_words(word: str, alerts: Sequence[Alert]) -> str:
    by_id = {alert.id: alert for alert in alerts}
    close = difflib.get_close_matches(word, by_id, n=_NEAR, cutoff=0.5)
    # A beginning is far from the whole by any measure of distance; it is compared with beginnings.
    starts = {alert.id[: len(word)]: alert.id for alert in alerts}
    close += [starts[s] for s in difflib.get_close_matches(word, starts, n=_NEAR, cutoff=0.5)]
    near = [by_id[id] for id in dict.fromkeys(close)][:_NEAR]
    if near:
        return f"; near: {_named(near)}"
    return "; `hubbub alerts list --all` shows them" if alerts else "; there are none yet"


def _named(alerts: Sequence[Alert]) -> str:
    told = ", ".join(f"{alert.id} ({subject_of(alert)}, {alert.state})" for alert in alerts[:_NEAR])
    return told if len(alerts) <= _NEAR else f"{told}, …"
