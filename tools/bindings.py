"""Makes Dart's side of `tvm_plugin.h`: `python -m tools.bindings` after the header changed.

The header is the one place where the C interface is typed: this reads it with a C parser and
writes template-runtime/lib/src/bindings.dart. tests/dart/test_bindings.py compares both.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pycparser import c_ast, c_parser

from tools import toolchain as toolchains
from tools.toolchain import ROOT, Toolchain
from tvmplug import files
from tvmplug.process import run

HEADER = ROOT / "template-runtime" / "include" / "tvm_plugin.h"
BINDINGS = ROOT / "template-runtime" / "lib" / "src" / "bindings.dart"

# The names of C's types are what counts, not what a machine makes of them.
_STANDARD = {
    "stddef.h": "typedef unsigned long size_t;",
    "stdint.h": "\n".join(
        f"typedef long {name};"
        for name in ("int32_t", "int64_t", "uint8_t", "uint32_t", "uintptr_t")
    ),
}
# C's type, Dart's native type, Dart's type.
_NUMBERS = {
    "int32_t": ("Int32", "int"),
    "int64_t": ("Int64", "int"),
    "uint8_t": ("Uint8", "int"),
    "uint32_t": ("Uint32", "int"),
    "uintptr_t": ("UintPtr", "int"),
    "size_t": ("Size", "int"),
    "double": ("Double", "double"),
    "char": ("Char", "int"),
    "void": ("Void", "void"),
}
_TOP = """\
// Owned by the template: `copier update` may rewrite it, do not edit.
// Made from include/tvm_plugin.h by `python -m tools.bindings` of tvmplug.

/// The C interface of a model plugin, as `include/tvm_plugin.h` declares it.
library;

import 'dart:ffi';
"""


def main() -> int:
    """Write the bindings."""
    files.write_text(BINDINGS, make(toolchains.find_or_install()))
    return 0


def make(toolchain: Toolchain) -> str:
    """The text of bindings.dart, formatted.

    Args:
        toolchain: Its formatter.
    """
    header = _Header.read(HEADER)
    text = "\n".join(
        [_TOP, *_constants(header), *_enums(header), *_structs(header), *_functions(header)]
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bindings.dart"
        file.write_text(text)
        command = ["format", "--language-version=3.8", "--page-width=100", file]
        run([toolchain.dart, *map(str, command)], env=toolchains.environment(), echo=False)
        return file.read_text()


@dataclass(frozen=True)
class _Header:
    """What a parser makes of the header, and its text for the comments."""

    text: str
    tree: c_ast.FileAST

    @classmethod
    def read(cls, path: Path) -> _Header:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in _STANDARD.items():
                (Path(folder) / name).write_text(content)
            # Without a prefix, the macro declares the functions by their bare names.
            source = f'#include "{path.name}"\nTVM_PLUGIN_DECLARE()\n'
            command = ["cc", "-E", "-P", "-nostdinc", f"-I{folder}", f"-I{path.parent}", "-"]
            expanded = subprocess.run(
                command, input=source, text=True, capture_output=True, check=True
            ).stdout
        return cls(path.read_text(), c_parser.CParser().parse(expanded))

    def declared(self, kind: type[c_ast.Node]) -> Iterator[tuple[str, c_ast.Node]]:
        """Typedefs of structs or enums, by name."""
        for node in self.tree.ext:
            if isinstance(node, c_ast.Typedef) and isinstance(node.type.type, kind):
                yield node.name, node.type.type

    def above(self, name: str) -> str:
        """The comment above a type's declaration."""
        pattern = rf"/\* ((?:(?!\*/).)*?) \*/\n(?:typedef )?(?:struct|enum) {name}\b"
        return _joined(re.search(pattern, self.text, re.DOTALL))

    def beside(self, code: str, *, inside: str = "") -> str:
        """The comment behind a line of code, in the declaration of `inside`."""
        body = re.search(rf"typedef \w+ {inside} {{(.*?)}} {inside};", self.text, re.DOTALL)
        return _joined(
            re.search(rf"{code}[;,]? +/\* (.*?) \*/", body[1] if body else "", re.DOTALL)
        )

    def functions(self) -> Iterator[tuple[str, c_ast.FuncDecl]]:
        for node in self.tree.ext:
            if isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.FuncDecl):
                yield node.name, node.type

    def about(self, function: str) -> str:
        """What the header's list says about a function."""
        pattern = r"^ \* ((?:\w+, )*\w+): +(.*?)(?=^ \*$|^ \* (?:\w+, )*\w+:|^ \*/)"
        for found in re.finditer(pattern, self.text, re.DOTALL | re.MULTILINE):
            if function in found[1].split(", "):
                return re.sub(r"\s*\n \*\s*", " ", found[2]).strip()
        raise ValueError(f"{HEADER.name} does not say what {function} does")


def _joined(found: re.Match[str] | None) -> str:
    return re.sub(r"\s*\n[ *]*", " ", found[1]).strip() if found else ""


def _constants(header: _Header) -> Iterator[str]:
    for name, value in re.findall(r"^#define (\w+) (\d+)u?$", header.text, re.MULTILINE):
        yield f"/// `{name}`.\nconst int {_lower(name)} = {value};\n"


