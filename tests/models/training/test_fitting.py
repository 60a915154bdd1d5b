"""A stage that is interrupted ends exactly where one that was not does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.networks.encoder import Encoder, EncoderShape  # noqa: E402  (torch first)
from models.training.config import FitConfig  # noqa: E402
from models.training.corpus import Columns, Corpus  # noqa: E402
from models.training.fitting import Fitting, Teaching  # noqa: E402
from models.training.measuring import SCORES_FILE, read_scores  # noqa: E402
from tests.models.training.made_corpus import made_corpus  # noqa: E402
from tests.models.training.tiny import tiny_config  # noqa: E402
from tests.models.training.trained import scalars_in  # noqa: E402

SHAPE = EncoderShape(
    pieces=40, positions=24, hidden=24, ffn=24, layers=2, attention_heads=4, columns=3
)
COLUMNS = Columns({"sentiment": ("negative", "neutral", "positive")}, ("a/x",))
CONFIG = tiny_config(
    heads={"sentiment": {"share": 1.0, "labels": ["negative", "neutral", "positive"]}}, sources=[]
)
TEXTS = 60


def corpus() -> Corpus:
    """Return texts whose label is told by one piece; every fourth is a development row."""
    texts = [[10 + n % 7, 4 + n % 3, *range(20, 20 + n % 5)] for n in range(TEXTS)]
    return made_corpus(
        texts,
        targets=[[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        known=[[1, 1, 1]] * 3,
        label_set=[n % 3 for n in range(TEXTS)],
        is_dev=[n % 4 == 0 for n in range(TEXTS)],
    )


def fit_config(**more: Any) -> FitConfig:
    plain: dict[str, Any] = {"samples": 400, "tokens_per_step": 128, "rate": 3e-3}
    return FitConfig(layers=2, **(plain | {"consistency": 0.5, "soft_labels": 0.5} | more))


def new_model() -> Encoder:
    torch.manual_seed(1)
    model = Encoder(SHAPE)
    torch.nn.init.normal_(model.words, std=1.0)
    torch.nn.init.normal_(model.positions, std=0.1)
    return model


def fit(model: Encoder, config: FitConfig, folder: Path | None = None) -> dict[str, Any]:
    soft = np.log(np.full((TEXTS, 3), 1 / 3)).astype(np.float16)
    fitting = Fitting(model, corpus(), columns=COLUMNS, config=CONFIG, teaching=Teaching(soft=soft))
    fitting.fit(config, seed=3, folder=folder, save_seconds=0.0)
    return {name: value.clone() for name, value in model.state_dict().items()}


def break_after(model: Encoder, passes: int) -> None:
    """Let the model's pass after so many be interrupted, as by control-C."""
    left = iter(range(passes))

    def count(*_: object) -> None:
        if model.training and next(left, None) is None:
            raise KeyboardInterrupt

    model.register_forward_pre_hook(count)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("more", [{}, {"checks": 8, "patience": 7}])
def test_an_interrupted_stage_ends_with_the_same_weights(tmp_path: Path, more: Any) -> None:
    # Given a stage that was never interrupted
    whole = fit(new_model(), fit_config(**more))
    # When another is interrupted twice, and begun anew each time with a fresh model
    for passes in (21, 12):
        broken = new_model()
        break_after(broken, passes)
        with pytest.raises(KeyboardInterrupt):
            fit(broken, fit_config(**more), tmp_path)
    # Then it ends with the same bits
    assert same(whole, fit(new_model(), fit_config(**more), tmp_path))


def test_it_learns_and_does_so_alike_every_time() -> None:
    model = new_model()
    first = fit(model, fit_config(samples=1500, soft_labels=0.0))
    ids = torch.tensor([[2, 12, 4 + label, 20, 3] for label in range(3)])
    assert model.eval()(ids).logits.argmax(1).tolist() == [0, 1, 2]
    assert same(first, fit(new_model(), fit_config(samples=1500, soft_labels=0.0)))


def test_checks_alone_change_nothing_but_which_average_is_kept() -> None:
    # Given a rate that only ever helps, the last check is the best or as good as one before
    config = fit_config(samples=1500, soft_labels=0.0, average=0.9)
    plain, checked = new_model(), new_model()
    fit(plain, config)
    fit(checked, fit_config(samples=1500, soft_labels=0.0, average=0.9, checks=1))
    assert same(plain.state_dict(), checked.state_dict())


def test_a_stage_without_progress_ends_early_and_keeps_the_first_best() -> None:
    # Given a rate of nothing, so that no check is better than the first
    model = new_model()
    before = {name: value.clone() for name, value in model.named_parameters()}
    passes: list[int] = []
    model.register_forward_pre_hook(lambda *_: passes.append(1) if model.training else None)
    config = fit_config(rate=0.0, head_rate=0.0, weight_decay=0.0, consistency=0.0)
    fit(model, config)
    whole = len(passes)
    passes.clear()
    fit(model, fit_config(rate=0.0, head_rate=0.0, consistency=0.0, checks=10, patience=2))
    # Then it ends after three checks of ten, with the weights of the first
    assert len(passes) < whole / 2
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_a_step_without_anything_to_learn_from_changes_nothing() -> None:
    # Given texts without labels alone, and no teacher that is asked
    model = new_model()
    before = {name: value.clone() for name, value in model.named_parameters()}
    none = made_corpus([[4, 5]] * 9, head=[-1] * 9, label_set=[-1] * 9, targets=[[1, 0, 0]])
    fitting = Fitting(model, none, columns=COLUMNS, config=CONFIG, teaching=Teaching())
    fitting.fit(fit_config(labels=0.0, soft_labels=0.0, samples=50), seed=3)
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_a_stage_writes_one_file_of_events_a_process(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    fit(new_model(), fit_config(checks=8), tmp_path)
    assert len(list(tmp_path.glob("events.*"))) == 1


def test_a_short_stage_tells_its_last_losses_and_its_scores(tmp_path: Path) -> None:
    # Given a stage that is over long before ten seconds
    fit(new_model(), fit_config(), tmp_path)
    # Then its events hold the losses and the development scores by source, which stand in a file too
    found = scalars_in(tmp_path)
    assert {"labels", "consistency", "soft", "per_second", "macro_f1/sentiment/a/x"} == set(found)
    scores = read_scores(tmp_path / SCORES_FILE)
    wanted = {400: scores["sentiment/a/x"]["macro_f1"]}
    assert found["macro_f1/sentiment/a/x"] == pytest.approx(wanted)
