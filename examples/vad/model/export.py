"""The Silero voice activity detector (16 kHz) as one TVM component with its state outside.

Owned by you: written once, an update never touches it.

Weights: `silero_vad_16k_op15.onnx` of the silero-vad wheel (Silero Team, MIT). TVM's ONNX reader
takes neither LSTM nor If, so the network is written out below from that graph.
"""

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import numpy_helper
from tvm import relax

from tvmplug.export import Case, Component

MODEL = "silero_vad_16k_op15.onnx"  # the safetensors file beside it is another checkpoint
CHUNK = 512  # 32 ms at 16 kHz
CONTEXT = 64  # the end of the previous chunk, put in front
UNITS = 128
BINS = 129
HOP = 128
REFLECTED = 64  # samples mirrored at the end, so that the last frame is whole

Array = npt.NDArray[Any]
Weights = dict[str, Array]
Params = dict[str, relax.Var]


def export() -> list[Component]:
    """Return the step of the detector: one chunk and the state to a probability and the state."""
    path = Path(str(distribution("silero-vad").locate_file(f"silero_vad/data/{MODEL}")))
    weights = load_weights(path)
    builder = relax.BlockBuilder()
    samples = _tensor("samples", (1, CONTEXT + CHUNK))
    state = _tensor("state", (2, 1, UNITS))
    params = {name: _tensor(name, weight.shape) for name, weight in weights.items()}
    with builder.function("main", [samples, state, *params.values()]):
        with builder.dataflow():
            features = _encode(builder, samples, params)
            hidden, cell = _lstm_cell(builder, features, state, params)
            probability = builder.emit_output(_classify(builder, hidden, params))
            state = builder.emit_output(relax.op.stack([hidden, cell], axis=0))
        builder.emit_func_output(relax.Tuple([probability, state]))
    return [
        Component(
            name="step",
            module=builder.get(),
            params=weights,
            cases=_golden_cases(onnxruntime.InferenceSession(path)),
        )
    ]


def load_weights(path: Path) -> Weights:
    """Read the initialisers under short names, ordered as the layers use them."""
    initialisers = {item.name: item for item in onnx.load(path).graph.initializer}

    def read(name: str) -> Array:
        return np.array(numpy_helper.to_array(initialisers[name]))

    weights = {"stft": read("model.stft.forward_basis_buffer")}
    for layer in range(4):
        for part in ("weight", "bias"):
            weights[f"conv{layer}_{part}"] = read(f"model.encoder.{layer}.reparam_conv.{part}")
    # Transposed once here rather than on every call.
    weights["lstm_input"] = np.ascontiguousarray(read("model.decoder.rnn.weight_ih").T)
    weights["lstm_hidden"] = np.ascontiguousarray(read("model.decoder.rnn.weight_hh").T)
    weights["lstm_bias"] = read("model.decoder.rnn.bias_ih") + read("model.decoder.rnn.bias_hh")
    weights["head_weight"] = read("model.decoder.decoder.2.weight").reshape(UNITS, 1)
    weights["head_bias"] = read("model.decoder.decoder.2.bias")
    return weights


def _tensor(name: str, shape: tuple[int, ...]) -> relax.Var:
    return relax.Var(name, relax.TensorType(shape, "float32"))


def _encode(builder: relax.BlockBuilder, samples: relax.Var, params: Params) -> relax.Expr:
    """Magnitude spectrogram (4 frames), then four convolutions down to one frame of 128."""
    last = CONTEXT + CHUNK - 1
    tail = relax.op.strided_slice(samples, [1], [last - 1], [last - 1 - REFLECTED], [-1])
    padded = relax.op.expand_dims(relax.op.concat([samples, tail], axis=1), axis=1)
    spectrum = builder.emit(relax.op.nn.conv1d(padded, params["stft"], strides=HOP))
    real, imaginary = (
        relax.op.strided_slice(spectrum, [1], [start], [start + BINS]) for start in (0, BINS)
    )
    power = relax.op.add(relax.op.square(real), relax.op.square(imaginary))
    features = builder.emit(relax.op.sqrt(power))
    for layer, stride in enumerate((1, 2, 2, 1)):
        weight, bias = params[f"conv{layer}_weight"], params[f"conv{layer}_bias"]
        product = relax.op.nn.conv1d(features, weight, strides=stride, padding=1)
        shifted = relax.op.add(product, relax.op.reshape(bias, (1, -1, 1)))
        features = builder.emit(relax.op.nn.relu(shifted))
    return builder.emit(relax.op.reshape(features, (1, UNITS)))


def _lstm_cell(
    builder: relax.BlockBuilder,
    features: relax.Expr,
    state: relax.Var,
    params: Params,
) -> tuple[relax.Expr, relax.Expr]:
    """One step of PyTorch's `LSTMCell`, whose gates come as input, forget, cell, output."""
    hidden, cell = (
        relax.op.reshape(relax.op.strided_slice(state, [0], [i], [i + 1]), (1, UNITS))
        for i in (0, 1)
    )
    gates = relax.op.add(
        relax.op.matmul(features, params["lstm_input"]),
        relax.op.add(relax.op.matmul(hidden, params["lstm_hidden"]), params["lstm_bias"]),
    )
    parts = builder.emit(relax.op.split(gates, 4, axis=1))
    enter, forget, new, leave = (builder.emit(parts[i]) for i in range(4))
    kept = relax.op.multiply(relax.op.sigmoid(forget), cell)
    added = relax.op.multiply(relax.op.sigmoid(enter), relax.op.tanh(new))
    cell = builder.emit(relax.op.add(kept, added))
    hidden = builder.emit(relax.op.multiply(relax.op.sigmoid(leave), relax.op.tanh(cell)))
    return hidden, cell


def _classify(builder: relax.BlockBuilder, hidden: relax.Expr, params: Params) -> relax.Expr:
    """Probability of speech, shape (1, 1)."""
    product = builder.emit(relax.op.matmul(relax.op.nn.relu(hidden), params["head_weight"]))
    return relax.op.sigmoid(relax.op.add(product, params["head_bias"]))


def _golden_cases(original: onnxruntime.InferenceSession) -> list[Case]:
    """Silence, a loud buzz and noise, one after another, so that the state is in play as well."""
    time = np.arange(CONTEXT + CHUNK) / 16000
    buzz = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20)) * 0.2
    noise = np.random.default_rng(0).normal(0, 0.1, time.size)
    state = np.zeros((2, 1, UNITS), "float32")
    cases = []
    for name, signal in (("silence", 0 * time), ("buzz", buzz), ("noise", noise)):
        inputs = {"samples": signal[None].astype("float32"), "state": state}
        feed = {"input": inputs["samples"], "state": state, "sr": np.array(16000)}
        probability, after = original.run(None, feed)
        cases.append(Case(inputs, {"probability": probability, "next_state": after}, name=name))
        state = after
    return cases
