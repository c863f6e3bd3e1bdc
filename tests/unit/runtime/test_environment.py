"""Variables that are set for a while leave the environment as it was."""

import os

import pytest

from georay.runtime.environment import environment


def test_what_was_set_comes_back_and_what_was_not_goes(monkeypatch):
    monkeypatch.setenv("SET_BEFORE", "old")
    monkeypatch.delenv("UNSET_BEFORE", raising=False)
    with (
        pytest.raises(RuntimeError),
        environment({"SET_BEFORE": "new", "UNSET_BEFORE": "new"}),
    ):
        assert (os.environ["SET_BEFORE"], os.environ["UNSET_BEFORE"]) == ("new", "new")
        raise RuntimeError
    assert os.environ["SET_BEFORE"] == "old" and "UNSET_BEFORE" not in os.environ


def test_a_variable_that_was_removed_meanwhile_disturbs_nothing(monkeypatch):
    monkeypatch.delenv("UNSET_BEFORE", raising=False)
    with environment({"UNSET_BEFORE": "new"}):
        del os.environ["UNSET_BEFORE"]
    assert "UNSET_BEFORE" not in os.environ
