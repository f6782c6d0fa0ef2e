"""The g2p-en network (letters to ARPAbet phonemes) as two TVM components.

Owned by you: written once, an update never touches it.

Weights: `checkpoint20.npz` of the g2p-en wheel (Park and Kim, Apache-2.0). Network: one GRU that
reads the letters and one that writes the phonemes, 256 units each; `G2p.predict` in g2p_en/g2p.py.
"""

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relax, tirx
from tvm.script import tirx as T  # noqa: N812 (the name TVM gives it)

from tvmplug.export import Case, Component, Dim

UNITS = 256
TILE = 64  # 8 AVX2 registers of partial sums: enough to hide the latency of multiply-add
GATES = 3 * UNITS  # reset, update, new
TILES = GATES // TILE
MAX_LETTERS = 64  # with the end mark
LETTERS, PHONEMES = 29, 74  # with <pad>, <unk>, </s> and <pad>, <unk>, <s>, </s>
START = 2
PANGRAM = "sphinxofblackquartzjudgemyvow"

Array = npt.NDArray[Any]
Weights = dict[str, Array]


def export() -> list[Component]:
    """Return the encoder and the decoder's step with the cases of the golden test."""
    weights = load_weights()
    return [encoder(weights), decoder_step(weights)]


def load_weights() -> Weights:
    """Read the checkpoint in place: `import g2p_en` would download NLTK's corpora."""
    path = Path(str(distribution("g2p-en").locate_file("g2p_en/checkpoint20.npz")))
    with np.load(path) as checkpoint:
        return {name: np.asarray(checkpoint[name], "float32") for name in checkpoint.files}


def encoder(weights: Weights) -> Component:
    """Letters, any number of them, to the hidden state after the last one."""
    builder = relax.BlockBuilder()
    ids = _tensor("ids", (1, tirx.Var("n", "int64")), "int64")
    layer = _gru_parameters(LETTERS)
    with builder.function("main", [ids, *layer]):
        with builder.dataflow():
            start = relax.const(np.zeros((1, UNITS), "float32"))
            hidden = builder.emit_output(_gru_layer(builder, ids, start, layer))
        builder.emit_func_output(hidden)
    return Component(
        name="encoder",
        module=builder.get(),
        params=_gru_weights(weights, "enc"),
        shapes={"ids": (1, "n")},
        dims={"n": Dim(1, MAX_LETTERS)},
        ranges={"ids": (0, LETTERS)},
        cases=[_encoder_case(weights, word) for word in ("a", PANGRAM, "ab" * 31 + "c")],
    )


def decoder_step(weights: Weights) -> Component:
    """The previous phoneme and the hidden state to the next phoneme's scores and the new state."""
    builder = relax.BlockBuilder()
    previous = _tensor("previous", (1, 1), "int64")
    hidden = _tensor("hidden", (1, UNITS))
    layer = _gru_parameters(PHONEMES)
    weight, bias = _tensor("fc_weight", (UNITS, PHONEMES)), _tensor("fc_bias", (PHONEMES,))
    with builder.function("main", [previous, hidden, *layer, weight, bias]):
        with builder.dataflow():
            state = builder.emit_output(_gru_layer(builder, previous, hidden, layer))
            product = builder.emit(relax.op.matmul(state, weight))
            scores = builder.emit_output(relax.op.add(product, bias))
        builder.emit_func_output(relax.Tuple([scores, state]))
    return Component(
        name="decoder_step",
        module=builder.get(),
        params={
            **_gru_weights(weights, "dec"),
            "fc_weight": np.ascontiguousarray(weights["fc_w"].T),
            "fc_bias": weights["fc_b"],
        },
        ranges={"previous": (0, PHONEMES)},
        cases=_decoder_cases(weights, "activationist", steps=12),
    )


# The compiled form: the input half of the gates depends on the symbol alone, so it is a table with
# a row for each symbol, and the recurrent half is one kernel that holds the loop over time.


def _tensor(name: str, shape: tuple[Any, ...], dtype: str = "float32") -> relax.Var:
    return relax.Var(name, relax.TensorType(shape, dtype))


def _gru_parameters(symbols: int) -> list[relax.Var]:
    return [
        _tensor("table", (symbols, GATES)),
        _tensor("weight", (TILES, UNITS, TILE)),
        _tensor("bias", (GATES,)),
    ]


