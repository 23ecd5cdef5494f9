"""What closed windows leave behind is freed while the server runs."""

import gc
import threading
import weakref

import pytest

from state.server import serve


@pytest.fixture(autouse=True)
def thawed():
    """Nothing is kept from the garbage collector after a test."""
    yield
    gc.unfreeze()


class Window:
    """Refers to itself, as a session of the server does; says when it is freed."""

    def __init__(self):
        self.itself = self
        self.freed = threading.Event()
        weakref.finalize(self, self.freed.set)


def test_what_is_new_is_freed_at_once_and_what_is_old_the_next_time_all_is_looked_at():
    old = Window()
    serve.tidy(whole=True)
    new = Window()
    freed_old, freed_new = old.freed, new.freed
    del old, new
    serve.tidy(whole=False)
    assert freed_new.is_set()
    assert not freed_old.is_set()
    serve.tidy(whole=True)
    assert freed_old.is_set()


def test_it_is_tidied_while_the_server_runs_and_not_after():
    with serve.tidied(seconds=0.01):
        window = Window()
        freed = window.freed
        del window
        while not freed.wait(0.01):
            [[] for _ in range(20_000)]  # a server at work allocates
    assert "memory" not in [thread.name for thread in threading.enumerate()]
