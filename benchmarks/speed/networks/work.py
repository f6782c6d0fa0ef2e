"""Counts a network's work: its floating-point operations, and the weights that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

# They hand out a part or another view of a table, or read some of its rows.
_NO_READERS = frozenset(
    f"aten.{name}" for name in ("embedding", "index", "select", "slice", "t", "transpose", "view")
)


class _Reads(TorchDispatchMode):
    """Notes which weights are operands of something that computes."""

    def __init__(self, weights: set[int]) -> None:
        super().__init__()
        self.weights = weights
        self.bytes: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if str(func.overloadpacket) not in _NO_READERS:
            for leaf in tree_leaves((args, kwargs)):
                if isinstance(leaf, torch.Tensor):
                    storage = leaf.untyped_storage().data_ptr()
                    if storage in self.weights:
                        size = max(self.bytes.get(storage, 0), leaf.nbytes)
                        self.bytes[storage] = size
        return func(*args, **(kwargs or {}))


def count(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> tuple[int, int]:
    """Run a network once and count.

    Args:
        module: The network.
        inputs: Its inputs.

    Returns:
        Floating-point operations of its matrix products and convolutions (a multiply-add is two;
        everything else is left out, as is usual), and the bytes of the weights it reads, each
        counted once; of a table of embeddings, whose rows are looked up, none.
    """
    tensors = [*module.parameters(), *module.buffers()]
    weights = {tensor.untyped_storage().data_ptr() for tensor in tensors}
    with torch.no_grad(), FlopCounterMode(display=False) as operations:
        module(*inputs)
    with torch.no_grad(), _Reads(weights) as reads:
        module(*inputs)
    return operations.get_total_flops(), sum(reads.bytes.values())
