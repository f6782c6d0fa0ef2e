"""XCFrameworks as they lie in a plugin: a slice that holds something else than it says is found."""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tvmplug.errors import ArtifactError
from tvmplug.proof.frameworks import audit_xcframework, slice_for, staged_frameworks
from tvmplug.targets import TARGETS

from .plugins import Workshop

pytestmark = pytest.mark.slow

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes an XCFramework for iOS and its simulator, each slice from the target that is named."""

    def xcframework(ios: str = "ios", simulator: str = "ios-simulator-arm64") -> Path:
        folder = (
            tmp_path / "g2p_flutter/darwin/g2p_flutter/Frameworks/g2p_flutter_model.xcframework"
        )
        rows = []
        for identifier, target in {"ios-arm64": ios, "ios-arm64-simulator": simulator}.items():
            work = tmp_path / identifier
            work.mkdir(exist_ok=True)
            workshop = Workshop(TARGETS[target], work)
            workshop.runtime()
            image = workshop.image(workshop.model("g2p_flutter", "g2p_"))
            place = folder / identifier / "g2p_flutter_model.framework" / "g2p_flutter_model"
            place.parent.mkdir(parents=True)
            place.write_bytes(image.path.read_bytes())
            row = {
                "LibraryIdentifier": identifier,
                "LibraryPath": place.parent.name,
                "BinaryPath": f"{place.parent.name}/{place.name}",
                "SupportedArchitectures": ["arm64"],
                "SupportedPlatform": "ios",
            }
            if identifier.endswith("simulator"):
                row["SupportedPlatformVariant"] = "simulator"
            rows.append(row)
        index = {"AvailableLibraries": rows, "CFBundlePackageType": "XFWK"}
        (folder / "Info.plist").write_bytes(plistlib.dumps(index))
        return folder

    return xcframework


def test_slices_that_are_what_they_say_pass(make: Make, tmp_path: Path) -> None:
    assert audit_xcframework(make()) == []
    assert staged_frameworks(tmp_path / "g2p_flutter") == []


def test_a_simulators_library_in_a_device_slice_is_found(make: Make, tmp_path: Path) -> None:
    make(ios="ios-simulator-arm64")
    assert staged_frameworks(tmp_path / "g2p_flutter") == [
        "g2p_flutter_model.xcframework: the slice ios-arm64 is for ios, its arm64 is ios-simulator"
    ]


def test_a_devices_library_in_the_simulators_slice_is_found(make: Make) -> None:
    (problem,) = audit_xcframework(make(simulator="ios"))
    assert "the slice ios-arm64-simulator is for ios-simulator, its arm64 is ios" in problem


def test_a_slice_for_another_processor_is_found(make: Make) -> None:
    (problem,) = audit_xcframework(make(simulator="ios-simulator-x64"))
    assert "the slice ios-arm64-simulator holds x86_64" in problem


def test_a_slice_without_its_library_is_found(make: Make) -> None:
    folder = make()
    (folder / "ios-arm64/g2p_flutter_model.framework/g2p_flutter_model").unlink()
    (problem,) = audit_xcframework(folder)
    assert problem.endswith("the slice ios-arm64 has no g2p_flutter_model")


def test_a_damaged_index_is_one_clear_error(make: Make) -> None:
    folder = make()
    (folder / "Info.plist").write_text("<plist>")
    with pytest.raises(ArtifactError, match=r"Info\.plist is damaged") as refused:
        audit_xcframework(folder)
    assert "tvmplug build --target ios" in str(refused.value)


def test_a_plugin_with_nothing_staged_has_nothing_wrong(tmp_path: Path) -> None:
    assert staged_frameworks(tmp_path) == []


def test_the_slice_of_a_target_is_found_in_what_is_staged(make: Make, tmp_path: Path) -> None:
    folder = make()
    root = tmp_path / "g2p_flutter"
    inside = "g2p_flutter_model.framework/g2p_flutter_model"
    assert slice_for(root, TARGETS["ios"]) == folder / "ios-arm64" / inside
    simulator = slice_for(root, TARGETS["ios-simulator-arm64"])
    assert simulator == folder / "ios-arm64-simulator" / inside
    assert slice_for(root, TARGETS["ios-simulator-x64"]) is None
    assert slice_for(root, TARGETS["macos-arm64"]) is None
