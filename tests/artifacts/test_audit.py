from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tvmplug import files
from tvmplug.artifacts.ar import Dialect, Member, write_archive
from tvmplug.artifacts.audit import audit, audit_folder
from tvmplug.artifacts.symbols import read_object
from tvmplug.errors import ArtifactError
from tvmplug.metadata import METADATA_NAME, ComponentSpec, Metadata
from tvmplug.targets import TARGETS, Target

Spec = tuple[str, bool, bool]
Build = Callable[..., bytes]

LINUX = TARGETS["linux-x64"]
CODE: list[Spec] = [
    ("__tvm_ffi_g2p_encoder_matmul", True, False),
    ("g2p_encoder___tvm_ffi__library_ctx", True, True),
    ("__truncsfhf2", True, True),
    ("expf", False, False),
    ("TVMBackendParallelLaunch", False, False),
]
LIBRARY: list[Spec] = [
    ("g2p_encoder___tvm_ffi__library_bin", True, False),
    ("TVMFFIEnvModRegisterSystemLibSymbol", False, False),
]


def packed(*objects: bytes, dialect: Dialect = Dialect.GNU) -> bytes:
    return write_archive(
        [
            Member(f"{index}.o", content, tuple(s.raw for s in read_object(content, "").defined))
            for index, content in enumerate(objects)
        ],
        dialect,
    )


def metadata_of(archive: bytes, target: Target = LINUX, prefix: str = "g2p_") -> Metadata:
    return Metadata(
        plugin="g2p_flutter",
        prefix=prefix,
        archive="libg2p_flutter_system_lib.a",
        archive_sha256=files.sha256_bytes(archive),
        target=target.name,
        tvm_target=dict(target.tvm_target),
        tvm="0.27.0.post1",
        tvm_ffi="0.1.15.post2",
        source_sha256="0" * 64,
        components=(ComponentSpec("encoder", f"{prefix}encoder_", "main", (), (), {}, 1e-4, 1e-5),),
    )


def check(
    archive: bytes,
    metadata: Metadata | None = None,
    target: Target = LINUX,
    registered: Mapping[str, str] | None = None,
) -> None:
    audit(archive, metadata or metadata_of(archive, target), target, registered, origin="x.a")


def test_a_compiled_plugin_passes_in_each_format(elf: Build, macho: Build, coff: Build) -> None:
    check(packed(elf(CODE), elf(LIBRARY)))
    ios = packed(macho(CODE), macho(LIBRARY), dialect=Dialect.BSD)
    check(ios, target=TARGETS["ios"])
    constant = ("__real@3f800000", True, True)
    default = (".weak.__truncsfhf2.default.__tvm_ffi_g2p_encoder_matmul", True, False)
    code = [*CODE, constant, default, ("_fltused", False, False)]
    check(packed(coff(code), coff(LIBRARY)), target=TARGETS["windows-x64"])


@pytest.mark.parametrize(
    "symbol",
    [
        ("encoder_main", True, False),
        ("__tvm_ffi_main", True, False),
        ("__tvm_ffi__library_bin", True, False),
        ("kokoro_encoder___tvm_ffi__library_bin", True, False),
        ("__tvm_ffi_g2p_decoder_main", True, False),  # of no component
        ("__truncsfhf2", True, False),  # strong: two plugins would collide
        ("main", True, True),
        (".weak.main.default.__tvm_ffi_g2p_encoder_matmul", True, False),
    ],
)
def test_a_global_symbol_without_the_plugins_prefix_is_refused(elf: Build, symbol: Spec) -> None:
    archive = packed(elf([symbol]), elf(LIBRARY))
    with pytest.raises(
        ArtifactError, match=r"x\.a\(0\.o\) defines the global symbol .* prefix g2p_"
    ):
        check(archive)


def test_a_component_that_is_not_in_the_archive_is_reported(elf: Build) -> None:
    with pytest.raises(ArtifactError, match="lacks the component 'encoder'"):
        check(packed(elf(CODE)))


def test_a_symbol_that_the_runtime_does_not_offer_is_reported(elf: Build) -> None:
    code = [*CODE, ("cblas_sgemm", False, False)]
    with pytest.raises(ArtifactError, match="needs cblas_sgemm"):
        check(packed(elf(code), elf(LIBRARY)))


def test_a_symbol_that_two_components_define_is_reported(elf: Build) -> None:
    with pytest.raises(ArtifactError, match="defines __tvm_ffi_g2p_encoder_matmul again"):
        check(packed(elf(CODE), elf(CODE), elf(LIBRARY)))


def test_another_processors_archive_is_refused(elf: Build) -> None:
    archive = packed(elf(CODE, machine=183), elf(LIBRARY, machine=183))
    with pytest.raises(ArtifactError, match="is ELF arm64, linux-x64 needs ELF x86_64"):
        check(archive)


