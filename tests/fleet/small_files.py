"""The files of the small template, by their path in it: what `small.small_template` commits."""

from __future__ import annotations

COPIER = """\
_min_copier_version: "9.19.0"
_subdirectory: "template-{{ kind }}"
_answers_file: .copier-answers.yml
_preserve_symlinks: true
_exclude: ["~*", "*.py[co]", .git, "{{ '' if 'linux' in platforms else '/linux' }}"]
_skip_if_exists:
  - "{{ '/tvm_plugins.yaml' if kind == 'runtime' else '' }}"
  - "{{ '/pubspec.yaml' if kind == 'model' else '' }}"
  - "{{ '/rust/Cargo.toml' if kind == 'model' else '' }}"
  - "{{ '/rust/src/api.rs' if kind == 'model' else '' }}"
  - "{{ '/lib/' ~ plugin_name ~ '.dart' if kind == 'model' else '' }}"
_migrations:
  - command: 'test -n "$TVMPLUG_SKIP_HOOKS" || echo {{ plugin_name }} > .migrated'
    when: "{{ _stage == 'after' }}"
---
!include src/tvmplug/pins.yml
---
kind:
  type: str
  choices: [runtime, model]
  default: model

plugin_name:
  type: str
  default: "{{ 'tvm_runtime_flutter' if kind == 'runtime' else UNSET }}"
  validator: "{% if not plugin_name | regex_search('^[a-z][a-z0-9_]*$') %}no name{% endif %}"
  when: "{{ kind == 'model' }}"

description:
  type: str
  default: "{{ 'The runtime.' if kind == 'runtime' else 'A model.' }}"

organisation:
  type: str
  default: com.example

platforms:
  type: str
  multiselect: true
  choices: {Linux: linux, Android: android}
  default: [linux]

components:
  type: yaml
  default: [model]
  multiline: false
  when: "{{ kind == 'model' }}"

runtime_path:
  type: str
  default: ../tvm_runtime_flutter
  when: "{{ kind == 'model' }}"

prefix:
  type: str
  default: "{{ plugin_name | regex_replace('_flutter$', '') ~ '_' }}"
  when: "{{ kind == 'model' }}"

class_name:
  type: str
  default: "{{ plugin_name | regex_replace('_flutter$', '') | title | replace('_', '') }}Model"
  when: false
"""

PINS = """\
tvm_version:
  type: str
  default: 0.27.0.post1
  when: false

tvm_ffi_version:
  type: str
  default: 0.1.15.post2
  when: false

runtime_version:
  type: str
  default: 0.27.0
  when: false

dart_version:
  type: str
  default: 3.12.0
  when: false
"""

_OWNED = "Owned by the template: `copier update` may rewrite it, do not edit."
_YOURS = "Owned by you: written once, an update never touches it."
_LINES = "\n".join(f"    // line {number}: nothing to see here" for number in range(40))

_ANSWERS = f"""\
# {_OWNED}
{{{{ _copier_answers | to_nice_yaml -}}}}
generated_kind: {{{{ kind }}}}
"""
_IGNORE = "/build/\n/generated/\n*.tmp\n"

