"""Builders of small networks of each chat class, for all tests of models."""

from collections.abc import Callable

import chat_families
import pytest
from transformers import PreTrainedModel

from georay.models.families.chat import ChatFamily


@pytest.fixture(scope="session")
def small_chat_network() -> Callable[[str, int], PreTrainedModel]:
    return chat_families.small_chat_network


@pytest.fixture(scope="session")
def small_chat_family() -> Callable[[str, int], ChatFamily]:
    return chat_families.small_chat_family
