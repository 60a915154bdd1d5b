"""The reference of commands, written from the commands themselves.

In: the mounted command line. Out: one Markdown page. Pure.
"""

from collections.abc import Iterator
from typing import Any

# typer carries a click of its own, whose classes have no public name: its commands are read by their attributes.
Command = Any
Parameter = Any

HEAD = """# Commands

Written by `make references` from the commands themselves.

Every command ends with 0; with 2 for wrong input, 75 where something outside may come back, 70 for the rest.
"""


def commands_page(root: Command) -> str:
    """Return every command with its arguments and options, in order of their names."""
    return HEAD + "".join(_sections(root, "hubbub"))


def _sections(command: Command, name: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        for word in sorted(command.commands):
            child = command.commands[word]
            if not child.hidden:
                yield from _sections(child, f"{name} {word}")
        return
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    usage = " ".join([name, *(_argument(item) for item in arguments)])
    yield f"\n## `{usage}`\n\n{_first_paragraph(command.help or '')}\n"
    options = [item for item in command.params if item.param_type_name == "option"]
    rows = [_row(item) for item in options if not item.hidden]
    if rows:
        yield "\n| option | meaning | default |\n|---|---|---|\n" + "".join(rows)


def _argument(item: Parameter) -> str:
    name = (item.name or "").upper()
    return name if item.required else f"[{name}]"


def _row(item: Parameter) -> str:
    names = " / ".join(f"`{name}`" for name in (*item.opts, *item.secondary_opts))
    default = "" if item.default is None or item.default is False else f"`{item.default}`"
    meaning = " ".join((item.help or "").split()).replace("|", "\\|")
    return f"| {names} | {meaning} | {default} |\n"


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())
