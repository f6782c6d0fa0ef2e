"""The files of tvmplug as JSON Schema, for editors and other programs.

The documentation ships them (`make reference` writes them there). What a schema refuses beyond
types comes from the tables and enumerations that the readers use; tests/docs/test_schemas.py holds
both against the same files. What one file cannot tell alone, a reader still checks: prefixes that
collide, folders that are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tvmplug.schemas.files import fleet_schema, manifest_schema, registry_schema
from tvmplug.schemas.metadata import metadata_schema

# File name of the schema to what makes it.
SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "tvm_plugin.schema.json": manifest_schema,
    "system_lib.schema.json": metadata_schema,
    "tvm_plugins.schema.json": registry_schema,
    "fleet.schema.json": fleet_schema,
}
