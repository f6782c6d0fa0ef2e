"""The table of diagrams."""

from __future__ import annotations

from collections.abc import Mapping

from tools.diagrams.drawing import Arrow, Box, Kind, Picture

_PUB = "pub resolves one version of it"

ONE_RUNTIME = Picture(
    760,
    330,
    "One app, two model plugins, one runtime plugin",
    (
        Box(20, 14, 720, 302, "Your app", kind=Kind.FRAME),
        Box(
            50,
            56,
            310,
            104,
            "`g2p_flutter",
            ("its Dart and Rust API", "its compiled model, g2p_...", "nothing of TVM"),
            Kind.MODEL,
        ),
        Box(
            400,
            56,
            310,
            104,
            "`vad_flutter",
            ("its Dart and Rust API", "its compiled model, vad_...", "nothing of TVM"),
            Kind.MODEL,
        ),
        Arrow(205, 160, 300, 216, ""),
        Arrow(555, 160, 460, 216, ""),
        Box(
            190,
            218,
            380,
            82,
            "`tvm_runtime_flutter",
            ("TVM's runtime, the one of this process", _PUB),
            Kind.TVM,
        ),
    ),
)

LINUX = Picture(
    760,
    400,
    "Linux: what is linked when, and what lies in an app's lib folder",
    (
        Box(20, 14, 350, 372, "tvmplug build", kind=Kind.FRAME),
        Box(
            40,
            52,
            310,
            84,
            "Compiled model, linked whole",
            ("`libg2p_flutter_system_lib.a", "constructors that register g2p_..."),
            Kind.MODEL,
        ),
        Box(40, 158, 310, 62, "Rust crate", ("api.rs and the generated glue",)),
        Arrow(195, 220, 195, 262, "cargo links both"),
        Box(
            40,
            264,
            310,
            102,
            "`libg2p_flutter.so",
            ("shows the plugin's own C functions", "hides everything else", "needs libtvm_*.so"),
            Kind.MODEL,
        ),
        Box(410, 14, 330, 372, "app/bundle/lib/", kind=Kind.FRAME),
        Box(430, 52, 290, 46, "`libapp.so", (), Kind.PLAIN),
        Box(430, 116, 290, 46, "`libg2p_flutter.so", (), Kind.MODEL),
        Box(430, 174, 290, 46, "`libvad_flutter.so", (), Kind.MODEL),
        Arrow(575, 220, 575, 262, "$ORIGIN"),
        Box(
            430,
            264,
            290,
            102,
            "`libtvm_runtime.so",
            ("`libtvm_ffi.so (on x86-64)", "from tvm_runtime_flutter alone"),
            Kind.TVM,
        ),
        Arrow(350, 300, 426, 150, ""),
    ),
)

ANDROID = Picture(
    760,
    330,
    "Android: one folder for each processor, one runtime in it",
    (
        Box(20, 14, 340, 302, "Plugins", kind=Kind.FRAME),
        Box(40, 52, 300, 66, "`g2p_flutter", ("`src/main/jniLibs/arm64-v8a/",), Kind.MODEL),
        Box(40, 134, 300, 66, "`vad_flutter", ("`src/main/jniLibs/arm64-v8a/",), Kind.MODEL),
        Box(40, 228, 300, 66, "`tvm_runtime_flutter", ("`src/main/jniLibs/arm64-v8a/",), Kind.TVM),
        Box(430, 14, 310, 302, "APK: lib/arm64-v8a/", kind=Kind.FRAME),
        Box(450, 62, 270, 46, "`libg2p_flutter.so", (), Kind.MODEL),
        Box(450, 144, 270, 46, "`libvad_flutter.so", (), Kind.MODEL),
        Arrow(585, 190, 585, 226, "needs, by name"),
        Box(450, 228, 270, 66, "`libtvm_runtime.so", ("tvm-ffi is in it",), Kind.TVM),
        Arrow(340, 85, 446, 85, ""),
        Arrow(340, 167, 446, 167, ""),
        Arrow(340, 261, 446, 261, "Gradle"),
    ),
)

APPLE = Picture(
    760,
    420,
    "iOS and macOS: archives are linked into frameworks once, apps embed them",
    (
        Box(20, 14, 350, 392, "tvmplug build, on a Mac", kind=Kind.FRAME),
        Box(
            40,
            52,
            310,
            84,
            "Archives",
            ("`libg2p_flutter_system_lib.a", "`libg2p_flutter.a  (Rust)"),
        ),
        Arrow(195, 136, 195, 170, "force-loaded once"),
        Box(
            40,
            172,
            310,
            66,
            "`g2p_flutter_model.framework",
            ("shows the plugin's own functions",),
            Kind.MODEL,
        ),
        Box(40, 250, 310, 62, "TVM's archives", ("`libtvm_runtime.a, libtvm_ffi_static.a",)),
        Arrow(195, 312, 195, 342, "force-loaded once"),
        Box(40, 344, 310, 46, "`tvm_runtime.framework", (), Kind.TVM),
        Box(420, 14, 320, 392, "App: Frameworks/", kind=Kind.FRAME),
        Box(440, 92, 280, 46, "`vad_flutter_model.framework", (), Kind.MODEL),
        Box(440, 182, 280, 46, "`g2p_flutter_model.framework", (), Kind.MODEL),
        Arrow(580, 228, 580, 342, "@rpath"),
        Box(440, 344, 280, 46, "`tvm_runtime.framework", (), Kind.TVM),
        Arrow(350, 205, 436, 205, ""),
        Arrow(350, 367, 436, 367, ""),
    ),
)

PREFIXES = Picture(
    760,
    240,
    "Two prefixes, of which one begins the other, name the same symbol",
    (
        Box(
            20,
            20,
            330,
            84,
            "prefix  g2p_",
            ("component  encoder_main", "`g2p_ + encoder_main"),
            Kind.MODEL,
        ),
        Box(
            410,
            20,
            330,
            84,
            "prefix  g2p_encoder_",
            ("function  main", "`g2p_encoder_ + main"),
            Kind.MODEL,
        ),
        Arrow(185, 104, 300, 150, ""),
        Arrow(575, 104, 460, 150, ""),
        Box(
            140,
            152,
            480,
            70,
            "`g2p_encoder_main",
            ("one name in TVM's table: the later library wins, silently",),
            Kind.WRONG,
        ),
    ),
)

# File name without its scheme and ending.
PICTURES: Mapping[str, Picture] = {
    "linking-one-runtime": ONE_RUNTIME,
    "linking-linux": LINUX,
    "linking-android": ANDROID,
    "linking-apple": APPLE,
    "prefixes": PREFIXES,
}
