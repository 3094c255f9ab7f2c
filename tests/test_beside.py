"""A thread beside a block: it works while the block runs, and ends with it, however that ends."""

import threading
from contextlib import suppress

import pytest

from monitoring_pipeline.beside import beside

NAME = "beside-of-a-test"


def _names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("error", [None, ValueError])
def test_the_thread_works_while_the_block_runs_and_is_gone_after_it(error: type[ValueError] | None) -> None:
    works = threading.Event()
    meanwhile = False

    def work(stop: threading.Event) -> None:
        works.set()
        stop.wait()

    with suppress(ValueError), beside(work, name=NAME):
        meanwhile = works.wait(60) and NAME in _names()
        if error is not None:
            raise error

    assert meanwhile
    assert NAME not in _names()
