"""`check --link` over built plugins: what is proved, and each thing that keeps it from being."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tvmplug.apple.staging import Package, pack
from tvmplug.errors import ArtifactError
from tvmplug.findings import Finding, Skipped, Status, exit_code
from tvmplug.process import run
from tvmplug.project import Project
from tvmplug.proof.check import check_artifacts, check_link
from tvmplug.targets import TARGETS

from .conftest import rust_linker
from .plugins import MODEL_CODE, MODEL_DATA, RUNTIME, TRIPLES, Link, Workshop

pytestmark = pytest.mark.slow

Checked = dict[str, Finding]
Make = Callable[[str], Workshop]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A workshop for a target, with the runtime plugin built."""

    def workshop(target: str) -> Workshop:
        made = Workshop(TARGETS[target], tmp_path)
        made.runtime()
        return made

    return workshop


def _check(workshop: Workshop, *models: Project) -> Checked:
    runtime = workshop.project(RUNTIME)
    found = check_link([runtime, *models], [workshop.target])
    return {finding.name.removeprefix(f"{workshop.target.name}: "): finding for finding in found}


def _failures(found: Checked) -> dict[str, str]:
    return {name: f.detail for name, f in found.items() if f.status is Status.FAILED}


@pytest.mark.parametrize("target", sorted(TRIPLES.keys() - {"linux-x64"}))
def test_two_models_over_one_runtime_are_proved(make: Make, target: str) -> None:
    workshop = make(target)
    models = [workshop.model("g2p_flutter", "g2p_"), workshop.model("vad_flutter", "vad_")]
    found = _check(workshop, *models)
    assert {name: f.detail for name, f in found.items() if f.status is not Status.OK} == {}
    assert set(found) == {"artifacts", "one runtime", "once", "app", "app, static"}
    assert "6 objects, each in one image, once" in found["once"].detail
    assert "1 of the runtime's that nothing calls" in found["once"].detail
    assert "all 4 functions" in found["app"].detail
    assert "links all 7 objects into one executable" in found["app, static"].detail
    assert re.search(r"tvm_runtime\S* \d+ kB", found["artifacts"].detail)
    assert "linked for proof, not to be shipped" in found["artifacts"].detail


@pytest.fixture
def static(make: Make) -> Workshop:
    """iOS, with a runtime plugin for static linkage."""
    workshop = make("ios")
    workshop.merged(workshop.project(RUNTIME))
    return workshop


def _static_model(workshop: Workshop, name: str, prefix: str) -> Project:
    model = workshop.model(name, prefix)
    api = workshop.archive(f"{name}/lib{name}.a", [workshop.folder / f"{name}/api.o"])
    return workshop.merged(model, api)


def test_plugins_for_static_linkage_are_one_object_each_in_the_app(static: Workshop) -> None:
    models = [_static_model(static, f"{name}_flutter", f"{name}_") for name in ("g2p", "vad")]
    found = _check(static, *models)
    assert {name: f.detail for name, f in found.items() if f.status is not Status.OK} == {}
    assert found["once"].detail == (
        "objects merged into one: tvm_runtime_flutter 3, g2p_flutter 2, vad_flutter 2, "
        "with all constructors"
    )
    assert "all 4 functions" in found["app"].detail


def test_a_constructor_that_the_merge_lost_is_found(static: Workshop) -> None:
    model = _static_model(static, "g2p_flutter", "g2p_")
    image = static.image(model).path
    without = static.folder / "g2p_flutter" / "devc.o"
    static.archive(str(image.relative_to(static.folder)), [without])
    found = _check(static, model)
    assert "1 objects with 0 constructors, its archives have 1" in found["once"].detail


def test_a_plugin_is_looked_at_by_itself_too(phone: Workshop) -> None:
    model = phone.model("g2p_flutter", "g2p_")
    assert "g2p_flutter" in check_artifacts(model, phone.target)
    assert "tvm_runtime" in check_artifacts(phone.project(RUNTIME), phone.target)
    with pytest.raises(Skipped, match="vad_flutter is not built for"):
        check_artifacts(phone.project("vad_flutter", "vad_"), phone.target)


