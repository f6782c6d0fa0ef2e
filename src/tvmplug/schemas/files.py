"""The schemas of the YAML files: manifest, registry and fleet file."""

from __future__ import annotations

from tvmplug.fleet import config, config_repositories, config_values
from tvmplug.fleet.records import Verify
from tvmplug.manifest import MANIFEST_NAME, AppleLinkage, Kind, Source
from tvmplug.registry import REGISTRY_NAME, VERSION
from tvmplug.schemas.parts import (
    Schema,
    choice,
    component,
    document,
    plugin_name,
    prefix,
    text,
    texts,
)

# A list that is left empty is YAML's null, which these readers take as no list.
_OR_NOTHING = ["array", "null"]


def manifest_schema() -> Schema:
    """The schema of a plugin's manifest, which its template writes."""
    return document(
        MANIFEST_NAME,
        "What the toolkit needs to know about a plugin. Written by its template.",
        type="object",
        required=["kind", "name", "platforms", "tvm", "tvm_ffi"],
        properties={
            "kind": choice("Which template the plugin comes from.", Kind),
            "name": {"description": "The package's name.", **plugin_name()},
            "organisation": text("The author's domain, reversed."),
            "platforms": texts("The Flutter platforms that it is for."),
            "apple_linkage": choice("What its iOS and macOS artifacts are.", AppleLinkage),
            "runtime_parts": texts("Of the runtime plugin: its runtime's optional parts."),
            "tvm": text("Version of apache-tvm that the template pins."),
            "tvm_ffi": text("Version of apache-tvm-ffi that the template pins."),
        },
        # What only a model plugin has.
        **{
            "if": {"properties": {"kind": {"const": Kind.MODEL.value}}},
            "then": {
                "required": ["prefix", "components", "source", "runtime"],
                "properties": {
                    "prefix": prefix("What the plugin's symbols start with."),
                    "components": {
                        "description": "Its compiled parts, in order.",
                        "type": "array",
                        "items": component(),
                        "minItems": 1,
                        "uniqueItems": True,
                    },
                    "source": choice("What the export script hands over.", Source),
                    "runtime": _runtime(),
                },
            },
        },
    )


def _runtime() -> Schema:
    def found(source: str, **values: Schema) -> Schema:
        properties = {"from": {"const": source}, **values}
        return {"properties": properties, "required": list(properties)}

    return {
        "description": "Where the runtime plugin is found.",
        "type": "object",
        "oneOf": [
            found("path", path=text("Its folder, seen from this plugin's.")),
            found("git", url=text("Its repository."), ref=text("A tag or commit.")),
            found("hosted", version=text("What pub and cargo are asked for.")),
        ],
    }


def registry_schema() -> Schema:
    """The schema of the registry of prefixes."""
    return document(
        REGISTRY_NAME,
        "Which plugin holds which symbol prefix. No prefix may be the beginning of another.",
        type="object",
        required=["version"],
        properties={
            "version": {"description": "Of this format.", "const": VERSION},
            "plugins": {
                "type": ["object", "null"],
                "propertyNames": plugin_name(),
                "description": "By the plugin's name.",
                "additionalProperties": {"$ref": "#/$defs/Plugin"},
            },
        },
        **{
            "$defs": {
                "Plugin": {
                    "type": "object",
                    "required": ["prefix"],
                    "properties": {"prefix": prefix("The prefix that the plugin holds.")},
                }
            }
        },
    )


def fleet_schema() -> Schema:
    """The schema of a fleet file."""
    return document(
        config.FLEET_NAME,
        "Which plugins a team keeps, and which templates may run.",
        type="object",
        required=["version", "templates", "repositories"],
        additionalProperties=False,
        properties={
            "version": {"description": "Of this format.", "const": config.VERSION},
            "templates": {
                "description": "The only sources that an update may run.",
                "type": "array",
                "items": _filled(),
                "minItems": 1,
            },
            "runtime": {
                "description": "The name of the runtime plugin's repository.",
                "anyOf": [_filled(), {"type": "null"}],
            },
            "defaults": {
                "description": "What repositories have that say nothing else.",
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": _settings(),
            },
            "repositories": {
                "type": "array",
                "minItems": 1,
                "description": "A folder or a git address is enough.",
                "items": {"anyOf": [_filled(), {"$ref": "#/$defs/Repository"}]},
            },
        },
        **{"$defs": {"Repository": _repository()}},
    )


def _filled() -> Schema:
    return {"type": "string", "pattern": r"\S"}


def _repository() -> Schema:
    own = {
        "path": {"description": "A folder, relative to the file.", **_filled()},
        "url": {"description": "A git address; it is cloned below `.fleet/`.", **_filled()},
        "name": {
            "description": "What `--only` and the tables call it.",
            "type": "string",
            "pattern": f"^{config_repositories.NAME.pattern}$",
        },
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**own, **_settings()},
        "oneOf": [{"required": ["path"]}, {"required": ["url"]}],
    }


def _settings() -> dict[str, Schema]:
    branch = {"type": "string", "minLength": 1, "not": {"pattern": config_values.NO_BRANCH.pattern}}
    settings: dict[str, Schema] = {
        "base": {"description": "The branch that updates start from.", **branch},
        "branch": {"description": "The branch that updates go to.", **branch},
        "verify": choice("How far an update is tried.", Verify),
        "keep_edits": {"description": "What `--keep-edits` says.", "type": "boolean"},
        "data": {
            "description": "Answers that every update gives.",
            "type": ["object", "null"],
            "propertyNames": {"pattern": f"^{config_values.QUESTION.pattern}$"},
        },
        "groups": {
            "description": "What `--group` picks by.",
            "type": _OR_NOTHING,
            "items": _filled(),
        },
        "host": {
            "description": "Which program opens pull requests.",
            "enum": list(config_repositories.HOSTS),
        },
    }
    return settings