def test_another_formats_objects_are_refused(coff: Build) -> None:
    with pytest.raises(ArtifactError, match="is COFF x86_64, linux-x64 needs ELF x86_64"):
        check(packed(coff(CODE), coff(LIBRARY)))


def test_a_device_archive_is_refused_for_the_simulator(macho: Build) -> None:
    archive = packed(macho(CODE), macho(LIBRARY), dialect=Dialect.BSD)
    with pytest.raises(ArtifactError, match="is for ios, ios-simulator-arm64 needs ios-simulator"):
        check(archive, target=TARGETS["ios-simulator-arm64"])


def test_an_archive_for_a_newer_os_is_refused(macho: Build) -> None:
    newer = 26 << 16
    archive = packed(macho(CODE, version=newer), macho(LIBRARY), dialect=Dialect.BSD)
    with pytest.raises(ArtifactError, match=r"needs ios 26\.0, wanted is"):
        check(archive, target=TARGETS["ios"])


def test_the_wrong_dialect_is_refused(macho: Build) -> None:
    archive = packed(macho(CODE), macho(LIBRARY))
    with pytest.raises(ArtifactError, match="is a GNU archive, ios needs BSD"):
        check(archive, target=TARGETS["ios"])


def test_an_archive_with_another_hash_than_its_metadata_is_refused(elf: Build) -> None:
    archive = packed(elf(CODE), elf(LIBRARY))
    metadata = dataclasses.replace(metadata_of(archive), archive_sha256="1" * 64)
    with pytest.raises(ArtifactError, match="another hash"):
        check(archive, metadata)


def test_metadata_for_another_target_is_refused(elf: Build) -> None:
    archive = packed(elf(CODE), elf(LIBRARY))
    with pytest.raises(ArtifactError, match="was compiled for linux-x64, wanted is linux-arm64"):
        audit(archive, metadata_of(archive), TARGETS["linux-arm64"], origin="x.a")


def test_a_truncated_archive_is_refused_before_its_hash_is_compared(elf: Build) -> None:
    archive = packed(elf(CODE), elf(LIBRARY))
    with pytest.raises(ArtifactError, match="truncated"):
        check(archive[:-40], metadata_of(archive))


def test_an_index_that_lies_is_refused(elf: Build) -> None:
    archive = write_archive(
        [Member("0.o", elf(CODE), ("__tvm_ffi_g2p_encoder_matmul",)), Member("1.o", elf(LIBRARY))],
        Dialect.GNU,
    )
    with pytest.raises(ArtifactError, match=r"index is wrong for 0\.o"):
        check(archive)


@pytest.mark.parametrize(
    ("registered", "reason"),
    [
        ({"other_flutter": "g2p_"}, "the prefix g2p_ of g2p_flutter collides with g2p_ of other"),
        ({"other_flutter": "g2p_encoder_"}, "collides with g2p_encoder_ of other_flutter"),
        ({"g2p_flutter": "phonemes_"}, "the registry gives it phonemes_"),
    ],
)
def test_a_prefix_that_the_registry_gives_to_another_is_refused(
    elf: Build, registered: Mapping[str, str], reason: str
) -> None:
    archive = packed(elf(CODE), elf(LIBRARY))
    with pytest.raises(ArtifactError, match=reason):
        check(archive, registered=registered)


def test_its_own_place_in_the_registry_is_accepted(elf: Build) -> None:
    archive = packed(elf(CODE), elf(LIBRARY))
    check(archive, registered={"g2p_flutter": "g2p_", "kokoro_flutter": "kokoro_"})


def test_a_folder_is_audited_from_its_metadata(elf: Build, tmp_path: Path) -> None:
    archive = packed(elf(CODE), elf(LIBRARY))
    metadata = metadata_of(archive)
    (tmp_path / METADATA_NAME).write_text(metadata.to_json())
    with pytest.raises(ArtifactError, match="is missing"):
        audit_folder(tmp_path, LINUX)

    (tmp_path / metadata.archive).write_bytes(archive)
    assert audit_folder(tmp_path, LINUX) == metadata


def test_metadata_cannot_point_outside_its_folder(elf: Build, tmp_path: Path) -> None:
    archive = packed(elf(CODE), elf(LIBRARY))
    (tmp_path / "a").mkdir()
    (tmp_path / "x.a").write_bytes(archive)
    metadata = dataclasses.replace(metadata_of(archive), archive="../x.a")
    (tmp_path / "a" / METADATA_NAME).write_text(metadata.to_json())
    with pytest.raises(ArtifactError, match="is missing"):
        audit_folder(tmp_path / "a", LINUX)
