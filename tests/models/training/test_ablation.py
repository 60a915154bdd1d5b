"""Ablations: each variant and seed once, in a ledger, told as tables."""

from pathlib import Path

import msgspec
import pytest

from contracts.errors import InvalidInput, SettingsInvalid
from models.training.ablation import (
    Trial,
    Variant,
    Variants,
    ablate,
    read_variants,
    try_variant,
)
from models.training.ablation_report import ablation_report, read_ledger
from tests.models.training.trained import Home

ROOT = Path(__file__).parents[3]


def test_the_committed_variants_change_known_keys() -> None:
    from models.training.config import FitConfig

    found = read_variants(ROOT / "models/training/encoder.variants.toml")
    known = set(FitConfig.__struct_fields__)
    assert set(found.shared) <= known
    assert all(set(variant.fit) <= known for variant in found.variants)


def test_what_all_variants_share_can_be_set() -> None:
    path = ROOT / "models/training/encoder.variants.toml"
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


def test_what_is_in_the_ledger_is_not_done_again(home: Home) -> None:
    # Given two variants and a seed, when they are tried twice
    variants = Variants(
        {"samples": 60},
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
    trial = try_variant(home.run, alone, shared={"samples": 60}, seed=9)
    assert trial.scores
    assert all(source.startswith(f"{head}/") for source in trial.scores)


def test_what_failed_may_be_begun_again(home: Home) -> None:
    broken = Variants({"samples": 60}, (Variant("broken", {"rate": "fast"}),))
    with pytest.raises(msgspec.ValidationError):
        ablate(home.run, broken, seeds=1)
    assert not (home.run.folder / "ablations/broken-0").exists()


def trial_of(variant: str, seed: int, *figures: float) -> Trial:
    all_classes, rarest = figures
    scores = {"topic/a/dev.jsonl.gz": {"macro_f1": all_classes, "rarest_f1": rarest}}
    return Trial(variant, seed, scores, likeness=0.9)


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
