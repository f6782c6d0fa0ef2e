"""CharsiuG2P's byte-level T5 (words of 100 languages to IPA) as four TVM components.

Owned by you: written once, an update never touches it.

Weights: the folder `checkpoint` beside this file (config.json with model.safetensors or
pytorch_model.bin), else the model of the hub that HUB_MODEL names, else random ones, the same on
every machine, in the true architecture.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networks
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.export import Dim as ExportDim
from transformers import ByT5Tokenizer, T5Config, T5ForConditionalGeneration

from tvmplug.export import Case, Component, Dim

CHECKPOINT = Path(__file__).with_name("checkpoint")
HUB_MODEL = ""  # such as "charsiu/g2p_multilingual_byT5_tiny_8_layers_100"
SEED = 0

MAX_INPUT = 128  # bytes of `<eng-us>: word`
MAX_OUTPUT = 128  # tokens of a pronunciation, the end mark included
START, END = 0, 1  # <pad> and </s>

# g2p_multilingual_byT5_tiny_8_layers_100: google/byt5-small's configuration with the sizes that
# CharsiuG2P's src/train.py sets by default, which is how its eight layers were made
# (notebooks/baselines.ipynb and src/train.py of github.com/lingjzhu/CharsiuG2P at 202dc85).
ARCHITECTURE = {
    "vocab_size": 384,
    "d_model": 256,
    "d_kv": 64,
    "d_ff": 512,
    "num_layers": 6,
    "num_decoder_layers": 2,
    "num_heads": 6,
    "relative_attention_num_buckets": 32,
    "relative_attention_max_distance": 128,
    "layer_norm_epsilon": 1e-6,
    "feed_forward_proj": "gated-gelu",
    "tie_word_embeddings": False,
    "pad_token_id": START,
    "decoder_start_token_id": START,
    "eos_token_id": END,
}

# The golden cases: letters of one byte and of three.
WORDS = {"eng-us": "charsiu", "tha": "การออกเสียง"}

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Spoken:
    """A word as transformers speaks it: ids, (1, n), hidden states, and tokens, (1, m)."""

    ids: Tensor
    hidden: Tensor
    tokens: Tensor


def export() -> list[Component]:
    """Return the encoder, the decoder, and the decoder's pair with a cache."""
    model, weights = load_model()
    with torch.no_grad():
        words = {language: speak(model, language, word) for language, word in WORDS.items()}
        notes = {"weights": weights}
        return [
            encoder(model, words, notes),
            decoder(model, words, notes),
            decoder_prefill(model, words, notes),
            decoder_step(model, words, notes),
        ]


def load_model() -> tuple[T5ForConditionalGeneration, str]:
    """Return CharsiuG2P's network, and in words where its weights come from."""
    if CHECKPOINT.is_dir():
        model, weights = networks.load(CHECKPOINT), f"from model/{CHECKPOINT.name}"
    elif HUB_MODEL:
        model, weights = networks.load(HUB_MODEL), f"from the model hub, {HUB_MODEL}"
    else:
        torch.manual_seed(SEED)
        model = T5ForConditionalGeneration(T5Config(**ARCHITECTURE))
        # transformers gives a new model one table at both ends; CharsiuG2P has two.
        model.lm_head.weight = torch.nn.Parameter(torch.randn(model.lm_head.weight.shape))
        weights = f"random, seed {SEED}: pronunciations mean nothing"
    # Attention in parts, which TVM makes kernels of, and not as PyTorch's one operator.
    model.set_attn_implementation("eager")
    return model.eval(), weights


def speak(model: T5ForConditionalGeneration, language: str, word: str) -> Spoken:
    """Let transformers speak a word as CharsiuG2P does: no end mark after it, and greedily."""
    text = f"<{language}>: {word}"
    ids = ByT5Tokenizer()(text, add_special_tokens=False, return_tensors="pt").input_ids
    tokens = model.generate(ids, num_beams=1, do_sample=False, max_new_tokens=MAX_OUTPUT)
    return Spoken(ids, model.encoder(input_ids=ids).last_hidden_state, tokens[:, :MAX_OUTPUT])


def encoder(
    model: T5ForConditionalGeneration, words: dict[str, Spoken], notes: dict[str, str]
) -> Component:
    """Bytes of a word to hidden states."""
    cases = {
        language: ({"ids": word.ids}, {"hidden": word.hidden}) for language, word in words.items()
    }
    return component(
        networks.Encoder(networks.plain(model)), "encoder", cases, {"ids": {1: "n"}}, notes
    )


def decoder(
    model: T5ForConditionalGeneration, words: dict[str, Spoken], notes: dict[str, str]
) -> Component:
    """All tokens so far, and the hidden states, to scores."""
    cases = {}
    for language, word in words.items():
        logits = model(encoder_outputs=(word.hidden,), decoder_input_ids=word.tokens).logits
        inputs = {"ids": word.tokens, "hidden": word.hidden}
        cases[language] = (inputs, {"scores": logits})
    dynamic = {"ids": {1: "m"}, "hidden": {1: "n"}}
    return component(networks.Decoder(networks.plain(model)), "decoder", cases, dynamic, notes)


