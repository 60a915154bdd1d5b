"""`hubbub alerts explain`: why a watch did or did not fire at a moment.

In: a watch, a time, flags and settings. Out: what each rule saw, what was missing. Wires and prints; decides nothing.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from consumers.cli.options import AsJson, Bootstrap, SettingsFile, settings_from
from consumers.cli.printing import print_json, safe, watched
from contracts.errors import InvalidInput
from contracts.settings import Settings

if TYPE_CHECKING:
    from consumers.operations.explaining import Explanation
    from contracts.watches import Watch

CLIENT = "hubbub-explain"


def explain(
    watch: Annotated[str, typer.Argument(help="The watch's id.")],
    *,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="ISO 8601 with a zone, or a time ago: -2h, -1d12h.")
    ],
    rule: Annotated[str | None, typer.Option(help="This rule of it alone.")] = None,
    group: Annotated[str | None, typer.Option(help="This group alone, such as health.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose watch it is.")] = "default",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell for any moment of the last days what each rule saw and what was missing to fire."""
    from consumers.operations.explaining import lines_of, moment_of

    now = datetime.now(UTC)
    moment = moment_of(at, now)
    if moment > now:
        raise InvalidInput(f"--at {at!r} lies ahead; expected a time that has passed")
    settings = settings_from(bootstrap, settings_file)
    explanation = _explained(settings, _stored(settings, tenant, id=watch), at=moment, rule=rule)
    if as_json:
        print_json(explanation)
        return
    for line in lines_of(explanation, group=group):
        typer.echo(safe(line))


def _explained(
    settings: Settings, watch: "Watch", *, at: datetime, rule: str | None
) -> "Explanation":
    from consumers.alerting.rules import read_rules
    from consumers.operations.explaining import check_rule, explanation_of
    from consumers.operations.labels import known_heads
    from consumers.operations.reading import Reader
    from consumers.operations.replaying import Replay, kept_of
    from contracts.codec import epoch_ms

    heads = known_heads(settings)
    rules = read_rules(watch, heads=heads, pane_s=settings.runtime.pane_s)
    check_rule(watch, rules, asked=rule)
    with Reader(settings.kafka, client_id=CLIENT) as reader:
        kept = kept_of(reader, settings, key=watch.key)
        replay = Replay(settings, watch, kept=kept, heads=heads)
        records = watched(reader.read({kept.source: kept.span}), kept.span.width, "records")
        replayed = replay.run(records, at_ms=epoch_ms(at))
    asked = [one for one in rules if rule in {None, one.id}]
    return explanation_of(watch, asked, at=at, kept=kept, replayed=replayed)


def _stored(settings: Settings, tenant: str, *, id: str) -> "Watch":
    """Return a watch as it is stored now, awake; raises WatchInvalid that names those near it."""
    from consumers.operations.alert_feedback import Target, check_watch
    from consumers.operations.watch_store import WatchStore

    store = WatchStore(settings)
    store.start()
    try:
        known = {watch.key: watch for watch in store.all()}
    finally:
        store.close()
    check_watch(Target(tenant, id), watches=known, alerts=())
    return msgspec.structs.replace(known[f"{tenant}/{id}"], state="active")
