"""A hub model is fetched by its name over HTTP: safetensors alone, once, all of one commit, and no secret is told.

The hub here is a server of the test's own that speaks the hub's protocol for files: HEAD and GET of
`/OWNER/NAME/resolve/REVISION/FILE` with the commit and the file's hash in headers.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.models.hub.saving import save_tiny

pytest.importorskip("transformers")
# Each fetch is a process that imports torch, which takes long beside other work.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUSH = "hf_hush"
SCRIPT = """
import sys
from pathlib import Path
from contracts.errors import HubbubError
from contracts.hub_models import HubModel
from models.hub.head import build_hub_head
from models.hub.source import HubSource
name, home = sys.argv[1:3]
try:
    head = build_hub_head("mood", HubSource(HubModel(model=name), home=Path(home), download=True))
    print("LABELS", *head.labels)
    print("BEFORE", *sorted(path.name for path in Path(home).rglob("snapshots/*/*")))
    head.start()
    print("VERSION", head.version)
except HubbubError as error:
    print("ERROR", error.code, error)
"""


class Hub:
    """Serve folders as models of `someone`, and remember what was asked for."""

    def __init__(self, root: Path) -> None:
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def do_GET(self) -> None:
                self._answer(with_body=True)

            def _answer(self, *, with_body: bool) -> None:
                hub.asked.append(f"{self.command} {self.path}")
                owner_name, _, rest = self.path[1:].partition("/resolve/")
                path = root / owner_name / rest.partition("/")[2]
                if not path.is_file():
                    known = (root / owner_name).is_dir()
                    self.send_response(404)
                    self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
                    self.send_header("X-Repo-Commit", COMMIT)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                body = path.read_bytes()
                self.send_response(200)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path / "served")
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


def fetch(name: str, home: Path, address: str) -> str:
    """Build and start a head in a process of its own (the hub's address is read once a process); return its words."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    own = {"HF_ENDPOINT": address, "HF_TOKEN": HUSH, "HF_HOME": str(home / "client")}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, name, str(home)],
        env=others | own | {"HF_HUB_ETAG_TIMEOUT": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert HUSH not in run.stdout + run.stderr
    assert run.stderr == ""
    return run.stdout


def test_a_name_is_fetched_once_and_without_pickles(hub: Hub, tmp_path: Path) -> None:
    # Given a model that also has its weights as pickle
    served = save_tiny(tmp_path / "served" / "someone" / "mood")
    (served / "pytorch_model.bin").write_bytes(b"pickle")
    # When it is built, then its config alone has come; when it starts, the rest
    first = fetch("someone/mood", tmp_path / "home", hub.address)
    assert "LABELS anger fear joy sadness" in first
    assert "BEFORE config.json\n" in first
    assert "VERSION " in first
    assert not [line for line in hub.asked if ".bin" in line or ".py" in line]
    # Then a second process asks for nothing, though the hub has changed meanwhile, and gives the same version
    hub.asked.clear()
    shutil.rmtree(served)
    second = fetch("someone/mood", tmp_path / "home", hub.address)
    assert second.splitlines()[-1] == first.splitlines()[-1]
    assert hub.asked == []


def test_what_the_hub_does_not_have_is_told_from_a_hub_that_does_not_answer(
    hub: Hub, tmp_path: Path
) -> None:
    save_tiny(tmp_path / "served" / "someone" / "old")
    (tmp_path / "served" / "someone" / "old" / "model.safetensors").unlink()
    unknown = fetch("someone/nosuch", tmp_path / "home", hub.address)
    assert "ERROR model_invalid the hub has no someone/nosuch at main, or not for you" in unknown
    old = fetch("someone/old", tmp_path / "home", hub.address)
    assert f"ERROR model_invalid the hub's someone/old has no safetensors at {COMMIT}" in old
    hub.server.shutdown()
    hub.server.server_close()
    # And only the host is named: an address may carry a password, which fetch() looks for
    address = hub.address.replace("//", f"//me:{HUSH}@")
    silent = fetch("someone/mood", tmp_path / "home", address)
    told = "ERROR download_failed cannot fetch config.json of someone/mood from 127.0.0.1: "
    assert told in silent


def test_weights_in_parts_of_which_one_lacks_are_fetched(hub: Hub, tmp_path: Path) -> None:
    served = save_tiny(tmp_path / "served" / "someone" / "mood")
    part = (served / "model.safetensors").rename(served / "model-1.safetensors")
    raw = part.read_bytes()
    tensors = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")]).keys() - {"__metadata__"}
    index = {"metadata": {}, "weight_map": dict.fromkeys(sorted(tensors), part.name)}
    (served / "model.safetensors.index.json").write_text(json.dumps(index))
    home = tmp_path / "home"
    first = fetch("someone/mood", home, hub.address)
    assert "VERSION" in first
    (kept,) = home.rglob(part.name)
    kept.unlink()
    hub.asked.clear()
    assert fetch("someone/mood", home, hub.address).splitlines()[-1] == first.splitlines()[-1]
    assert any(part.name in line for line in hub.asked)
