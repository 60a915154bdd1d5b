"""Adapting to texts: masked pieces are guessed better, an interruption changes nothing, and fits begin there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import InvalidInput, SettingsInvalid
from tests.models.training.tiny import BAD, GOOD, OTHER, tiny_config
from tests.models.training.trained import Home, scalars_in

torch = pytest.importorskip("torch")

from models.networks.masked import MaskedModel, mask_pieces  # noqa: E402  (torch first)
from models.training.adapting import AdaptOptions, adapt  # noqa: E402
from models.training.pipeline import Run, build_encoder, claim_run, train  # noqa: E402
from models.training.preparing import BASE_FILE, ORIGINAL_FILE, base_weights  # noqa: E402
from models.training.vocabulary import BEGIN_ID, END_ID, PAD_ID, UNKNOWN_ID  # noqa: E402

OPTIONS = AdaptOptions(samples=2000, tokens_per_step=128, rate=2e-3, head_rate=1e-2)


def texts() -> list[str]:
    """Return texts of two words, each said some times over, so that the words beside one tell it."""
    words, times = GOOD + BAD + OTHER, (3, 4)
    pairs = [(a, b, n, m) for a in words for b in words for n in times for m in times]
    return sorted({" ".join([a] * n + [b] * m) for a, b, n, m in pairs})


@pytest.fixture
def prepared(home: Home, tmp_path: Path) -> Run:
    """Return a run that is prepared and not fitted."""
    run = Run(tmp_path, home.run.config)
    for name in ("run.json", "corpus.npz", "corpus.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((home.run.folder / name).read_bytes())
    (tmp_path / BASE_FILE).write_bytes((home.run.folder / BASE_FILE).read_bytes())
    return run


def interrupt_at(passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pass be interrupted, as by control-C."""
    left, real = iter(range(passes)), MaskedModel.guesses

    def guesses(model: MaskedModel, *arguments: Any) -> Any:
        if model.training and next(left, None) is None:
            raise KeyboardInterrupt
        return real(model, *arguments)

    monkeypatch.setattr(MaskedModel, "guesses", guesses)


def test_masked_pieces_of_unread_texts_are_guessed_better(prepared: Run) -> None:
    torch.set_num_threads(1)
    found = adapt(prepared, texts(), options=OPTIONS)
    assert found.held_out > 5
    assert found.after < min(found.before, found.frequency) - 0.2
    # Then the run has other layers, the same words, and the original beside them
    now, then = (base_weights(prepared.folder, name=name) for name in (BASE_FILE, ORIGINAL_FILE))
    changed = {name for name in then if not np.array_equal(now[name], then[name])}
    assert "encoder.layer.0.attention.self.query.weight" in changed
    assert "embeddings.word_embeddings.weight" not in changed
    # and once is enough
    assert adapt(prepared, texts(), options=OPTIONS) == found


