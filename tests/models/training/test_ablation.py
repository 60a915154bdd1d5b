"""Ablations: each variant and seed once, in a ledger, told as tables."""

from pathlib import Path
from typing import Any

import pytest

from contracts.errors import InvalidInput, SettingsInvalid
from models.training.ablation import (
    LEDGER,
    MARKS,
    Trial,
    Variant,
    Variants,
    ablate,
    ledger_lines,
    read_variants,
    shipped_variants,
    try_variant,
    unfinished,
)
from models.training.ablation_report import ablation_report, read_ledger
from tests.models.training.trained import Home

SAMPLES = {"samples": 60}


def test_the_committed_variants_change_known_keys() -> None:
    from models.training.config import FitConfig

    found = read_variants(shipped_variants())
    known = set(FitConfig.__struct_fields__)
    assert set(found.shared) <= known
    assert all(set(variant.fit) <= known for variant in found.variants)


def test_what_all_variants_share_can_be_set() -> None:
    path = shipped_variants()
    found = read_variants(path, {"samples": "24000", "tokens_per_step": "2048"})
    assert (found.shared["samples"], found.shared["tokens_per_step"]) == (24000, 2048)
    with pytest.raises(SettingsInvalid, match=r"encoder\.variants\.toml.*smaples"):
        read_variants(path, {"smaples": "24000"})
    with pytest.raises(SettingsInvalid, match=r"encoder\.variants\.toml.*samples"):
        read_variants(path, {"samples": "'many'"})


def test_a_file_that_holds_no_variants_is_named(tmp_path: Path) -> None:
    (tmp_path / "v.toml").write_text("[shared]\n[[variants]]\nnovel = 1\n")
    with pytest.raises(SettingsInvalid, match=r"v\.toml.*novel"):
        read_variants(tmp_path / "v.toml")


def test_the_shipped_variants_are_found_wherever_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "full" in [variant.name for variant in read_variants(shipped_variants()).variants]