def test_what_a_plugin_needs_and_nobody_has_is_named(phone: Workshop) -> None:
    source = "int openblas_get(void); int g2p_x(void) { return openblas_get(); }"
    whole = phone.archive("libg2p_flutter_system_lib.a", [phone.compile("blas", source)])
    lazy = ("-undefined", "dynamic_lookup") if phone.target.is_apple else ()
    model = phone.model("g2p_flutter", "g2p_", whole=(whole,), other=(), options=lazy)
    with pytest.raises(ArtifactError, match="it needs openblas_get, which nobody has"):
        check_artifacts(model, phone.target)
    assert "openblas_get" in _failures(_check(phone, model))["artifacts"]


def test_what_is_not_built_is_skipped_and_says_how_to_build_it(make: Make) -> None:
    workshop = make("android-arm64")
    found = _check(workshop, workshop.project("g2p_flutter", "g2p_"))
    assert [f.status for f in found.values()] == [Status.SKIPPED]
    assert found["link"].detail == "g2p_flutter is not built for android-arm64"
    assert found["link"].mend == "Run `tvmplug build --target android-arm64` in g2p_flutter"
    assert exit_code(found.values()) == 0


@pytest.fixture(params=["android-arm64", "ios"])
def phone(request: pytest.FixtureRequest, make: Make) -> Workshop:
    """One target of each object format."""
    return make(request.param)


def test_a_model_that_is_not_linked_whole_is_refused(phone: Workshop) -> None:
    objects = phone.model_objects("g2p_flutter", "g2p_")
    whole = phone.archive("libg2p_flutter_system_lib.a", objects[1:])
    model = phone.model("g2p_flutter", "g2p_", whole=(whole,))
    phone.archive("libg2p_flutter_system_lib.a", objects)
    found = _check(phone, model)
    assert _failures(found).keys() == {"once"}
    assert "lacks lib0.o of libg2p_flutter_system_lib.a" in found["once"].detail
    assert "whole-archive" in str(found["once"].mend)
    assert found["once"].exit_code == 8


def test_a_second_runtime_is_refused_by_maps_and_by_symbols(phone: Workshop) -> None:
    copy = phone.archive("copy/libtvm_runtime.a", phone.runtime_objects())
    objects = phone.model_objects("vad_flutter", "vad_")
    whole = phone.archive("libvad_flutter_system_lib.a", objects)
    link = Link(
        library="vad_flutter_model" if phone.target.is_apple else "vad_flutter",
        whole=(whole, copy),
        exports="*",
    )
    model = phone.linked(phone.project("vad_flutter", "vad_"), link)
    found = _check(phone, model)
    failed = _failures(found)
    assert "tvm_runtime_flutter and vad_flutter define TVM" in failed["one runtime"]
    assert "libtvm_runtime.a is linked into tvm_runtime_flutter and into vad" in failed["once"]
    assert "duplicate symbol" in failed["app, static"]


def test_two_models_with_one_prefix_are_refused(phone: Workshop) -> None:
    models = [phone.model("g2p_flutter", "g2p_"), phone.model("vad_flutter", "g2p_")]
    failed = _failures(_check(phone, *models))
    assert "vad_flutter has the prefix g2p_, g2p_flutter has g2p_" in failed["one runtime"]
    assert "duplicate symbol" in failed["app, static"]


def test_a_prefix_that_begins_anothers_is_refused(phone: Workshop) -> None:
    models = [phone.model("g2p_flutter", "g2p_"), phone.model("vad_flutter", "g2p_vad_")]
    found = _check(phone, *models)
    assert "g2p_flutter has g2p_: they name the same symbols" in found["one runtime"].detail
    assert "another prefix" in str(found["one runtime"].mend)


def test_a_function_without_the_prefix_is_refused(phone: Workshop) -> None:
    stray = phone.compile(
        "stray", "int g2p_x(void) { return 1; } int open_model(void) { return 1; }"
    )
    whole = phone.archive("libg2p_flutter_system_lib.a", [stray])
    model = phone.model("g2p_flutter", "g2p_", whole=(whole,), other=(), exports="*")
    failed = _failures(_check(phone, model))
    assert failed["one runtime"].startswith("g2p_flutter defines open_model without its prefix")


