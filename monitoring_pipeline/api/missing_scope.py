"""What is told to a caller whose token does not grant the work: which scope, on what, and how to get it."""

import shlex
from http import HTTPStatus

from monitoring_pipeline.access.scopes import EVERY_MODEL, Grant, Scope
from monitoring_pipeline.api.problems import Problem

_MOST_NAME_CHARS = 200


def missing_scope(scope: Scope, model_id: str | None = None, *, is_for_all: bool = True) -> Problem:
    """The refusal.

    Args:
        scope: the work.
        model_id: the model that the caller named, or may read.
        is_for_all: without a model, whether the work concerns all of them, or some model at least.
    """
    if model_id is not None and _can_be_granted(model_id):
        on, grant = f" on the model {model_id!r}", str(Grant(scope=scope, models=model_id))
    elif model_id is not None:
        on, grant = " on this model", f"{scope.value}@MODEL"
    else:
        on, grant = " on all models" if is_for_all else "", scope.value
    detail = f"this token does not grant {scope.value}{on}; one that does is made with: {creating(grant)}"
    return Problem(HTTPStatus.FORBIDDEN, "forbidden", detail)


def creating(grant: str) -> str:
    """The command that makes a token; whoever runs it says who will hold it.

    >>> creating("metrics:read@price")
    'monitor token create --client NAME --scope metrics:read@price'
    """
    return f"monitor token create --client NAME --scope {shlex.quote(grant)}"


def _can_be_granted(model_id: str) -> bool:
    """Whether a grant that names the model is for no other one, and safe to copy: callers make up names."""
    return 0 < len(model_id) <= _MOST_NAME_CHARS and model_id.isprintable() and EVERY_MODEL not in model_id
