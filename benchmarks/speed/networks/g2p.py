"""The g2p-en network of examples/g2p, letters to phonemes: an encoder and the decoder's step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from benchmarks.speed.networks.network import Network

UNITS = 256
LETTERS, PHONEMES = 29, 74
START = 2
WORD = "sphinxofblackquartzjudgemyvow"
# PyTorch's names of a GRU's weights, and the checkpoint's.
PARTS = {"weight_ih": "w_ih", "weight_hh": "w_hh", "bias_ih": "b_ih", "bias_hh": "b_hh"}

Weights = dict[str, torch.Tensor]


class Encoder(torch.nn.Module):
    """Letters to the hidden state after the last one."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding.from_pretrained(weights["enc_emb"])
        self.gru = torch.nn.GRU(UNITS, UNITS, batch_first=True)
        own = {f"{name}_l0": weights[f"enc_{part}"] for name, part in PARTS.items()}
        self.gru.load_state_dict(own)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Letters, (1, n), to the hidden state, (1, UNITS)."""
        _, hidden = self.gru(self.embedding(ids))
        return hidden[0]


class Step(torch.nn.Module):
    """The previous phoneme and the hidden state to the next one's scores and the new state."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding.from_pretrained(weights["dec_emb"])
        self.cell = torch.nn.GRUCell(UNITS, UNITS)
        self.cell.load_state_dict({name: weights[f"dec_{part}"] for name, part in PARTS.items()})
        self.scores = torch.nn.Linear(UNITS, PHONEMES)
        self.scores.load_state_dict({"weight": weights["fc_w"], "bias": weights["fc_b"]})

    def forward(
        self, previous: torch.Tensor, hidden: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The phoneme, (1, 1), and the state, (1, UNITS), to scores and state."""
        state = self.cell(self.embedding(previous)[:, 0], hidden)
        return self.scores(state), state


def networks(packages: Path) -> dict[str, Network]:
    """Both components, with the weights of the g2p-en wheel."""
    with np.load(packages / "g2p_en" / "checkpoint20.npz") as checkpoint:
        weights = {
            name: torch.from_numpy(checkpoint[name].astype("float32")) for name in checkpoint.files
        }
    encoder, step = Encoder(weights).eval(), Step(weights).eval()
    ids = torch.tensor([[ord(letter) - ord("a") + 3 for letter in WORD] + [START]])
    with torch.no_grad():
        hidden = encoder(ids)
    return {
        "encoder": Network(encoder, {"ids": ids}, ("hidden",), {"ids": (0, LETTERS)}),
        "decoder_step": Network(
            step,
            {"previous": torch.tensor([[START]]), "hidden": hidden},
            ("scores", "state"),
            {"previous": (0, PHONEMES)},
        ),
    }