def test_two_runtime_plugins_are_refused(phone: Workshop) -> None:
    second = phone.runtime("other_runtime_flutter")
    found = _check(phone, second, phone.model("g2p_flutter", "g2p_"))
    assert "an app has one runtime plugin, these are 2" in found["one runtime"].detail


def test_a_simulator_object_in_a_device_slice_is_refused(make: Make) -> None:
    phone = make("ios")
    code = MODEL_CODE.format(prefix="g2p_")
    wrong = [
        phone.compile("simulator/lib0", code, target="ios-simulator-arm64"),
        phone.compile("g2p/devc", MODEL_DATA.format(prefix="g2p_")),
    ]
    whole = phone.archive("libg2p_flutter_system_lib.a", wrong)
    failed = _failures(_check(phone, phone.model("g2p_flutter", "g2p_", whole=(whole,))))
    assert "lib0.o) is for ios-simulator, ios needs ios" in failed["artifacts"]


def test_an_image_of_another_slice_is_refused(make: Make, tmp_path: Path) -> None:
    simulator = Workshop(TARGETS["ios-simulator-arm64"], tmp_path / "simulator")
    simulator.folder.mkdir()
    simulator.runtime()
    wrong = simulator.image(simulator.model("g2p_flutter", "g2p_")).path
    phone = make("ios")
    model = phone.model("g2p_flutter", "g2p_")
    phone.image(model).path.write_bytes(wrong.read_bytes())
    failed = _failures(_check(phone, model))
    assert "it is for ios-simulator arm64, ios is for ios arm64" in failed["artifacts"]


def test_a_library_with_small_pages_is_refused_on_android(make: Make) -> None:
    phone = make("android-arm64")
    options = ("-z", "max-page-size=4096")
    failed = _failures(_check(phone, phone.model("g2p_flutter", "g2p_", options=options)))
    assert failed.keys() == {"artifacts"}
    assert "aligned to 4096 bytes, pages of Android are 16384" in failed["artifacts"]
    assert "max-page-size=16384" in failed["artifacts"]


def test_a_path_of_the_machine_that_built_it_is_refused(phone: Workshop) -> None:
    source = 'const char g2p_where[] = "/home/somebody/models/weights.bin";'
    whole = phone.archive("libg2p_flutter_system_lib.a", [phone.compile("where", source)])
    failed = _failures(_check(phone, phone.model("g2p_flutter", "g2p_", whole=(whole,), other=())))
    assert "it holds the path /home/somebody/models/weights.bin" in failed["artifacts"]


def test_a_search_path_of_the_machine_that_built_it_is_refused(make: Make) -> None:
    linux = make("linux-arm64")
    options = ("-rpath", "/opt/cross/lib")
    failed = _failures(_check(linux, linux.model("g2p_flutter", "g2p_", options=options)))
    assert "it looks for libraries in /opt/cross/lib, not beside itself" in failed["artifacts"]


def test_a_runtime_staged_in_a_model_plugin_is_refused(make: Make) -> None:
    phone = make("android-arm64")
    model = phone.model("g2p_flutter", "g2p_")
    staged = model.staged_dir(phone.target)
    staged.mkdir(parents=True)
    (staged / "libtvm_runtime.so").write_bytes(b"\x7fELF")
    failed = _failures(_check(phone, model))
    assert "only tvm_runtime_flutter has one" in failed["artifacts"]


def test_a_library_that_another_one_left_in_jnilibs_is_refused(make: Make) -> None:
    phone = make("android-arm64")
    model = phone.model("g2p_flutter", "g2p_")
    staged = model.staged_dir(phone.target)
    staged.mkdir(parents=True)
    (staged / "libc++_shared.so").write_bytes(b"\x7fELF")
    failed = _failures(_check(phone, model))
    assert "libc++_shared.so is not the plugin's: an app would hold it too" in failed["artifacts"]


