"""Reference: what is promised, in tables for people, made from the code that keeps the promise.

In: settings, topics, metrics and errors as they are declared. Out: Markdown in `contracts/reference`, the same to the
byte on every machine. Imports contracts alone.

`python -m contracts.reference` writes it again after a change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from contracts.errors import HubbubError
from contracts.settings import FILE_VARIABLE, known_keys, variable_of, written
from contracts.telemetry import DECLARED, LABELS
from contracts.topics import TABLE, Topic, TopicNames, changelog_of

FOLDER = Path(__file__).parent / "reference"
REMEDY = "python -m contracts.reference"
_MIB = 1024 * 1024


def settings_page() -> str:
    """Return every setting: key, environment variable, default, meaning."""
    rows = [
        (_code(key), _code(variable_of(key)), _code(written(default)), meaning)
        for key, (default, meaning) in known_keys().items()
    ]
    return _page(
        "Settings",
        "A flag beats the environment, the environment a file, a file the default. The file is TOML with a table for "
        f"each part (`[kafka]`); it is named by `{FILE_VARIABLE}`, or is `hubbub.toml` in the working folder. An empty "
        "variable counts as not given. A key that is not in this table is an error.",
        _table(("key", "environment variable", "default", "meaning"), rows),
    )


def topics_page() -> str:
    """Return every topic: name, key, records, writer, how long records stay, partitions, limit."""
    topics = (*TABLE, changelog_of("GROUP"))
    header = ("topic", "key", "record", "written by", "kept", "partitions", "largest batch")
    return _page(
        "Topics",
        f"Before every name stands the setting `topics.prefix`, `{TopicNames().prefix}` by default. Partitioned topics "
        "have as many partitions as the setting `topics.partitions` says, and that is never changed in place. "
        "`GROUP` is a consumer group, such as the setting `score.group`.",
        _table(header, [_topic_row(topic) for topic in topics]),
    )


def metrics_page() -> str:
    """Return every metric: name, type, labels, meaning; then what bounds each label."""
    metrics = [
        (_code(name), kind, ", ".join(map(_code, labels)), meaning)
        for name, kind, labels, meaning in DECLARED
    ]
    labels = [(_code(label), bound) for label, bound in LABELS.items()]
    return _page(
        "Metrics",
        "Scraped from `/metrics`; named `hubbub_<part>_<what>_<unit>`, a counter with `_total` behind it.",
        _table(("metric", "type", "labels", "meaning"), metrics),
        _table(("label", "its values"), labels),
    )


def errors_page() -> str:
    """Return every error: code, disposition, meaning."""
    rows = [
        (_code(error.code), error.__name__, error.disposition.replace("_", " "), _first_line(error))
        for error in every_error()
    ]
    return _page(
        "Errors",
        "The disposition decides once a batch has used up its tries: `retry` goes on trying, `dead letter` sets the "
        "record aside, `crash` ends the process so that its supervisor starts a fresh one.",
        _table(("code", "class", "disposition", "meaning"), rows),
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "topics.md": topics_page,
    "metrics.md": metrics_page,
    "errors.md": errors_page,
}


def every_error(root: type[HubbubError] = HubbubError) -> list[type[HubbubError]]:
    """Return the tree of errors in the order of its drawing, its root first."""
    children = [child for child in root.__subclasses__() if child.__module__ == root.__module__]
    return [root, *(error for child in children for error in every_error(child))]


def write_all(folder: Path = FOLDER, *, pages: Mapping[str, Callable[[], str]] = PAGES) -> None:
    """Write each page into `folder` under its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in pages.items():
        (folder / name).write_text(make(), encoding="utf-8")


def _topic_row(topic: Topic) -> Sequence[str]:
    return (
        _code(topic.name),
        topic.key,
        " · ".join(topic.records),
        topic.written_by,
        topic.kept(),
        "1" if topic.spread == "single" else "as set",
        f"{topic.limit_bytes // _MIB} MiB",
    )


def _first_line(error: type[HubbubError]) -> str:
    return (error.__doc__ or "").strip().partition("\n")[0]


def _page(title: str, introduction: str, *tables: str) -> str:
    notice = f"<!-- Made by `{REMEDY}`; do not edit. -->"
    return "\n\n".join([f"# {title}", notice, introduction, *tables]) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    write_all()
