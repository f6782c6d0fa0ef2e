"""`tvmplug tune` on a small plugin: here, over RPC, killed; and builds with the tiles it keeps."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tvm import rpc

from tvmplug import cli
from tvmplug.compiler import codegen, frontends, lowering
from tvmplug.compiler.cpu.isa import instruction_set
from tvmplug.compiler.cpu.signature import Factor, Kernel
from tvmplug.compiler.loading import load_export
from tvmplug.compiler.tuning import measuring
from tvmplug.compiler.tuning.devices import Remote, opened
from tvmplug.compiler.tuning.probe import component_of
from tvmplug.compiler.tuning.winners import FILE_NAME, read_tuning, tiles_of
from tvmplug.errors import ToolError
from tvmplug.targets import host_target
from tvmplug.toolchains.cxx import find_cxx

# A product of a dynamic size and a convolution whose channels are read where they lie.
SCRIPT = """\
import numpy as np
from tvm import relax, tirx

from tvmplug.export import Case, Component, Dim


def export():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(24, 40)).astype("float32")
    window = rng.normal(size=(20, 3, 1)).astype("float32")
    builder = relax.BlockBuilder()
    n = tirx.Var("n", "int64")
    x = relax.Var("x", relax.TensorType((n, 24), "float32"))
    y = relax.Var("y", relax.TensorType((1, 3, 30), "float32"))
    with builder.function("main", [x, y]):
        with builder.dataflow():
            product = builder.emit_output(relax.op.matmul(x, relax.const(weights)))
            filtered = builder.emit_output(relax.op.nn.conv1d(y, relax.const(window)))
        builder.emit_func_output(relax.Tuple([product, filtered]))

    def case(n):
        x = rng.normal(size=(n, 24)).astype("float32")
        y = rng.normal(size=(1, 3, 30)).astype("float32")
        filtered = np.einsum("oc,nct->not", window[:, :, 0], y)
        return Case({"x": x, "y": y}, {"product": x @ weights, "filtered": filtered})

    return [
        Component(
            name="encoder", module=builder.get(), cases=[case(5), case(13)], dims={"n": Dim(1, 64)}
        )
    ]
"""
PRODUCT = "matmul (a, 24) x weights (24, 40)"
CONVOLUTION = "conv1d (1, 3, 30) x weights (20, 3, 1)"
GONE = "matmul (7, 7) x weights (7, 7)"

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def with_the_pinned_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVMPLUG_COMPILE_PYTHON", sys.executable)


@pytest.fixture
def small(plugin: Callable[..., Any]) -> Any:
    return plugin(components=("encoder",), script=SCRIPT)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """TVM's own RPC server, and the port it listens on."""
    with _running("rpc_server", tmp_path_factory.mktemp("server")) as port:
        yield port


@pytest.fixture
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """TVM's own tracker, which knows one device as "phone", and the port it listens on."""
    folder = tmp_path_factory.mktemp("tracker")
    with (
        _running("rpc_tracker", folder) as port,
        _running("rpc_server", folder, "--tracker", f"127.0.0.1:{port}", "--key", "phone"),
    ):
        known = rpc.connect_tracker("127.0.0.1", port)
        while not known.summary()["server_info"]:
            time.sleep(0.1)
        yield port


@contextmanager
def _running(module: str, folder: Path, *options: str) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", f"tvm.exec.{module}", "--host", "127.0.0.1", "--silent"]
    # In a folder without modules of ours, and in a group of its own: it starts others.
    with subprocess.Popen(
        [*argv, "--port", str(port), "--port-end", str(port + 1), *options],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            _wait_for(port)
            yield port
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"no server at {port}")


