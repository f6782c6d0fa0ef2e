"""An app over the images of a runtime and two models, linked for real for every target."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmplug.errors import BuildError
from tvmplug.proof.app_link import link_app, link_static_app
from tvmplug.targets import TARGETS

from .plugins import MODEL_API, TRIPLES, Workshop

pytestmark = pytest.mark.slow

CALLS = ["g2p_model_open", "g2p_model_close", "vad_model_open"]
PLUGINS = {"g2p_flutter": "g2p_", "vad_flutter": "vad_"}


@pytest.fixture(params=["android-arm64", "ios"])
def phone(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    """One target of each object format."""
    return Workshop(TARGETS[request.param], tmp_path)


def _work(workshop: Workshop) -> Path:
    folder = workshop.folder / "app"
    folder.mkdir(exist_ok=True)
    return folder


def _images(workshop: Workshop, *models: str) -> list[Path]:
    projects = [workshop.runtime(), *(workshop.model(name, PLUGINS[name]) for name in models)]
    return [workshop.image(project).path for project in projects]


@pytest.mark.parametrize("target", sorted(TRIPLES))
def test_an_app_links_over_the_runtime_and_two_models(target: str, tmp_path: Path) -> None:
    workshop = Workshop(TARGETS[target], tmp_path)
    images = _images(workshop, *PLUGINS)
    app = link_app(workshop.target, images, CALLS, _work(workshop))
    assert app.path.stat().st_size > 0
    assert app.linker.startswith("LLD")
    # Nothing of the plugins is in the app itself.
    assert [str(found) for found in app.link_map.objects] == [str(_work(workshop) / "app.o")]


@pytest.mark.parametrize("target", sorted(TRIPLES))
def test_an_app_that_holds_everything_itself_links_too(target: str, tmp_path: Path) -> None:
    workshop = Workshop(TARGETS[target], tmp_path)
    archives = _archives(workshop)
    calls = ["g2p_model_open", "vad_model_open"]
    app = link_static_app(workshop.target, archives, calls, _work(workshop))
    found = {str(item) for item in app.link_map.objects}
    assert {
        "libtvm_runtime.a(vm.o)",
        "libg2p_flutter_system_lib.a(lib0.o)",
        "libvad_flutter_system_lib.a(lib0.o)",
        "libvad_flutter_system_lib.a(api.o)",
    } <= found


def _archives(workshop: Workshop, **prefixes: str) -> list[Path]:
    archives = [workshop.archive("libtvm_runtime.a", workshop.runtime_objects())]
    for name, prefix in {**PLUGINS, **prefixes}.items():
        objects = workshop.model_objects(name, prefix)
        api = workshop.compile(f"{name}/api", MODEL_API.format(prefix=prefix))
        archives.append(workshop.archive(f"lib{name}_system_lib.a", [*objects, api]))
    return archives


def test_a_function_that_no_image_has_is_named(phone: Workshop) -> None:
    images = _images(phone, "g2p_flutter")
    with pytest.raises(BuildError, match=r"undefined symbol: _?g2p_forgotten") as refused:
        link_app(phone.target, images, ["g2p_forgotten"], _work(phone))
    assert phone.target.name in str(refused.value)


def test_a_model_without_the_runtime_does_not_make_an_app(tmp_path: Path) -> None:
    phone = Workshop(TARGETS["android-arm64"], tmp_path)
    _, model = _images(phone, "g2p_flutter")
    with pytest.raises(BuildError, match=r"needs libtvm_runtime\.so, which neither a plugin"):
        link_app(phone.target, [model], [], _work(phone))


def test_what_the_system_does_not_have_is_refused(tmp_path: Path) -> None:
    # bionic has getrandom() since API level 28 only, the pins ask for 24.
    phone = Workshop(TARGETS["android-arm64"], tmp_path)
    runtime, _ = _images(phone, "g2p_flutter")
    source = (
        "int getrandom(void *, unsigned long, int); int vad_x(void) { return getrandom(0, 0, 0); }"
    )
    late = phone.archive("libvad_flutter_system_lib.a", [phone.compile("late", source)])
    model = phone.image(phone.model("vad_flutter", "vad_", whole=(late,))).path
    with pytest.raises(BuildError, match=r"undefined reference: getrandom"):
        link_app(phone.target, [runtime, model], [], _work(phone))


def test_two_models_with_one_prefix_collide_when_they_are_linked_together(phone: Workshop) -> None:
    archives = _archives(phone, vad_flutter="g2p_")
    with pytest.raises(BuildError, match=r"duplicate symbol: _?(__tvm_ffi_)?g2p_") as refused:
        link_static_app(phone.target, archives, [], _work(phone))
    assert "a prefix of its own" in str(refused.value.mend)


def test_a_second_runtime_collides_when_it_is_linked_along(phone: Workshop) -> None:
    archives = _archives(phone)
    second = phone.archive("second/libtvm_runtime.a", phone.runtime_objects())
    with pytest.raises(BuildError, match=r"duplicate symbol: _?TVM"):
        link_static_app(phone.target, [*archives, second], [], _work(phone))