def decoder_prefill(
    model: T5ForConditionalGeneration, words: dict[str, Spoken], notes: dict[str, str]
) -> Component:
    """The start token and the hidden states to scores and caches."""
    cases = {}
    for language, word in words.items():
        cached = run_cached(model, word, 1)
        inputs = {"first": word.tokens[:, :1], "hidden": word.hidden}
        cases[language] = (inputs, {**cached, **cross_cache(model, word)})
    network = networks.Prefill(networks.plain(model), MAX_OUTPUT)
    return component(network, "decoder_prefill", cases, {"hidden": {1: "n"}}, notes)


def decoder_step(
    model: T5ForConditionalGeneration, words: dict[str, Spoken], notes: dict[str, str]
) -> Component:
    """The previous token and the caches to scores and caches."""
    cases = {}
    for language, word in words.items():
        position = word.tokens.shape[1] // 2
        before = run_cached(model, word, position)
        inputs = {
            "previous": word.tokens[:, position : position + 1],
            "position": torch.tensor([position]),
            "keys": before["keys"],
            "values": before["values"],
            **cross_cache(model, word),
        }
        cases[language] = (inputs, run_cached(model, word, position + 1))
    dynamic = {"cross_keys": {2: "n"}, "cross_values": {2: "n"}}
    return component(
        networks.Step(networks.plain(model), MAX_OUTPUT), "decoder_step", cases, dynamic, notes
    )


def run_cached(model: T5ForConditionalGeneration, word: Spoken, count: int) -> dict[str, Tensor]:
    """Scores after `count` tokens, and transformers' own cache, filled up to MAX_OUTPUT places."""
    done = model(
        encoder_outputs=(word.hidden,), decoder_input_ids=word.tokens[:, :count], use_cache=True
    )
    layers = done.past_key_values.self_attention_cache.layers
    room = (0, 0, 0, MAX_OUTPUT - count)
    return {
        "scores": done.logits[:, -1],
        "keys": torch.nn.functional.pad(torch.cat([layer.keys for layer in layers]), room),
        "values": torch.nn.functional.pad(torch.cat([layer.values for layer in layers]), room),
    }


def cross_cache(model: T5ForConditionalGeneration, word: Spoken) -> dict[str, Tensor]:
    """Return transformers' own keys and values of the input."""
    done = model(
        encoder_outputs=(word.hidden,), decoder_input_ids=word.tokens[:, :1], use_cache=True
    )
    layers = done.past_key_values.cross_attention_cache.layers
    return {
        "cross_keys": torch.cat([layer.keys for layer in layers]),
        "cross_values": torch.cat([layer.values for layer in layers]),
    }


def component(
    network: torch.nn.Module,
    name: str,
    cases: dict[str, tuple[dict[str, Tensor], dict[str, Tensor]]],
    dynamic: dict[str, dict[int, str]],
    notes: dict[str, str],
) -> Component:
    """Export a network with the inputs of its first case; `dynamic` names axes of unknown size."""
    bounds = {"n": Dim(1, MAX_INPUT), "m": Dim(1, MAX_OUTPUT)}
    inputs = next(iter(cases.values()))[0]
    axes = {
        key: {
            axis: ExportDim(dim, max=bounds[dim].max) for axis, dim in dynamic.get(key, {}).items()
        }
        for key in inputs
    }
    return Component(
        name=name,
        module=torch.export.export(network, (), dict(inputs), dynamic_shapes=axes),
        shapes={key: shape_of(inputs[key], dims) for key, dims in dynamic.items()},
        dims={dim: bounds[dim] for dims in dynamic.values() for dim in dims.values()},
        ranges={key: RANGES[key] for key in inputs if key in RANGES},
        cases=[
            Case(arrays(given), arrays(wanted), name=case)
            for case, (given, wanted) in cases.items()
        ],
        rtol=1e-6,
        atol=1e-4,
        notes=notes,
    )


RANGES = {
    "ids": (0, ARCHITECTURE["vocab_size"]),
    "first": (0, ARCHITECTURE["vocab_size"]),
    "previous": (0, ARCHITECTURE["vocab_size"]),
    "position": (0, MAX_OUTPUT),
}


def shape_of(tensor: Tensor, dims: dict[int, str]) -> tuple[int | str, ...]:
    """Return a shape with the names of its dynamic axes."""
    return tuple(dims.get(axis, size) for axis, size in enumerate(tensor.shape))


def arrays(tensors: dict[str, Tensor]) -> dict[str, Array]:
    """Return tensors as NumPy arrays, with dense memory."""
    return {name: np.ascontiguousarray(tensor.detach().numpy()) for name, tensor in tensors.items()}