def _enums(header: _Header) -> Iterator[str]:
    for enum, node in header.declared(c_ast.Enum):
        about = header.above(enum)
        for item in node.values.enumerators:
            beside = header.beside(rf"{item.name} = \d+", inside=enum)
            doc = f"`{item.name}` of `{enum}`" + (f": {beside}." if beside else ".")
            yield f"{_doc(doc)}\nconst int {_lower(item.name)} = {item.value.value};\n"
        if not about:
            raise ValueError(f"{HEADER.name} does not say what {enum} is")


def _structs(header: _Header) -> Iterator[str]:
    complete = {name: node for name, node in header.declared(c_ast.Struct) if node.decls}
    for name, _ in header.declared(c_ast.Struct):
        if name not in complete:
            yield f"/// `{name}`, known to its plugin only.\n"
            yield f"final class {_upper(name)} extends Opaque {{}}\n"
    for name, node in complete.items():
        doc = f"`{name}`. {header.above(name)}"
        yield from _struct(header, name, node, kind="Struct", doc=doc)


def _struct(
    header: _Header, name: str, node: c_ast.Node, *, kind: str, doc: str, outer: str = ""
) -> Iterator[str]:
    lines = [_doc(doc.strip()), f"final class {_upper(name)} extends {kind} {{"]
    nested = []
    for field in node.decls:
        beside = header.beside(rf"\b{field.name}", inside=outer or name)
        union = field.type.type
        if isinstance(union, c_ast.Union):
            inner = f"{name}_{field.name}"
            nested.append((inner, union))
            native, dart = _upper(inner), _upper(inner)
        else:
            native, dart = _types(field.type)
        lines.append(_doc(f"`{field.name}`" + (f": {beside}." if beside else ".")))
        if dart in ("int", "double"):
            lines.append(f"@{native}()")
        lines.append(f"external {dart} {_lower(field.name)};\n")
    yield "\n".join([*lines, "}\n"])
    for inner, union in nested:
        doc = f"The union in `{name}`."
        yield from _struct(header, inner, union, kind="Union", doc=doc, outer=name)


def _functions(header: _Header) -> Iterator[str]:
    functions = list(header.functions())
    names = ", ".join(f"'{name}'" for name, _ in functions)
    yield f"""
/// The functions of the plugin whose symbols start with [prefix].
final class TvmPluginFunctions {{
  /// Finds a function in [library] when it is used for the first time.
  TvmPluginFunctions(this.library, this.prefix);

  /// The plugin's library.
  final DynamicLibrary library;

  /// What its symbols start with.
  final String prefix;

  /// The names of all functions, without the prefix.
  static const List<String> names = [{names},];
"""
    for name, node in functions:
        yield _function(header, name, node)
    yield "}"


def _function(header: _Header, name: str, node: c_ast.FuncDecl) -> str:
    parameters = [_types(parameter.type) for parameter in node.args.params]
    if parameters == [("Void", "void")]:
        parameters = []
    result = _types(node.type)
    native = f"{result[0]} Function({', '.join(pair[0] for pair in parameters)})"
    dart = f"{result[1]} Function({', '.join(pair[1] for pair in parameters)})"
    lines = [
        _doc(f"`{name}`: {header.about(name)}"),
        f"late final {dart} {_lower(name)} = library",
        f"    .lookupFunction<{native}, {dart}>('${{prefix}}{name}');\n",
    ]
    if native == "Void Function(Pointer<Void>)":
        lines += [
            f"/// The address of [{_lower(name)}], which is a finalizer.",
            f"late final Pointer<NativeFinalizerFunction> {_lower(name)}Address = library",
            f"    .lookup('${{prefix}}{name}');\n",
        ]
    return "\n".join(lines)


def _types(node: c_ast.Node) -> tuple[str, str]:
    """A C type as Dart's native type, and as the type of Dart's values."""
    match node:
        case c_ast.PtrDecl():
            pointer = f"Pointer<{_types(node.type)[0]}>"
            return pointer, pointer
        case c_ast.TypeDecl() | c_ast.Typename():
            return _types(node.type)
        case c_ast.IdentifierType(names=[name]) if name in _NUMBERS:
            return _NUMBERS[name]
        case c_ast.IdentifierType(names=[name]):
            return _upper(name), _upper(name)
        case c_ast.Struct(name=name):
            return _upper(name), _upper(name)
    raise ValueError(f"a type that Dart's bindings have not met: {node}")


def _doc(text: str) -> str:
    """A doc comment, wrapped: the formatter leaves comments alone. Angle brackets are no HTML."""
    lines, line = [], "///"
    for word in re.sub(r"(\w+<\w+>)", r"`\1`", text).split():
        if len(line) + len(word) > 96:
            lines.append(line)
            line = "///"
        line += f" {word}"
    return "\n".join([*lines, line])


def _upper(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _lower(name: str) -> str:
    upper = _upper(name.lower())
    return upper[0].lower() + upper[1:]


if __name__ == "__main__":
    sys.exit(main())
