"""What the server says of an answer: whether it is sure, and what to know of the model."""

import pytest

from georay.models.locations import Location
from georay.serving.ingress.results import model_of, result_of
from georay.serving.messages import LocateOutcome, ModelCard


@pytest.mark.parametrize("sureness", ["sure", "unsure", "unfamiliar", None])
def test_a_result_says_whether_it_is_sure(sureness):
    found = Location("answered", country="FR", country_name="France", sureness=sureness)
    card = ModelCard("tiny", None, (), "none")
    outcome = LocateOutcome(card, location=found)
    assert result_of("a.jpg", outcome, 1.0, 0.4).sureness == sureness


def test_a_model_is_shown_with_its_caveat():
    assert model_of(ModelCard("tiny", None, (), "none", "drawn only")).caveat == "drawn only"
    assert model_of(ModelCard("other", None, (), "none")).caveat is None
