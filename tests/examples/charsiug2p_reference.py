"""Transformers' own `generate` on the network that a plugin's export script loads.

Run by test_charsiug2p.py with the interpreter that compiles the plugin.

Usage: charsiug2p_reference.py PLUGIN/model < [[language, word], ...] > answers as JSON
       charsiug2p_reference.py PLUGIN/model --save FOLDER: a small checkpoint, of another seed
"""

from __future__ import annotations

import json
import sys

sys.path.insert(0, sys.argv[1])

import torch
from export import ARCHITECTURE, MAX_OUTPUT, load_model
from transformers import ByT5Tokenizer, T5Config, T5ForConditionalGeneration

# More layers of the encoder than of the decoder, as CharsiuG2P has: transformers makes its cache
# with as many layers as the encoder has, and fails where the decoder has more.
SMALL = {"d_model": 48, "d_kv": 16, "d_ff": 80, "num_layers": 3, "num_decoder_layers": 2}


def save(folder: str) -> None:
    """Write a checkpoint as CharsiuG2P's are: another table at the end than at the start."""
    torch.manual_seed(7)
    model = T5ForConditionalGeneration(T5Config(**{**ARCHITECTURE, **SMALL, "num_heads": 4}))
    model.lm_head.weight = torch.nn.Parameter(torch.randn(model.lm_head.weight.shape))
    model.save_pretrained(folder)


def answers() -> dict[str, object]:
    """Tokens without the start token, texts, and of the weights where they come from and whether
    the last layer has a table of its own, as CharsiuG2P's checkpoints do."""
    model, weights = load_model()
    tokenizer = ByT5Tokenizer()
    tokens, texts = [], []
    for language, word in json.load(sys.stdin):
        text = f"<{language}>: {word}"
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
        spoken = model.generate(ids, num_beams=1, do_sample=False, max_new_tokens=MAX_OUTPUT)[0]
        tokens.append(spoken[1:].tolist())
        texts.append(tokenizer.decode(tokens[-1], skip_special_tokens=True))
    two_tables = not torch.equal(model.lm_head.weight, model.shared.weight)
    return {"tokens": tokens, "texts": texts, "weights": weights, "two_tables": two_tables}


if sys.argv[2:3] == ["--save"]:
    save(sys.argv[3])
else:
    json.dump(answers(), sys.stdout)