def test_an_interrupted_adaptation_ends_with_the_same_weights(
    home: Home, prepared: Run, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    short = AdaptOptions(samples=200, tokens_per_step=256, save_seconds=0)
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(4, patch)
        with pytest.raises(KeyboardInterrupt):
            adapt(prepared, texts(), options=short)
    broken = adapt(prepared, texts(), options=short)
    weights = base_weights(prepared.folder)
    # Given another folder that was never interrupted
    other = Run(tmp_path / "other", home.run.config)
    other.folder.mkdir()
    for name in ("run.json", "tokenizer.json"):
        (other.folder / name).write_bytes((prepared.folder / name).read_bytes())
    (other.folder / BASE_FILE).write_bytes((prepared.folder / ORIGINAL_FILE).read_bytes())
    assert adapt(other, texts(), options=short) == broken
    for name, values in base_weights(other.folder).items():
        assert np.array_equal(values, weights[name])


def test_what_was_interrupted_is_trained_on_only_when_it_is_ended(
    home: Home, prepared: Run
) -> None:
    short = AdaptOptions(samples=200, tokens_per_step=256)
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(4, patch)
        with pytest.raises(KeyboardInterrupt):
            adapt(prepared, texts(), options=short)
    with pytest.raises(InvalidInput, match="half adapted"):
        train(prepared, home.data, stages=["vectors"], threads=1)
    assert not (prepared.folder / "teacher-0").exists()
    adapt(prepared, texts(), options=short)
    train(prepared, home.data, stages=["vectors"], threads=1)
    assert (prepared.folder / "vectors.npy").exists()


def test_its_losses_are_events_too(prepared: Run) -> None:
    found = adapt(prepared, texts(), options=AdaptOptions(samples=50))
    told = scalars_in(prepared.folder / "adapt")
    assert {"loss", "per_second"} < set(told)
    assert told["held_out/before"] == pytest.approx({50: found.before})
    assert told["held_out/after"] == pytest.approx({50: found.after})


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_rate_that_is_none_is_refused_and_nothing_replaced(prepared: Run, rate: float) -> None:
    before = (prepared.folder / BASE_FILE).read_bytes()
    with pytest.raises(InvalidInput, match=f"rate is {rate}; expected above 0 and at most 1"):
        adapt(prepared, texts(), options=AdaptOptions(samples=50, rate=rate))
    assert (prepared.folder / BASE_FILE).read_bytes() == before
    assert not (prepared.folder / "adapt").exists()


def test_a_fit_begins_with_the_adapted_layers_and_vectors_do_not(prepared: Run) -> None:
    adapt(prepared, texts(), options=AdaptOptions(samples=50))
    adapted = build_encoder(prepared, layers=2, columns=1)
    original = build_encoder(prepared, layers=2, columns=1, base=ORIGINAL_FILE)
    assert not torch.equal(adapted.layers[0].qkv.weight, original.layers[0].qkv.weight)


def test_it_comes_before_the_heads(home: Home) -> None:
    with pytest.raises(InvalidInput, match="teacher-0 has begun"):
        adapt(home.run, texts(), options=OPTIONS)


def test_other_texts_do_not_go_on_where_these_were(prepared: Run) -> None:
    adapt(prepared, texts(), options=AdaptOptions(samples=20))
    with pytest.raises(SettingsInvalid, match="other texts or options"):
        adapt(prepared, texts()[1:], options=AdaptOptions(samples=20))


def test_too_few_texts_and_no_run_are_refused(prepared: Run, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="1 texts are too few"):
        adapt(prepared, ["one"], options=OPTIONS)
    empty = Run(tmp_path / "empty", tiny_config())
    empty.folder.mkdir()
    claim_run(empty)
    with pytest.raises(InvalidInput, match="is not prepared"):
        adapt(empty, texts(), options=OPTIONS)


def test_a_sixth_is_masked_most_of_it_by_the_unknown_piece_and_never_the_frame() -> None:
    torch.manual_seed(0)
    ids = torch.full((100, 103), 9)
    ids[:, 0], ids[:, 101], ids[:, 102] = BEGIN_ID, END_ID, PAD_ID
    read, chosen = mask_pieces(ids, pieces=50, share=0.15)
    share = chosen[:, 1:101].float().mean()
    assert 0.13 < float(share) < 0.17
    assert not bool(chosen[:, [0, 101, 102]].any())
    assert bool((read[~chosen] == ids[~chosen]).all())
    masked = read[chosen]
    assert 0.76 < float((masked == UNKNOWN_ID).float().mean()) < 0.84
    assert 0.08 < float((masked == 9).float().mean()) < 0.13
    assert int(masked.min()) == UNKNOWN_ID


def test_a_loss_among_some_pieces_is_that_of_their_logits(home: Home) -> None:
    encoder = build_encoder(home.run, layers=1, columns=1)
    pieces = encoder.shape.pieces
    model = MaskedModel(encoder, torch.full((pieces,), 1 / pieces))
    ids = torch.tensor([[BEGIN_ID, 9, 10, END_ID]])
    chosen = torch.tensor([[False, True, True, False]])
    with torch.no_grad():
        guessed, truth = model.guesses(ids, chosen), torch.tensor([9, 10])
        whole = float(model.loss(guessed, truth))
        every = float(model.loss(guessed, truth, among=torch.arange(pieces)))
        some = float(model.loss(guessed, truth, among=torch.tensor([9, 10, 11])))
    assert every == pytest.approx(whole)
    assert some < whole
