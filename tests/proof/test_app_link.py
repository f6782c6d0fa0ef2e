"""An app over the images of a runtime and two models, linked for real for every target."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmplug.errors import BuildError
from tvmplug.proof.app_link import link_app, link_static_app
from tvmplug.targets import TARGETS

from .plugins import TRIPLES, Workshop

CALLS = ["g2p_model_open", "g2p_model_close", "vad_model_open"]
PLUGINS = {"g2p_flutter": "g2p_", "vad_flutter": "vad_"}


@pytest.fixture(params=sorted(TRIPLES))
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    return Workshop(TARGETS[request.param], tmp_path)


@pytest.fixture(params=["android-arm64", "ios"])
def phone(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    """One target of each object format."""
    return Workshop(TARGETS[request.param], tmp_path)


def _work(workshop: Workshop) -> Path:
    folder = workshop.folder / "app"
    folder.mkdir(exist_ok=True)
    return folder


def test_an_app_links_over_the_runtime_and_two_models(workshop: Workshop) -> None:
    runtime = workshop.runtime()
    models = [workshop.model(name, prefix, runtime) for name, prefix in PLUGINS.items()]
    images = [runtime.path, *(model.path for model in models)]
    app = link_app(workshop.target, images, CALLS, _work(workshop))
    assert app.path.stat().st_size > 0
    assert app.linker.startswith("LLD")
    # Nothing of the plugins is in the app itself.
    assert [str(found) for found in app.link_map.objects] == [str(_work(workshop) / "app.o")]


def test_an_app_that_holds_everything_itself_links_too(workshop: Workshop) -> None:
    archives = [workshop.archive("libtvm_runtime.a", workshop.runtime_objects())]
    for name, prefix in PLUGINS.items():
        objects = workshop.model_objects(name, prefix)
        api = workshop.compile(f"{name}/api", f"int {prefix}model_open(void) {{ return 1; }}")
        archives.append(workshop.archive(f"lib{name}_system_lib.a", [*objects, api]))
    calls = ["g2p_model_open", "vad_model_open"]
    app = link_static_app(workshop.target, archives, calls, _work(workshop))
    found = {str(item) for item in app.link_map.objects}
    assert {
        "libtvm_runtime.a(vm.o)",
        "libg2p_flutter_system_lib.a(lib0.o)",
        "libvad_flutter_system_lib.a(lib0.o)",
    } <= found
