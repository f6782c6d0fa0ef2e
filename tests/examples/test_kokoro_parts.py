"""What of examples/kokoro needs no PyTorch: the LSTM's kernel, and the wave that Rust makes."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "kokoro"
SOURCE = EXAMPLE / "rust" / "src" / "api" / "source.rs"
UNITS, GATES = 256, 1024
HARMONICS, HOLD, RATE = 9, 300, 24_000

Numbers = npt.NDArray[Any]

# Reads float32 from the files that its arguments name, and writes wave and transform beside them.
PROGRAM = """
#[path = "SOURCE"]
mod source;
pub const RATE: usize = 24_000;

fn read(name: &str) -> Vec<f32> {
    let bytes = std::fs::read(name).unwrap();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn write(name: &str, values: &[f32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(name, bytes).unwrap();
}

fn main() {
    let wave = source::wave(&read("pitch"), &read("noise"), &source::Mix::new(&read("mix")));
    let source::Spectrum { mut steps, last } = source::spectrum(&wave);
    steps.extend(last);
    write("wave", &wave);
    write("spectrum", &steps);
}
"""


@pytest.mark.slow
def test_the_lstm_kernel_is_an_lstm_in_both_directions_for_any_length() -> None:
    import tvm  # noqa: PLC0415 (takes a second)
    from tvm import relax, tirx  # noqa: PLC0415

    place = EXAMPLE / "model" / "recurrence_kernel.py"
    spec = importlib.util.spec_from_file_location("recurrence_kernel", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    builder = relax.BlockBuilder()
    shape = (1, tirx.Var("n", "int64"), 2 * GATES)
    gates = relax.Var("gates", relax.TensorType(shape, "float32"))
    states = relax.Var("states", relax.TensorType((2, 16, UNITS, 64), "float32"))
    with builder.function("main", [gates, states]):
        with builder.dataflow():
            kernel = builder.add_func(module.kernel, "recurrence")
            hidden = relax.TensorType((1, shape[1], 2 * UNITS), "float32")
            output = builder.emit_output(relax.call_tir(kernel, [gates, states], hidden))
        builder.emit_func_output(output)
    target = tvm.target.Target({"kind": "llvm", "mcpu": "x86-64-v3"})
    machine = relax.VirtualMachine(tvm.relax.build(builder.get(), target=target), tvm.cpu())

    random = np.random.default_rng(0)
    weights = 0.06 * random.standard_normal((2, GATES, UNITS), "float32")
    packed = np.ascontiguousarray(weights.reshape(2, 16, 64, UNITS).swapaxes(2, 3))
    for steps in (1, 2, 37):
        given = random.standard_normal((1, steps, 2 * GATES), "float32")
        got = machine["main"](tvm.runtime.tensor(given), tvm.runtime.tensor(packed)).numpy()
        np.testing.assert_allclose(got, _lstm(given, weights), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_the_wave_and_its_transform_are_those_of_kokoros_sine_generator(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    pitch = 90 + 8 * np.cumsum(random.standard_normal(200)).astype("float32")
    pitch[20:50] = -5  # nobody speaks
    noise = random.standard_normal((200 * HOLD, HARMONICS), "float32")
    mix = 0.3 * random.standard_normal(HARMONICS + 1, "float32")
    for name, values in (("pitch", pitch), ("noise", noise), ("mix", mix)):
        values.tofile(tmp_path / name)
    program = PROGRAM.replace("SOURCE", str(SOURCE))
    (tmp_path / "main.rs").write_text(program, encoding="utf-8")
    command = ["rustc", "--edition", "2024", "-O", "main.rs", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    subprocess.run([tmp_path / "main"], cwd=tmp_path, check=True)

    wave = np.fromfile(tmp_path / "wave", "float32")
    np.testing.assert_allclose(wave, _wave(pitch, noise, mix), rtol=0, atol=1e-6)
    assert wave.std() > 0.01
    columns = np.fromfile(tmp_path / "spectrum", "float32").reshape(-1, 2, 11)
    got = columns[:, 0] * np.exp(1j * columns[:, 1])
    np.testing.assert_allclose(got, _transform(wave), rtol=0, atol=1e-5)
    # The window around the first sample is symmetric: it has angles of 0 or half a turn.
    assert np.isin(np.abs(columns[0, 1]), [0, np.float32(np.pi)]).all()


def _lstm(gates: Numbers, weights: Numbers) -> Numbers:
    hidden = np.zeros((1, gates.shape[1], 2 * UNITS), "float32")
    steps = range(gates.shape[1])
    for side, order in enumerate((steps, reversed(steps))):
        state, cell = np.zeros(UNITS), np.zeros(UNITS)
        for step in order:
            sums = gates[0, step, side * GATES :][:GATES] + weights[side] @ state
            enter, forget, new, out = np.split(sums, 4)
            cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(new)
            state = _sigmoid(out) * np.tanh(cell)
            hidden[0, step, side * UNITS :][:UNITS] = state
    return hidden


def _sigmoid(x: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-x))


def _wave(pitch: Numbers, noise: Numbers, mix: Numbers) -> Numbers:
    """`SourceModuleHnNSF` of kokoro/istftnet.py, in float32 where PyTorch is."""
    number = np.float32
    harmonics = np.arange(1, HARMONICS + 1, dtype="float32")
    turns = np.cumsum(np.mod(pitch[:, None] * harmonics / number(RATE), number(1)), 0, "float64")
    phases = turns.astype("float32") * number(2) * number(np.pi) * number(HOLD)
    samples = np.arange(len(pitch) * HOLD).astype("float32")
    place = np.maximum((samples + number(0.5)) * number(1 / HOLD) - number(0.5), number(0))
    before = place.astype(int)
    after = np.minimum(before + 1, len(pitch) - 1)
    share = (place - before.astype("float32"))[:, None]
    phase = (number(1) - share) * phases[before] + share * phases[after]
    voiced = (np.repeat(pitch, HOLD) > 10)[:, None]
    hiss = np.where(voiced, number(0.003), number(0.1) / number(3))
    mixed = np.where(voiced, np.sin(phase) * number(0.1), number(0)) + hiss * noise
    return np.tanh(mixed @ mix[:HARMONICS] + mix[HARMONICS])


def _transform(wave: Numbers) -> Numbers:
    """`torch.stft` with a Hann window of 20 samples, every 5 of them."""
    padded = np.pad(wave.astype("float64"), 10, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 20)[::5]
    return np.fft.rfft(windows * np.hanning(21)[:-1])
