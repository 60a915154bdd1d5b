"""The command `hubbub`: mounts every package's commands and wires all.

In: a command line. Out: an exit code: 0; 2 for wrong input; 75 where something outside may come back; 70 for the rest.
Nothing heavy is imported before a command needs it.
"""

import sys
from typing import Annotated

import structlog
import typer

from consumers.cli.alert import alert
from consumers.cli.alerts import app as alerts
from consumers.cli.dead_letters import app as dead_letters
from consumers.cli.deliver import app as deliver
from consumers.cli.logs import quiet_kafka
from consumers.cli.score import score
from consumers.cli.settings import app as settings
from consumers.cli.status import status
from consumers.cli.tail import tail
from consumers.cli.topics import app as topics
from consumers.cli.up import up
from consumers.cli.watch import app as watch
from contracts.errors import HubbubError, InvalidInput, ModelInvalid, PortInUse, Unavailable
from deploy.bench.cli import app as bench
from deploy.demo.cli import demo
from deploy.kafka.cli import kafka
from models.cli.app import app as models
from producers.cli import app as produce

EXIT_INPUT = 2
EXIT_SOFTWARE = 70
EXIT_TEMPORARY = 75

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Hubbub listens to a crowd as it speaks.",
)


@app.callback()
def shared(
    *, verbose: Annotated[bool, typer.Option(help="Show the Kafka client's own log too.")] = False
) -> None:
    """Listen to a crowd as it speaks: events in over Kafka, scores, mentions and alerts out."""
    quiet_kafka(verbose=verbose)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer()
            if not sys.stderr.isatty()
            else structlog.dev.ConsoleRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


for command in (demo, kafka, up, score, alert, tail, status):
    app.command()(command)
app.add_typer(produce, name="produce")
app.add_typer(topics, name="topics")
app.add_typer(watch, name="watch")
app.add_typer(alerts, name="alerts")
app.add_typer(deliver, name="deliver")
app.add_typer(dead_letters, name="dead-letter")
app.add_typer(settings, name="settings")
app.add_typer(models, name="models")
app.add_typer(bench, name="bench")


@app.command(hidden=True)
def references() -> None:
    """Write every generated page: schemas, and the references of settings, topics, metrics, errors, commands."""
    from consumers.cli.reference import commands_page
    from contracts import reference, schemas

    root = typer.main.get_command(app)
    schemas.write()
    reference.write_all(pages={**reference.PAGES, "commands.md": lambda: commands_page(root)})


def main() -> None:
    """Run the command line; an error of ours becomes one line and an exit code."""
    try:
        app()
    except HubbubError as error:
        typer.echo(f"error ({error.code}): {error}", err=True)
        sys.exit(exit_code_of(error))


def exit_code_of(error: HubbubError) -> int:
    """Return the exit code of an error of ours."""
    if isinstance(error, InvalidInput | ModelInvalid | PortInUse):
        return EXIT_INPUT
    return EXIT_TEMPORARY if isinstance(error, Unavailable) else EXIT_SOFTWARE


if __name__ == "__main__":
    main()
