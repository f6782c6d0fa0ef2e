"""The lines of a plugin's files that go wrong beside a second model: a table of patterns. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

PODSPEC = re.compile(r".*\.podspec")
SWIFT_PACKAGE = re.compile(r"(?:.*/)?Package\.swift")
GRADLE = re.compile(r".*\.gradle(?:\.kts)?")
OWN_GRADLE = re.compile(r"android/[^/]+\.gradle(?:\.kts)?")  # not that of the example app
CARGO_CONFIG = re.compile(r"(?:.*/)?\.cargo/config(?:\.toml)?")
BUILD_SCRIPT = re.compile(
    r".*\.(?:podspec|gradle|kts|cmake|sh|bash|zsh|xcconfig|mk|properties)"
    r"|(?:.*/)?(?:CMakeLists\.txt|Package\.swift|build\.rs|Cargo\.toml|Makefile|justfile|Podfile)"
    r"|(?:.*/)?\.cargo/config(?:\.toml)?"
)
LINK_SCRIPT = re.compile(
    r".*\.(?:podspec|xcconfig|cmake)|(?:.*/)?(?:Package\.swift|build\.rs|CMakeLists\.txt|Podfile)"
    r"|(?:.*/)?\.cargo/config(?:\.toml)?"
)
SOURCE = re.compile(r".*\.(?:rs|dart|kt|java|swift|m|mm|c|cc|cpp|h|hpp)")
_COMMENT = re.compile(r"\s*(?:#(?!include|import|\[)|//|/\*|\*)")

# Where another TVM or another build of it comes from, at build time.
VARIABLES = (
    "TVM_FFI_LIB_DIR", "TVM_FFI_LIBRARY_PATH", "TVM_FFI_DIR", "TVM_FFI_STATIC", "TVM_FFI_EXTERNAL",
    "TVM_FFI_LINK_TESTING", "TVM_HOME", "TVM_ROOT", "TVM_LIBRARY_PATH", "TVM_RUNTIME_LIB",
    "TVM_SYSTEM_LIB", "TVM_STATIC_LINK", "TVM_SOURCE_DIR", "TVM_BUILD_DIR", "MLC_LLM_HOME",
    "MLC_LLM_SOURCE_DIR",
)  # fmt: skip
CRATES = ("tvm", "tvm-ffi", "tvm-ffi-sys", "tvm-ffi-macros", "tvm-rt", "tvm-runtime", "tvm-sys",
          "tvm-macros", "tvm-graph-rt")  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """What to look for, where, and why it matters.

    Attributes:
        kind: The short name that findings of this rule have.
        files: Which paths it looks at, as a whole.
        pattern: What a line holds; its first group is what is named.
        what: What was found; `{}` stands for what the pattern named.
        why: What goes wrong with it.
    """

    kind: str
    files: re.Pattern[str]
    pattern: re.Pattern[str]
    what: str
    why: str


RULES = (
    Rule(
        "force-load",
        LINK_SCRIPT,
        re.compile(r"(-force_load|-all_load|(?<![\w-])-ObjC\b|-load_hidden|--whole-archive"
                   r"|\+whole-archive)"),
        "forces every object of an archive in ({})",
        "two plugins that force a runtime into one app define its symbols twice",
    ),
    Rule(
        "home-path",
        BUILD_SCRIPT,
        re.compile(r"(/Users/\w[\w.-]*/|/home/\w[\w.-]*/|(?<![\w/.$*])~/|\$HOME/|\$\{HOME\}/"
                   r"|\$\(HOME\)/|\$ENV\{HOME\}/|[A-Za-z]:\\+Users\\+)"),
        "names a folder of one person's machine ({})",
        "it builds on that machine only, with whatever TVM lies there",
    ),
    Rule(
        "variable",
        BUILD_SCRIPT,
        re.compile(rf"\b({'|'.join(VARIABLES)})\b"),
        "takes TVM from the variable {}",
        "each plugin could be built with another TVM; the family pins one",
    ),
    Rule(
        "link",
        LINK_SCRIPT,
        re.compile(r"(-ltvm\w*|link-lib=[\w:+=-]*\btvm\w*|link-lib=[\w:+=-]*\{?\w*tvm\w*"
                   r"|\blib(?:tvm|mlc_llm)\w*\.(?:a|so|dylib)|tvm_runtime\.(?:xc)?framework)"),
        "links TVM itself ({})",
        "the app then holds one more runtime for this plugin",
    ),
    Rule(
        "pick-first",
        GRADLE,
        re.compile(r"(pickFirsts?\b.*(?:tvm|mlc|\*\.so)\S*)"),
        "lets Gradle take any one of several runtimes ({})",
        "the models of the others then run on a runtime that is not theirs",
    ),
    Rule(
        "gradle",
        OWN_GRADLE,
        re.compile(r"(packagingOptions\b|jniLibs\.srcDirs?\b.*)"),
        "packs libraries by hand ({})",
        "what it packs is a runtime of this plugin's own, or hides that there are two",
    ),
    Rule(
        "gradle",
        OWN_GRADLE,
        re.compile(r"(kotlin-android|org\.jetbrains\.kotlin\.android)"),
        "applies {}, which Android's Gradle plugin 9 refuses",
        "the plugin stops building with the next Flutter",
    ),
)  # fmt: skip

# What the author's own code does with TVM: nothing is changed there.
SOURCE_RULES = (
    Rule(
        "loads-runtime",
        SOURCE,
        re.compile(r"((?:DynamicLibrary\.open|loadLibrary|dlopen|Library::new|\bopen)\s*\(\s*"
                   r"[^)]*(?:tvm|mlc)\w*[^)]*\))"),
        "opens the runtime itself: {}",
        "the one runtime is loaded by tvm_runtime_flutter; this opens another",
    ),
    Rule(
        "names-runtime",
        SOURCE,
        re.compile(r"(\blib(?:tvm|mlc_llm)\w*(?:\.\w+)?)"),
        "names {}",
        "that file is gone, and the one runtime needs no path",
    ),
    Rule(
        "tvm-api",
        SOURCE,
        re.compile(r"((?:\buse\s+|\bextern crate\s+)tvm(?:_\w+)?\b|\btvm(?:_ffi|_rt|_sys)?::\w+"
                   r"|\bimport org\.apache\.tvm[\w.]*|\bimport ai\.mlc[\w.]*"
                   r"|#\s*include\s*[<\"]tvm/[\w/.]+)"),
        "uses TVM's own interface ({})",
        "models are reached through the crate tvm_runtime_flutter now",
    ),
)  # fmt: skip


def is_comment(line: str) -> bool:
    """Tell whether a line is a comment in one of the languages that these files have."""
    return _COMMENT.match(line) is not None