def _gru_weights(weights: Weights, side: str) -> Weights:
    inputs, recurrent = weights[f"{side}_w_ih"], weights[f"{side}_w_hh"]
    return {
        "table": weights[f"{side}_emb"] @ inputs.T + weights[f"{side}_b_ih"],
        "weight": np.ascontiguousarray(recurrent.reshape(TILES, TILE, UNITS).transpose(0, 2, 1)),
        "bias": weights[f"{side}_b_hh"],
    }


def _gru_layer(
    builder: relax.BlockBuilder, ids: relax.Var, start: relax.Expr, layer: list[relax.Var]
) -> relax.Expr:
    table, weight, bias = layer
    gates = builder.emit(relax.op.take(table, ids, axis=0, mode="clip"))
    kernel = builder.add_func(_gru, "gru")
    state = relax.TensorType((1, UNITS), "float32")
    return relax.call_tir(kernel, [gates, start, weight, bias], state)


@T.prim_func(s_tir=True)
def _gru(
    gates_handle: T.handle,
    start: T.Buffer((1, UNITS)),
    weight: T.Buffer((TILES, UNITS, TILE)),
    bias: T.Buffer((GATES,)),
    hidden: T.Buffer((1, UNITS)),
):
    T.func_attr({"tirx.is_scheduled": True})
    steps = T.int64()
    gates = T.match_buffer(gates_handle, (1, steps, GATES))
    with T.sblock("root"):
        recurrent = T.sblock_alloc_buffer((GATES,))
        partial = T.sblock_alloc_buffer((TILE,), scope="local")
        for j in T.vectorized(UNITS):
            hidden[0, j] = start[0, j]
        for step in T.serial(steps):
            for tile in T.serial(TILES):
                for j in T.vectorized(TILE):
                    partial[j] = bias[tile * TILE + j]
                for k in T.serial(UNITS):
                    for j in T.vectorized(TILE):
                        partial[j] = partial[j] + hidden[0, k] * weight[tile, k, j]
                for j in T.vectorized(TILE):
                    recurrent[tile * TILE + j] = partial[j]
            for j in T.serial(UNITS):
                reset: T.let = T.sigmoid(gates[0, step, j] + recurrent[j])
                update: T.let = T.sigmoid(gates[0, step, UNITS + j] + recurrent[UNITS + j])
                new: T.let = T.tanh(
                    gates[0, step, 2 * UNITS + j] + reset * recurrent[2 * UNITS + j]
                )
                hidden[0, j] = (T.float32(1) - update) * new + update * hidden[0, j]


# The golden cases: the arithmetic of g2p-en 2.1.0 itself (`G2p.grucell`, `G2p.encode` and
# `G2p.predict` in g2p_en/g2p.py), in NumPy.


def _encoder_case(weights: Weights, word: str) -> Case:
    ids = _letter_ids(word)
    return Case(
        inputs={"ids": ids},
        outputs={"hidden": _encode(weights, ids)},
        name=f"{len(word):02d}_letters",
    )


def _decoder_cases(weights: Weights, word: str, steps: int) -> list[Case]:
    previous, hidden = START, _encode(weights, _letter_ids(word))
    cases = []
    for step in range(steps):
        state = _grucell(weights, "dec", previous, hidden)
        scores = state @ weights["fc_w"].T + weights["fc_b"]
        inputs = {"previous": np.array([[previous]], "int64"), "hidden": hidden}
        cases.append(Case(inputs, {"scores": scores, "state": state}, name=f"step_{step:02d}"))
        previous, hidden = int(scores.argmax()), state
    return cases


def _letter_ids(word: str) -> Array:
    """`</s>` is 2, `a` is 3."""
    return np.array([[ord(letter) - ord("a") + 3 for letter in word] + [2]], "int64")


def _encode(weights: Weights, ids: Array) -> Array:
    hidden = np.zeros((1, UNITS), "float32")
    for symbol in ids[0]:
        hidden = _grucell(weights, "enc", int(symbol), hidden)
    return hidden


def _grucell(weights: Weights, side: str, symbol: int, hidden: Array) -> Array:
    x = weights[f"{side}_emb"][symbol : symbol + 1]
    inputs = x @ weights[f"{side}_w_ih"].T + weights[f"{side}_b_ih"]
    recurrent = hidden @ weights[f"{side}_w_hh"].T + weights[f"{side}_b_hh"]
    reset, update = np.split(
        _sigmoid(inputs[:, : 2 * UNITS] + recurrent[:, : 2 * UNITS]), 2, axis=1
    )
    new = np.tanh(inputs[:, 2 * UNITS :] + reset * recurrent[:, 2 * UNITS :])
    return (1 - update) * new + update * hidden


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))
