"""What engineers write by hand around the same weights, to be measured beside the service: `hubbub bench text`.

In: a model folder. Out: functions from texts to labels. Imports transformers, torch, onnxruntime and tokenizers lazily.

    pipelines   transformers' `pipeline("text-classification")`, float32, one for each head
    one by one  the shipped int8 graph in onnxruntime with its own defaults, one text at a time

The pipelines run transformers' own BERT, filled from the shipped graph without its int8 steps.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from contracts.errors import MissingExtra
from models.engines.floating import float_graph
from models.protocols import FloatArray
from models.scoring import InstalledModel

Labels = dict[str, str]
Answer = Callable[[str], Labels]
WEIGHT = "weight_DequantizeLinear_Output"


def pipelines(installed: InstalledModel, heads: Sequence[str], *, threads: int) -> Answer:
    """Return what answers a text with one pipeline for each of `heads`. Raises `MissingExtra` without transformers."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra(
            "pipelines need torch and transformers: pip install 'hubbub[torch]'"
        ) from error
    torch.set_num_threads(threads)
    transformers.utils.logging.set_verbosity_error()
    tensors = _tensors(installed)
    tokenizer = _tokenizer(installed, transformers)
    made = {
        head: transformers.pipeline(
            "text-classification",
            model=_classifier(installed, head, tensors=tensors),
            tokenizer=tokenizer,
            device="cpu",
        )
        for head in heads
    }

    def answer(text: str) -> Labels:
        return {head: pipeline(text)[0]["label"] for head, pipeline in made.items()}

    return answer


def one_by_one(installed: InstalledModel, *, threads: int) -> Answer:
    """Return what answers a text with every head, alone in its pass."""
    import onnxruntime
    from tokenizers import Tokenizer

    manifest = installed.manifest
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(installed.folder / manifest.network), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(installed.folder / manifest.tokenizer))
    names = [f"logits_{head}" for head in manifest.labels] + ["embedding"]

    def answer(text: str) -> Labels:
        pieces = tokenizer.encode(text, add_special_tokens=False).ids[
            : manifest.text.token_limit - 2
        ]
        ids = np.array([[manifest.text.begin_id, *pieces, manifest.text.end_id]])
        *logits, _ = session.run(names, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        return {
            head: labels[int(values[0].argmax())]
            for (head, labels), values in zip(manifest.labels.items(), logits, strict=True)
        }

    return answer


def _tensors(installed: InstalledModel) -> dict[str, FloatArray]:
    from onnx import numpy_helper

    graph = float_graph(installed.folder / installed.manifest.network).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def _tokenizer(installed: InstalledModel, transformers: Any) -> Any:
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    text = installed.manifest.text
    core = Tokenizer.from_file(str(installed.folder / installed.manifest.tokenizer))
    begin, end, pad = (core.id_to_token(at) for at in (text.begin_id, text.end_id, text.pad_id))
    core.post_processor = TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, text.begin_id), (end, text.end_id)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=pad, model_max_length=text.token_limit
    )


def _classifier(installed: InstalledModel, head: str, *, tensors: Mapping[str, FloatArray]) -> Any:
    """Return transformers' BERT with a mean over the text's pieces and one linear layer on top."""
    import torch
    from transformers import BertConfig, BertModel, BertPreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput

    class MeanClassifier(BertPreTrainedModel):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.bert = BertModel(config, add_pooling_layer=False)
            self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)

        def forward(self, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
            hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask[..., None].to(hidden.dtype)
            return SequenceClassifierOutput(
                logits=self.classifier((hidden * mask).sum(1) / mask.sum(1))
            )

    # The pipeline takes a class by its name alone.
    MeanClassifier.__name__ = "BertForSequenceClassification"
    labels = installed.manifest.labels[head]
    hidden = tensors["embedded.gain"].shape[0]
    layers = sum(name.endswith(".wide.bias") for name in tensors)
    config = BertConfig(
        vocab_size=len(tensors["words.rows"]), hidden_size=hidden, num_hidden_layers=layers,
        num_attention_heads=int(tensors["split.shape"][2]), max_position_embeddings=len(tensors["positions.rows"]),
        intermediate_size=len(tensors["layers.0.wide.bias"]), type_vocab_size=1, layer_norm_eps=1e-12,
        num_labels=len(labels), id2label=dict(enumerate(labels)), label2id={name: at for at, name in enumerate(labels)},
    )  # fmt: skip
    model = MeanClassifier(config)
    weights = {
        name: torch.from_numpy(np.array(value)) for name, value in bert_weights(tensors, head)
    }
    model.load_state_dict(weights, strict=False)
    return model.eval()


def bert_weights(tensors: Mapping[str, FloatArray], head: str) -> list[tuple[str, FloatArray]]:
    """Return the arrays of a graph of ours by their names in transformers' BERT; ours scales queries and inputs."""
    layers = sum(name.endswith(".wide.bias") for name in tensors)
    width = tensors["embedded.gain"].shape[0] // int(tensors["split.shape"][2])
    found = {
        "bert.embeddings.word_embeddings.weight": tensors["words.rows"] * tensors["words.scales"],
        "bert.embeddings.position_embeddings.weight": tensors["positions.rows"],
        "bert.embeddings.token_type_embeddings.weight": np.zeros_like(
            tensors["positions.rows"][:1]
        ),
        "classifier.weight": tensors[f"logits_{head}.weight"].T,
        "classifier.bias": tensors[f"logits_{head}.bias"],
    }
    norms = {"bert.embeddings.LayerNorm": "embedded"}
    for at in range(layers):
        ours, theirs = f"layers.{at}", f"bert.encoder.layer.{at}"
        before = f"layers.{at - 1}" if at else "embedded"
        for part, reads, name, factor in (
            ("query", before, "attention.self.query", width**0.5),
            ("key", before, "attention.self.key", 1.0),
            ("value", before, "attention.self.value", 1.0),
            ("attended", f"{ours}.mixed.joined", "attention.output.dense", 1.0),
            ("wide", f"{ours}.middle", "intermediate.dense", 1.0),
            ("narrow", f"{ours}.gelu", "output.dense", 1.0),
        ):
            inverse = tensors.get(f"{reads}.inverse", np.ones(1, np.float32))
            weight = tensors[f"{ours}.{part}.{WEIGHT}"] * inverse[:, None] * factor
            found[f"{theirs}.{name}.weight"] = weight.T
            found[f"{theirs}.{name}.bias"] = tensors[f"{ours}.{part}.bias"] * factor
        norms[f"{theirs}.attention.output.LayerNorm"] = f"{ours}.middle"
        norms[f"{theirs}.output.LayerNorm"] = ours
    for theirs, ours in norms.items():
        found[f"{theirs}.weight"] = tensors[f"{ours}.gain"]
        found[f"{theirs}.bias"] = tensors[f"{ours}.offset"]
    return [(name, np.ascontiguousarray(array, np.float32)) for name, array in found.items()]
