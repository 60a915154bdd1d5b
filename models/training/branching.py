"""Begin a run with what another has done, where the two differ in the student alone.

In: a run that is to begin, the folder of another. Out: copies of that one's finished stages, so that they are not done
again. Imports models.training, never torch.

Training a teacher takes hours, and what prepares texts, vectors and teachers says nothing of the student: a search's
winner, or another recipe for the student, needs none of it anew. The student's first stage is kept too where it is the
same.
"""

import shutil
from pathlib import Path

from contracts.errors import SettingsInvalid
from models.training.config import TrainingConfig
from models.training.measuring import SCORES_FILE
from models.training.pipeline import (
    FIRST,
    PREPARE,
    SECOND,
    SECOND_FILE,
    SOFT_FILE,
    VECTORS,
    VECTORS_FILE,
    WEIGHTS_FILE,
    Run,
    claim_run,
    open_run,
    require_prepared,
)
from models.training.preparing import ADAPTED_FILE, BASE_FILE, ORIGINAL_FILE, check_adapted
from models.training.whole_files import write_whole

# A stage is done when its last file is there.
PREPARED = (
    "rows.json",
    "corpus.json",
    "corpus.npz",
    "tokenizer.json",
    "pieces.json",
    "baseline.json",
    ORIGINAL_FILE,
    ADAPTED_FILE,
    BASE_FILE,
)
MAY_DIFFER = ("name", "student")


def branch(run: Run, source: Path) -> list[str]:
    """Copy the finished stages of the run in `source` that `run` would do alike; return their names.

    What was copied before is passed over. Raises `SettingsInvalid` where the configs differ in more than the student,
    or where `run`'s folder was begun with another config; `InvalidInput` where `source` is not prepared.
    """
    other = open_run(source)
    differing = [
        key
        for key in TrainingConfig.__struct_fields__
        if key not in MAY_DIFFER and getattr(run.config, key) != getattr(other.config, key)
    ]
    if differing:
        raise SettingsInvalid(
            f"{source} was trained with another {', '.join(differing)}; only student and name may differ"
        )
    require_prepared(other)
    check_adapted(source)
    claim_run(run)
    done = []
    for stage, files in _files_by_stage(run, other).items():
        if (source / files[-1]).exists():
            for name in files:
                _copy(source / name, run.folder / name)
            done.append(stage)
    return done


def _files_by_stage(run: Run, other: Run) -> dict[str, tuple[str, ...]]:
    files: dict[str, tuple[str, ...]] = {PREPARE: PREPARED, VECTORS: (VECTORS_FILE,)}
    if run.config.second is not None:
        files[SECOND] = (SECOND_FILE,)
    for name in run.teachers():
        files[name] = (f"{name}/{SCORES_FILE}", f"{name}/{SOFT_FILE}")
    if run.config.student.first == other.config.student.first:
        files[FIRST] = (f"{FIRST}/{SCORES_FILE}", f"{FIRST}/{WEIGHTS_FILE}")
    return files


def _copy(source: Path, target: Path) -> None:
    if target.exists() or not source.exists():
        return
    target.parent.mkdir(exist_ok=True)
    with source.open("rb") as file:
        write_whole(target, lambda copy: shutil.copyfileobj(file, copy))