def _tune(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert cli.main(["tune", "--project", str(root), "--json", *options]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def _written(root: Path, tiles: dict[str, str]) -> None:
    """What an author may have in the repository."""
    isa = instruction_set(host_target().tvm_target).name
    entries = {kernel: {"tile": tile} for kernel, tile in tiles.items()}
    content = {"format": 1, "tiles": {isa: entries, "another": {GONE: {"tile": "4x4"}}}}
    (root / "model" / FILE_NAME).write_text(json.dumps(content))


def _check_against(told: dict[str, Any], root: Path) -> None:
    """The file has what the answer says, of every kernel."""
    assert [each["kernel"] for each in told["kernels"]] == [PRODUCT, CONVOLUTION]
    assert told["skipped"] == {}
    tiles = tiles_of(read_tuning(root / "model")).get(told["instruction_set"], {})
    for each in told["kernels"]:
        assert each["notes"] == []
        if each["after"] == each["before"]:
            assert each["ratio"] == 1
        elif each["kernel"] in tiles:
            assert str(tiles[each["kernel"]]) == each["after"]
            assert each["ratio"] < 0.97


def test_every_kernel_is_measured_and_the_file_says_what_won(
    small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _written(small.root, {PRODUCT: "9x9", GONE: "6x2"})
    told = _tune(small.root, capsys, "--threads", "1")
    _check_against(told, small.root)
    assert told["threads"] == 1
    assert told["dropped"] == [GONE]
    # What is for other machines stays, what fits no more goes.
    tuning = read_tuning(small.root / "model")
    assert str(tuning["another"][GONE].choice) == "4x4"
    isa = instruction_set(host_target().tvm_target).name
    assert all(str(each.choice) != "9x9" for each in tuning.get(isa, {}).values())


def test_a_device_is_reached_over_rpc(
    small: Any, server: int, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _tune(small.root, capsys, "--rpc", f"127.0.0.1:{server}", "--threads", "1")
    _check_against(told, small.root)
    assert told["processor"] == "a device over RPC, linux-x64"
    assert told["threads"] == 1


def test_a_tracker_gives_a_device_of_the_name(
    small: Any, tracker: int, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--rpc", f"127.0.0.1:{tracker}", "--key", "phone", "--threads", "1"]
    told = _tune(small.root, capsys, *options)
    _check_against(told, small.root)
    assert told["processor"] == "a device phone over RPC, linux-x64"
    remote = Remote("127.0.0.1", tracker, "tablet", ())
    with (
        pytest.raises(ToolError, match=r"knows no device 'tablet', only phone"),
        opened(host_target(), remote, None),
    ):
        pass


def test_results_and_times_come_from_the_device(server: int) -> None:
    kernel = Kernel("matmul", Factor(("a", 8), (0, 1)), Factor((8, 16), (0, 1), weights=True))
    component = component_of(kernel)
    (asked,) = lowering.lower(component.module, component, "t_", host_target()).tiles
    remote = Remote("127.0.0.1", server, None, find_cxx(host_target()).driver)
    samples = [{"a": 3}, {"a": 17}]
    found = {}
    for where in (None, remote):
        with opened(host_target(), where, 1) as device:
            loaded = measuring.build(kernel, asked.ranked[-1], samples, host_target(), device)
            found[where] = loaded.results()
            assert 0 < loaded.seconds(3) < 1
    assert [array.shape for array in found[remote]] == [(3, 16), (17, 16)]
    for here, there in zip(found[None], found[remote], strict=True):
        np.testing.assert_array_equal(here, there)


def test_a_machine_without_a_server_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        remote = Remote("127.0.0.1", port, None, ())
        with pytest.raises(ToolError, match=f"no RPC server answers at 127.0.0.1:{port}"):
            opened(host_target(), remote, None).__enter__()
        remote = Remote("127.0.0.1", port, "phone", ())
        with pytest.raises(ToolError, match=f"there is no tracker at 127.0.0.1:{port}"):
            opened(host_target(), remote, None).__enter__()


def test_a_tile_of_the_file_changes_the_kernel_and_not_its_results(small: Any) -> None:
    isa = instruction_set(host_target().tvm_target)
    (component,) = load_export(small.script)
    imported = frontends.to_relax(component, small.script.parent)

    def made() -> tuple[list[Any], list[list[np.ndarray[Any, Any]]]]:
        tuned = tiles_of(read_tuning(small.root / "model"))
        lowered = lowering.lower(imported.module, component, "g2p_", host_target(), tuned)
        run = codegen.runnable(lowered, component, host_target())
        calls = [[case.inputs["x"], case.inputs["y"]] for case in component.cases]
        return list(lowered.tiles), [run(call) for call in calls]

    plain, _ = made()
    product, convolution = plain
    other = {PRODUCT: str(product.ranked[-1]), CONVOLUTION: str(convolution.ranked[-1])}
    assert other[PRODUCT] != str(product.chosen)
    _written(small.root, other)
    tuned, results = made()
    assert {each.kernel.text: str(each.chosen) for each in tuned} == other
    assert isa.name in read_tuning(small.root / "model")
    for case, found in zip(component.cases, results, strict=True):
        for wanted, array in zip(case.outputs.values(), found, strict=True):
            np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-4)


def test_a_build_takes_its_tiles_from_the_file_and_says_so(small: Any) -> None:
    plain = small.compile()
    assert plain.code == 0, plain.stderr
    assert "tiles:" not in plain.stderr
    _written(small.root, {PRODUCT: "1x8", CONVOLUTION: "9x9"})
    tuned = small.compile()
    assert tuned.code == 0, tuned.stderr
    assert tuned.answer["compiled"]
    assert tuned.answer["archive_sha256"] != plain.answer["archive_sha256"]
    assert "tiles: 1 of 2 kernels as model/tuning.json has them" in tuned.stderr
    ignored = f"ignored: model/tuning.json has 9x9 for {CONVOLUTION}, which does not fit"
    assert ignored in tuned.stderr


def test_a_damaged_file_stops_a_build(small: Any) -> None:
    (small.root / "model" / FILE_NAME).write_text("{")
    run = small.compile()
    assert run.code == 12
    assert run.answer["error"] == "FileError"
    assert "tuning.json is no JSON" in run.answer["message"]


def test_a_run_that_is_killed_keeps_what_it_measured(small: Any) -> None:
    _written(small.root, {PRODUCT: "9x9", GONE: "6x2"})
    argv = [sys.executable, "-m", "tvmplug.compiler.tuning", "--project", str(small.root)]
    with subprocess.Popen(
        [*argv, "--target", host_target().name, "--threads", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as tuner:
        assert tuner.stderr is not None
        for line in tuner.stderr:
            if line.startswith("2 of 2: "):
                tuner.kill()
                break
        else:
            pytest.fail("it ended before its second kernel")
    isa = instruction_set(host_target().tvm_target).name
    left = read_tuning(small.root / "model")[isa]
    assert PRODUCT not in left or str(left[PRODUCT].choice) != "9x9"
    assert GONE in left  # which only a run that ends takes out
    files = [path.name for path in (small.root / "model").iterdir() if path.is_file()]
    assert sorted(files) == ["export.py", FILE_NAME]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--target", "linux-arm64"], 2, "this machine does not run kernels for linux-arm64"),
        (["--target", "ios", "--rpc", "192.0.2.1:9090"], 2, "ios runs no kernels that are brought"),
        (["--rpc", "192.0.2.1"], 2, "--rpc 192.0.2.1 is no HOST:PORT"),
        (["--key", "phone"], 2, "--key names a device of a tracker"),
        (["--threads", "0"], 2, "--threads 0 is too few"),
    ],
)
def test_a_wrong_command_line_is_refused(
    options: list[str], code: int, message: str, small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["tune", "--project", str(small.root), *options]) == code
    assert message in capsys.readouterr().err


def test_a_processor_that_lacks_the_instructions_is_refused(
    small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    if host_target().arch != "x86_64" or "avx512f" in Path("/proc/cpuinfo").read_text():
        pytest.skip("needs an x86-64 processor without AVX-512")
    assert cli.main(["tune", "--project", str(small.root), "--cpu", "x86-64-v4"]) == 2
    assert "this machine's processor has no AVX-512" in capsys.readouterr().err
