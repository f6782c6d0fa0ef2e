"""The page of the files that tvmplug reads and writes, from their schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.reference.markdown import code, joined, table, top
from tvmplug.schemas import SCHEMAS

_INTRODUCTION = """
Four files have a [JSON Schema](https://json-schema.org/), made from the code that reads them. An
editor with a YAML language server checks a file while you type when its first line names one:

```yaml
# yaml-language-server: $schema=tvm_plugins.schema.json
```
"""
_WHERE = {
    "tvm_plugin.yaml": "in every plugin; its template writes it",
    "system_lib.json": "beside a compiled archive, and inside the plugin's library; the compiler "
    "writes it",
    "tvm_plugins.yaml": "in the runtime plugin; `tvmplug registry` and people edit it",
    "fleet.yaml": "where a team keeps it; `tvmplug fleet init` writes the first one: "
    "[a fleet of plugins](../fleet.md)",
}


def page() -> str:
    """The page's text."""
    parts = [top("Files", "the schemas in `src/tvmplug/schemas/`"), _INTRODUCTION]
    for name, make in SCHEMAS.items():
        schema = make()
        title = schema["title"]
        parts += [
            f"\n## {title}\n",
            f"{schema['description']} It lies {_WHERE[title]}. Schema: [{name}](schemas/{name}).\n",
            table(("key", "type", "meaning"), _rows(schema, schema)),
        ]
        for definition, each in schema.get("$defs", {}).items():
            parts += [
                f"\n### {definition}\n",
                table(("key", "type", "meaning"), _rows(each, schema)),
            ]
    return joined(parts)


def _rows(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    required = set(schema.get("required", ()))
    for name, each in schema.get("properties", {}).items():
        optional = "" if name in required else " (optional)"
        yield code(name), _type(each), each.get("description", "") + optional
    if "then" in schema:
        yield from _rows(schema["then"], whole)


def _type(schema: Mapping[str, Any]) -> str:
    """A type in a word or two."""
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(str(each)) for each in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    kind = schema.get("type", "anything")
    words = [kind] if isinstance(kind, str) else list(kind)
    return " or ".join(_word(word, schema) for word in words)


def _word(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "array" and "prefixItems" in schema:
        return f"list of {len(schema['prefixItems'])} numbers"
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return {"null": "nothing", "object": "mapping"}.get(kind, kind)
