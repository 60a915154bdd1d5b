"""Fetch a hub model by its name: config, tokenizer and safetensors, never pickles and never code.

In: a name, a revision, a cache. Out: the folder of one commit in the cache. Imports transformers lazily; it speaks to
the hub (`HF_ENDPOINT`) with the token that a user keeps for it, which never appears in a message of ours.
"""

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contracts.errors import DownloadFailed, MissingExtra, ModelInvalid
from models.hub.folder import CONFIG, POOLING, TOKENIZER_FILES, WEIGHTS, WEIGHTS_INDEX, shards

EXTRA = "hub models need the extra `torch`: pip install 'hubbub[torch]'"


def fetch(name: str, *, revision: str, cache: Path, whole: bool) -> Path:
    """Return the folder of `name` after fetching its config or, where `whole`, all that is loaded.

    All files are of one commit, that of the config. Raises `DownloadFailed` where the hub cannot be reached,
    `ModelInvalid` where it has no such model for this user, `MissingExtra` without transformers.
    """
    config = _file(name, CONFIG, revision=revision, cache=cache)
    if config is None:
        raise ModelInvalid(
            f"the hub's {name} has no {CONFIG} at {revision}: it is not a transformers model"
        )
    folder = config.parent
    if whole:
        for file in (*TOKENIZER_FILES, POOLING):
            _file(name, file, revision=folder.name, cache=cache)
        _fetch_weights(name, commit=folder.name, cache=cache)
    return folder


def _fetch_weights(name: str, *, commit: str, cache: Path) -> None:
    if _file(name, WEIGHTS, revision=commit, cache=cache) is not None:
        return
    index = _file(name, WEIGHTS_INDEX, revision=commit, cache=cache)
    if index is None:
        raise ModelInvalid(
            f"the hub's {name} has no safetensors at {commit}: name another revision, such as the refs/pr/N"
            " that the hub's own conversion made"
        )
    for part in shards(index):
        _file(name, part, revision=commit, cache=cache)


def _file(name: str, file: str, *, revision: str, cache: Path) -> Path | None:
    """Return the cached file, fetched where it lacks; None where the model has no such file."""
    hub = _client()
    try:
        return Path(hub.hf_hub_download(name, file, revision=revision, cache_dir=str(cache)))
    except (hub.RepositoryNotFoundError, hub.RevisionNotFoundError) as error:
        raise ModelInvalid(
            f"the hub has no {name} at {revision}, or not for you: check the name, or log in with `hf auth login`"
        ) from error
    except Exception as error:
        # The client's transport raises errors of its own kinds. A file that lacks here and there is one of them too.
        is_answered = not isinstance(error, hub.LocalEntryNotFoundError)
        if is_answered and isinstance(error, hub.EntryNotFoundError):
            return None
        raise DownloadFailed(
            f"cannot fetch {file} of {name} from {_host(hub.constants.ENDPOINT)}: {type(error).__name__}"
        ) from error


def _host(address: str) -> str:
    """Return the host alone: an address may carry a name and a password."""
    try:
        return urlsplit(address).hostname or "the hub"
    except ValueError:
        return "the hub"


def _client() -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from transformers.utils import hub
        from transformers.utils import logging as their_logging
    except ImportError as error:
        raise MissingExtra(EXTRA) from error
    their_logging.set_verbosity_error()
    their_logging.disable_progress_bar()
    # The client tells each of its tries; the last one's outcome is in our error.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return hub
