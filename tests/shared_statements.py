"""Engines that share what SQLAlchemy has compiled.

Every test opens a store of its own and asks it what the tests before it asked theirs: to compile those statements anew
each time took a quarter of the time of the truth tests. A process that serves keeps one engine, and so its statements.
"""

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import CompiledCacheType

_dialects: dict[str, Dialect] = {}
_compiled: CompiledCacheType = {}


def sharing_statements(engine: Engine) -> Engine:
    """The engine, which from now on knows the statements of the others, and tells them its own."""
    if engine.dialect.name not in _dialects:
        with engine.connect():  # from the first connection on a dialect knows its server
            _dialects[engine.dialect.name] = engine.dialect
    # What is compiled belongs to a dialect.
    engine.dialect = _dialects[engine.dialect.name]
    engine.update_execution_options(compiled_cache=_compiled)
    return engine
