"""`hubbub topics create` and `hubbub topics list`.

In: flags and settings. Out: topics on the broker, a table of how they lie. Wires and prints; decides nothing.
"""

import typer

from consumers.cli.options import AsJson, Bootstrap, SettingsFile, settings_from
from consumers.cli.printing import print_json, print_table
from contracts.topics import DAY_MS

app = typer.Typer(no_args_is_help=True, help="Make topics, and see how they lie.")


@app.command()
def create(
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Make every topic that is missing; what is there stays as it is."""
    from consumers.runtime.topics import check_topics, create_topics, topics_of

    settings = settings_from(bootstrap, settings_file)
    wanted = topics_of(settings)
    made = create_topics(settings, wanted)
    partitions = check_topics(settings, wanted)
    if as_json:
        print_json({"made": made, "partitions": partitions})
        return
    for name in made:
        typer.echo(f"made {name}")
    typer.echo(f"{len(made)} made, {len(wanted) - len(made)} there before; {partitions} partitions")


@app.command("list")
def list_topics(
    *,
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Show every topic beside what it should be; ends with 1 where they differ."""
    from consumers.operations.topic_layout import TopicRow, layout

    def cells(row: TopicRow) -> list[str]:
        kept = "kept" if row.retention_ms is None else f"{row.retention_ms / DAY_MS:g} days"
        state = "in sync" if row.in_sync else "; ".join(row.differences)
        return [row.topic, str(row.partitions), kept, row.cleanup, state]

    rows = layout(settings_from(bootstrap, settings_file))
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("topic", "partitions", "retention", "cleanup", "state"),
            map(cells, rows),
            right="partitions",
        )
    if not all(row.in_sync for row in rows):
        raise typer.Exit(1)