def test_a_staged_library_that_is_older_than_the_linked_one_is_found(make: Make) -> None:
    phone = make("android-arm64")
    model = phone.model("g2p_flutter", "g2p_")
    image = phone.image(model).path
    staged = model.staged_dir(phone.target) / image.name
    staged.parent.mkdir(parents=True)
    staged.write_bytes(image.read_bytes())
    assert _failures(_check(phone, model)) == {}
    staged.write_bytes(image.read_bytes() + b"\0")
    found = _check(phone, model)
    assert f"{staged} is not the library that was linked last" in found["artifacts"].detail
    assert "tvmplug build --target android-arm64" in str(found["artifacts"].mend)


def test_a_staged_framework_that_is_older_than_the_linked_one_is_found(make: Make) -> None:
    phone = make("ios")
    model = phone.model("g2p_flutter", "g2p_")
    frameworks = model.root / "darwin" / "g2p_flutter" / "Frameworks"
    pack(Package(plugin="g2p_flutter", prefix="g2p_"), [phone.image(model)], frameworks)
    assert _failures(_check(phone, model)) == {}
    source = phone.compile("more", "int g2p_more(void) { return 1; }")
    objects = [*phone.model_objects("g2p_flutter", "g2p_"), source]
    whole = phone.archive("g2p_flutter/libg2p_flutter_system_lib.a", objects)
    runtime = phone.image(phone.project(RUNTIME)).path
    phone.model("g2p_flutter", "g2p_", whole=(whole,), other=(runtime,))
    found = _check(phone, model)
    assert "is not the library that was linked last" in found["artifacts"].detail


def test_a_library_that_an_app_does_not_have_is_refused(make: Make) -> None:
    phone = make("android-arm64")
    phone.linked(
        phone.project("extra_flutter", "extra_"),
        Link(library="extra", whole=(phone.compile("e", "int extra_x(void) { return 1; }"),),
             exports="*"),
    )  # fmt: skip
    extra = phone.folder / "extra_flutter/build/tvmplug/android-arm64/image/libextra.so"
    source = "int extra_x(void); int g2p_x(void) { return extra_x(); }"
    whole = phone.archive("libg2p_flutter_system_lib.a", [phone.compile("g", source)])
    model = phone.model("g2p_flutter", "g2p_", whole=(whole,), other=(extra,))
    failed = _failures(_check(phone, model))
    assert (
        "libg2p_flutter.so: it needs libextra.so, which an app does not have" in failed["artifacts"]
    )
    assert "libg2p_flutter.so needs libextra.so, which neither a plugin" in failed["app"]


def test_a_newer_glibc_than_the_pinned_one_is_refused_for_another_machine(make: Make) -> None:
    linux = make("linux-arm64")
    # A libc whose getpid() is from a newer glibc, as on the machine of somebody with a new Linux.
    libc = linux.folder / "libc.so.6"
    script = linux.folder / "version"
    script.write_text("GLIBC_2.34 { getpid; };\n")
    stub = linux.compile("libc", "int getpid(void) { return 1; }")
    run(
        [rust_linker("ld.lld"), "-shared", "-soname", libc.name, f"--version-script={script}",
         "-o", libc, stub],
        echo=False,
    )  # fmt: skip
    source = "int getpid(void); int g2p_x(void) { return getpid(); }"
    whole = linux.archive("libg2p_flutter_system_lib.a", [linux.compile("g", source)])
    model = linux.model("g2p_flutter", "g2p_", whole=(whole,), other=(libc,))
    found = _check(linux, model)
    assert "it needs glibc 2.34, wanted is 2.28" in _failures(found)["artifacts"]
    # The linker itself has nothing against it: any glibc of that version would do.
    assert found["app"].status is Status.OK


def test_a_damaged_image_is_one_clear_failure(phone: Workshop) -> None:
    model = phone.model("g2p_flutter", "g2p_")
    image = phone.image(model).path
    image.write_bytes(image.read_bytes()[:300])
    found = _check(phone, model)
    assert found["artifacts"].status is Status.FAILED
    assert "is truncated or damaged" in found["artifacts"].detail
    assert "tvmplug build" in str(found["artifacts"].mend)