@pytest.mark.parametrize(
    ("names", "told"),
    [(("full", "cold", "full"), "two variants are called 'full'"), (("a/b",), "called 'a/b'")],
)
def test_names_that_cannot_be_told_apart_are_refused(
    names: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    tables = [f'[[variants]]\nname = "{name}"\n' for name in names]
    (tmp_path / "v.toml").write_text("[shared]\n" + "".join(tables))
    with pytest.raises(SettingsInvalid, match=rf"v\.toml: .*{told}"):
        read_variants(tmp_path / "v.toml")


def test_what_is_in_the_ledger_is_not_done_again(home: Home) -> None:
    # Given two variants and a seed, when they are tried twice
    variants = Variants(
        SAMPLES,
        (Variant("full"), Variant("cold", {"soft_labels": 0.0}, begins_with_first=False)),
    )
    ablate(home.run, variants, seeds=1)
    ablate(home.run, variants, seeds=2)
    # Then each variant and seed stands there once
    trials = read_ledger(home.run.folder)
    assert [(trial.variant, trial.seed) for trial in trials] == [
        ("full", 0),
        ("cold", 0),
        ("full", 1),
        ("cold", 1),
    ]
    assert "| cold | 2 |" in ablation_report(trials)
    # And how near the vectors stay is told with them
    assert all(trial.likeness is not None and -1 <= trial.likeness <= 1 for trial in trials)


def test_a_variant_is_judged_on_the_exported_heads_that_it_draws(home: Home) -> None:
    head = next(iter(home.run.config.exported))
    alone = Variant("alone", {"heads": [head], "soft_labels": 0.0}, samples=0.5)
    trial = try_variant(home.run, alone, shared=SAMPLES, seed=9)
    assert trial.scores
    assert all(source.startswith(f"{head}/") for source in trial.scores)


def test_what_failed_may_be_begun_again(home: Home) -> None:
    # Given a variant of another depth than the weights that it begins with
    broken = Variants(SAMPLES, (Variant("broken", {"layers": 1}),))
    with pytest.raises(SettingsInvalid, match="holds 2 layers"):
        ablate(home.run, broken, seeds=1)
    assert not list((home.run.folder / MARKS).glob("broken-*"))


@pytest.mark.parametrize(
    ("heads", "told"), [(["mood"], r"heads names 'mood'"), (["kind"], "of which none is judged")]
)
def test_heads_that_do_not_exist_or_are_not_judged_are_refused_before_any_fit(
    heads: list[str], told: str, home: Home
) -> None:
    variants = Variants({"samples": 61}, (Variant("full"), Variant("alone", {"heads": heads})))
    with pytest.raises(SettingsInvalid, match=rf"variant alone: .*{told}.*expected .*sentiment"):
        ablate(home.run, variants, seeds=1)
    assert all(trial.shared != {"samples": 61} for trial in ledger_lines(home.run.folder))


def test_other_shared_settings_are_other_trials(home: Home) -> None:
    # Given a variant that was tried with few samples
    variant = (Variant("twice"),)
    ablate(home.run, Variants({"samples": 62}, variant), seeds=1)
    # When it is tried with more, over two seeds
    ablate(home.run, Variants({"samples": 63}, variant), seeds=2)
    # Then the first seed is tried too, and each line says with what
    mine = [one for one in ledger_lines(home.run.folder) if one.variant == "twice"]
    assert [(one.shared["samples"], one.seed) for one in mine] == [(62, 0), (63, 0), (63, 1)]
    # And no report takes them for seeds of one thing
    report = ablation_report(mine)
    assert "# With samples = 62\n" in report
    assert "# With samples = 63\n" in report
    assert "| twice | 3 |" not in report


def test_another_variant_of_a_name_in_the_ledger_is_refused(home: Home) -> None:
    ablate(home.run, Variants({"samples": 64}, (Variant("mine"),)), seeds=1)
    other = Variants({"samples": 64}, (Variant("mine", {"dropout": 0.2}),))
    with pytest.raises(SettingsInvalid, match=r"variant mine is .*0\.2.*expected another name"):
        ablate(home.run, other, seeds=2)


def test_what_was_killed_is_named(tmp_path: Path) -> None:
    # Given a line from before settings were kept, and two marks
    line = b'{"variant": "full", "seed": 0, "scores": {"a/b": {"macro_f1": 0.5, "rarest_f1": 0.1}}}'
    (tmp_path / LEDGER).write_bytes(line + b"\n")
    (tmp_path / MARKS).mkdir()
    for name in ("full-0", "cold-0"):
        (tmp_path / MARKS / name).touch()
    # When the report is made
    report = ablation_report(read_ledger(tmp_path), begun=unfinished(tmp_path))
    # Then the one without a line is named, with what to do about it
    assert "| full | 1 | 50.0 |" in report
    assert "no table has them: cold-0." in report
    assert "remove `ablations/NAME`" in report


def trial_of(variant: str, seed: int, *figures: float, **more: Any) -> Trial:
    all_classes, rarest = figures
    scores = {"topic/a/dev.jsonl.gz": {"macro_f1": all_classes, "rarest_f1": rarest}}
    return Trial(variant, seed, scores, likeness=0.9, **more)


def test_variants_are_compared_with_the_full_one_where_there_is_one() -> None:
    trials = [trial_of("bare", 0, 0.5, 0.1), trial_of("full", 0, 0.7, 0.3)]
    assert "| bare | 1 | -20.0 |" in ablation_report(trials)
    assert "| other | 1 | 50.0 |" in ablation_report([trial_of("other", 0, 0.5, 0.1), trials[0]])


def test_old_lines_stand_apart_from_lines_that_tell_their_settings() -> None:
    new = trial_of("full", 1, 0.9, 0.3, settings="1f2e3d4c", shared={"samples": 3000, "rate": 0.1})
    report = ablation_report([trial_of("full", 0, 0.1, 0.3), new])
    assert "# With shared settings that the ledger does not tell\n" in report
    assert "# With samples = 3000, rate = 0.1\n" in report
    assert "50.0 ±" not in report


def test_a_report_tells_mean_and_deviation_of_all_classes_and_of_the_rarest() -> None:
    report = ablation_report(
        [
            trial_of("full", 0, 0.7, 0.3),
            trial_of("full", 1, 0.72, 0.3),
            trial_of("bare", 0, 0.5, 0.1),
        ]
    )
    assert report.split("## topic\n\n")[1].splitlines() == [
        "| variant | seeds | a/dev |",
        "|---|---|---|",
        "| full | 2 | 71.0 ± 1.4 / 30.0 ± 0.0 |",
        "| bare | 1 | 50.0 / 10.0 |",
    ]


def test_variants_are_compared_seed_by_seed() -> None:
    # Given two seeds far apart, of which each loses about as much
    trials = [trial_of("full", 0, 0.7, 0.3), trial_of("full", 1, 0.6, 0.3)]
    trials += [trial_of("bare", 0, 0.68, 0.3), trial_of("bare", 1, 0.56, 0.2)]
    # When they are told, against the first and against the other
    lines, other = ablation_report(trials).splitlines(), ablation_report(trials, against="bare")
    # Then the differences are those of equal seeds, and the one compared with has its own figures
    assert "| full | 2 | 65.0 | 30.0 | 90.0 |" in lines
    assert "| bare | 2 | -3.0 ± 1.0 | -5.0 ± 5.0 | +0.0 ± 0.0 |" in lines
    assert "| full | 2 | +3.0 ± 1.0 |" in other
    with pytest.raises(InvalidInput, match="no variant 'bear'; there are full, bare"):
        ablation_report(trials, against="bear")


def test_a_variant_without_seeds_in_common_is_not_compared() -> None:
    report = ablation_report([trial_of("full", 0, 0.7, 0.3), trial_of("bare", 1, 0.5, 0.1)])
    assert "| bare | 1 | – | – | – |" in report


def test_a_report_of_nothing_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="hubbub models ablate"):
        read_ledger(tmp_path)
    (tmp_path / MARKS).mkdir()
    (tmp_path / MARKS / "full-0-1f2e3d4c").touch()
    with pytest.raises(InvalidInput, match=r"holds nothing\. .*no table has them: full-0-1f2e3d4c"):
        read_ledger(tmp_path)
