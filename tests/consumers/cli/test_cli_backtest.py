"""`hubbub alerts backtest`: watches tried on a recorded file, as a process of its own."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.consumers.operations.given_recordings import TURN, recording
from tests.streams import ROOT

WATCHES = """
[[watch]]
id = "acme"
query = "acme"

[[watch.rules]]
kind = "volume_spike"

[[watch.rules]]
kind = "silence"
settings = { for = "30m" }
"""


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with the model that reads nothing."""
    return subprocess.run(
        [sys.executable, "-m", "hubbub", "alerts", "backtest", "--model", "identity", *words],
        cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with watches and a packed file of tweets, one row of which is bad."""
    folder = tmp_path_factory.mktemp("backtest")
    (folder / "watches.toml").write_text(WATCHES)
    rows: list[dict[str, Any]] = [
        {"id": event.id, "tweet": event.text, "at": event.observed_at.isoformat(), "by": event.author.key}
        for event in recording() if event.author is not None
    ]  # fmt: skip
    lines = "".join(f"{json.dumps(row)}\n" for row in [{"tweet": "no time"}, *rows])
    (folder / "tweets.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return folder


MAPPING = ("--map", "text=tweet", "--map", "time=at", "--map", "author.key=by", "--set", "lang=en")


def test_it_tells_what_would_have_fired_and_what_nearly_did(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    # Given a recorded file; when it is tried with a picture
    words = ("--watch", "watches.toml", "--events", "tweets.jsonl.gz", *MAPPING)
    done = run(*words, "--plot", "acme.png", folder=folder)
    # Then the surge is told with its sentence, once, and the picture is there
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert "156 events over 8 h" in told
    assert "1 bad rows" in told
    assert "default/acme: 156 mentions; would have fired 1 time, " in told
    assert "volume_spike: " in told
    assert "where fewer than one is usual" in told
    assert "nearly fired:" in told
    assert (folder / "acme.png").read_bytes().startswith(b"\x89PNG")
    # And how long it may take, and nothing of a bar, is told beside it
    assert (
        "156 events; scoring takes at most 0 s on one core (about 350 texts a second)"
        in done.stderr
    )
    assert "\x1b[" not in done.stderr


def test_json_has_all_of_it_and_a_limit_shortens_it(folder: Path) -> None:
    words = ("--watch", "watches.toml", "--events", "tweets.jsonl.gz", *MAPPING, "--limit", "100")
    done = run(*words, "--json", folder=folder)
    document = json.loads(done.stdout)
    (acme,) = document["watches"]
    assert (document["events"], document["bad"], acme["mentions"]) == (100, 1, 100)
    (firing,) = acme["firings"]
    assert firing["rule"] == "volume_spike"
    assert firing["fired_at"] > TURN.isoformat()
    assert {rule["rule"] for rule in acme["rules"]} == {"volume_spike", "silence"}


def test_the_written_crisis_takes_the_place_of_files(folder: Path) -> None:
    (folder / "larkpost.json").write_text('{"id": "larkpost", "query": "larkpost"}')
    words = ("--watch", "larkpost.json", "--scenario", "7:0.05", "--json")
    first, again = (json.loads(run(*words, folder=folder).stdout) for _ in range(2))
    assert first == again
    assert first["watches"][0]["mentions"] > 0
    assert first["begin"].startswith("2026-01-05T00:")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--watch", "watches.toml"), "name files with --events, or a scenario"),
        (("--watch", "watches.toml", "--scenario", "x"), "expected SEED or SEED:SCALE"),
        (("--watch", "none.toml", "--scenario", "7"), "none.toml: "),
        (
            ("--watch", "wrong.json", "--scenario", "7"),
            "wrong.json, watch 1: rules[0].kind: 'spike'",
        ),
        (("--watch", "watches.toml", "--events", "tweets.jsonl.gz"), "no row is an event, 157 bad"),
        (
            ("--watch", "watches.toml", "--events", "tweets.jsonl.gz", *MAPPING, "--strict"),
            "line 1",
        ),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, words: tuple[str, ...], told: str) -> None:
    (folder / "wrong.json").write_text('{"id": "a", "query": "a", "rules": [{"kind": "spike"}]}')
    done = run(*words, folder=folder)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""
