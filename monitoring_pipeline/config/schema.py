"""The JSON schema of ``monitoring.yaml``, for editors and for other programs that write the file."""

from typing import Any

from monitoring_pipeline.config.models import MonitoringConfig

JsonSchema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DURATION = {
    "type": "string",
    "pattern": r"^(P.+|\d+:\d{2}(:\d{2})?)$",
    "description": "A duration: ISO 8601 (PT6H, P3D) or hours, minutes and seconds (06:00:00).",
    "examples": ["PT6H", "P3D", "06:00:00"],
}
_INSTANT = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}",
    "description": "A date or an instant; without a zone it is UTC.",
    "examples": ["2013-06-17", "2013-06-17T06:00:00Z"],
}
_FROM_ENVIRONMENT = {
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
    "description": "A value from the environment: ${NAME}, or ${NAME:-default}.",
}
_WRITTEN_FORMS = {"duration": _DURATION, "date-time": _INSTANT}


def config_schema() -> JsonSchema:
    """The schema, draft 2020-12, of everything :func:`.load_config` accepts by shape.

    It says less than ``monitor config validate``: names that must resolve (channels, metrics), conditions between
    keys and what the environment holds are beyond a schema.
    """
    schema = _as_written(MonitoringConfig.model_json_schema())
    definitions = schema["$defs"]
    definitions["Feature"] = _with_shorthand(definitions["Feature"])
    definitions["FromEnvironment"] = _FROM_ENVIRONMENT
    return {"$schema": DIALECT, **schema, "title": "monitoring.yaml"}


def _with_shorthand(feature: JsonSchema) -> JsonSchema:
    """A feature may be written as its type alone: ``distance: numeric``."""
    keywords = {key: feature.pop(key) for key in ("title", "description")}
    return {**keywords, "anyOf": [{"$ref": "#/$defs/FeatureType"}, feature]}


def _as_written(node: Any) -> Any:
    """The schema of what stands in the file, which is wider than that of the values it is read into."""
    if isinstance(node, list):
        return [_as_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    written = {key: _as_written(item) for key, item in node.items()}
    form = node.get("format")
    if isinstance(form, str) and form in _WRITTEN_FORMS:  # a key of the file may be called so, too
        del written["format"]
        written |= _WRITTEN_FORMS[form]
    narrow = node.get("type") in ("integer", "number", "boolean") or "pattern" in written
    return _or_from_environment(written) if narrow else written


def _or_from_environment(node: JsonSchema) -> JsonSchema:
    about: JsonSchema = {key: node.pop(key) for key in ("title", "description", "default", "examples") if key in node}
    return {**about, "anyOf": [node, {"$ref": "#/$defs/FromEnvironment"}]}