MODEL = {
    "{{ _copier_conf.answers_file }}.jinja": _ANSWERS,
    ".gitignore.jinja": _IGNORE,
    "tvm_plugin.yaml.jinja": f"""\
# {_OWNED}
kind: model
name: {{{{ plugin_name }}}}
organisation: {{{{ organisation }}}}
prefix: {{{{ prefix }}}}
components: [{{{{ components | join(", ") }}}}]
source: relax
runtime: {{from: path, path: {{{{ runtime_path }}}}}}
platforms: [{{{{ platforms | join(", ") }}}}]
tvm: {{{{ tvm_version }}}}
tvm_ffi: {{{{ tvm_ffi_version }}}}
""",
    "pubspec.yaml.jinja": f"""\
# {_YOURS}
name: {{{{ plugin_name }}}}
description: {{{{ description | to_json }}}}
version: 0.1.0
publish_to: none

environment:
  sdk: ^{{{{ dart_version }}}}

dependencies:
  flutter:
    sdk: flutter
  tvm_runtime_flutter:
    path: {{{{ runtime_path }}}}
""",
    "rust/Cargo.toml.jinja": f"""\
# {_YOURS}
[package]
name = "{{{{ plugin_name }}}}"
version = "0.1.0"
edition = "2024"
description = {{{{ description | to_json }}}}
publish = false

[lib]
crate-type = ["cdylib", "rlib"]

[dependencies]
tvm_runtime_flutter = {{ path = "../{{{{ runtime_path }}}}/rust" }}
""",
    "rust/src/api.rs.jinja": f"// {_YOURS}\n// The model of {{{{ plugin_name }}}}.\n",
    "rust/src/lib.rs.jinja": f"""\
// {_OWNED}
pub const PREFIX: &str = "{{{{ prefix }}}}";

pub fn names() -> Vec<String> {{
{_LINES}
    vec![PREFIX.to_string()]
}}
""",
    "lib/{{ plugin_name }}.dart.jinja": f"// {_YOURS}\nexport 'src/plugin.dart';\n",
    "lib/src/plugin.dart.jinja": f"""\
// {_OWNED}
class {{{{ class_name }}}}Plugin {{
  static const tvm = '{{{{ tvm_version }}}}';
{_LINES}
}}
""",
    "linux/CMakeLists.txt.jinja": f"# {_OWNED}\ncmake_minimum_required(VERSION 3.13)\n"
    "project({{ plugin_name }})\n",
    "components/{% yield each from components %}{{ each }}{% endyield %}.txt.jinja": (
        "{{ prefix }}{{ each }}_\n"
    ),
    "docs/guide.md": "# Guide\n\nOne.\n\nTwo.\n\nThree.\n",
    "docs/old.md": "# Old\n\nNobody reads this.\n",
    "generated/stamp.txt.jinja": "{{ plugin_name }} {{ tvm_version }}\n",
    "windows/run.bat": "@echo off\r\nrem one\r\nrem two\r\nrem three\r\necho done\r\n",
}

RUNTIME = {
    "{{ _copier_conf.answers_file }}.jinja": _ANSWERS,
    ".gitignore.jinja": _IGNORE,
    "tvm_plugin.yaml.jinja": f"""\
# {_OWNED}
kind: runtime
name: {{{{ plugin_name }}}}
organisation: {{{{ organisation }}}}
platforms: [{{{{ platforms | join(", ") }}}}]
runtime_parts: []
tvm: {{{{ tvm_version }}}}
tvm_ffi: {{{{ tvm_ffi_version }}}}
""",
    "tvm_plugins.yaml": f"# {_YOURS}\nversion: 1\nplugins: {{}}\n",
    "pubspec.yaml.jinja": f"""\
# {_OWNED}
name: {{{{ plugin_name }}}}
version: {{{{ runtime_version }}}}
publish_to: none

environment:
  sdk: ^{{{{ dart_version }}}}
""",
    "rust/Cargo.toml.jinja": f"""\
# {_OWNED}
[package]
name = "{{{{ plugin_name }}}}"
version = "{{{{ runtime_version }}}}"
edition = "2024"
publish = false
""",
    "rust/src/lib.rs": f"// {_OWNED}\npub fn lines() {{\n{_LINES}\n}}\n",
    "lib/tvm_runtime_flutter.dart.jinja": f"// {_OWNED}\nconst tvm = '{{{{ tvm_version }}}}';\n",
    "linux/CMakeLists.txt.jinja": f"# {_OWNED}\ncmake_minimum_required(VERSION 3.13)\n",
    "docs/guide.md": "# Guide\n\nOne.\n\nTwo.\n\nThree.\n",
    "docs/old.md": "# Old\n\nNobody reads this.\n",
}

EXECUTABLE = {"tool/check.sh": "#!/bin/sh\n# One.\n# Two.\n# Three.\nexit 0\n"}
BINARY = {"assets/logo.bin": bytes(range(256)) * 4}
SYMLINKS = {"current": "linux/CMakeLists.txt"}
