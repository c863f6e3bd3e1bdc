"""What the running server says, against its own OpenAPI description, asked by schemathesis."""

import base64
from collections import Counter

import httpx
import pytest

schemathesis = pytest.importorskip("schemathesis", reason="pip install schemathesis")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    negative_data_rejection,
    positive_data_acceptance,
)
from serving_parts import street  # noqa: E402

NUM_EXAMPLES = 10  # of each operation and mode
PICTURES = [street(seed) for seed in range(3)]
# No schema says what a picture is, so none can say whether a request must be taken.
NOT_OURS = [positive_data_acceptance, negative_data_rejection]
FILES = st.lists(st.sampled_from(PICTURES) | st.binary(max_size=64), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def description(server):
    return schemathesis.openapi.from_url(f"{server}/openapi.json")


def operations(description, mode):
    """Those that this mode can ask: what takes nothing cannot be asked wrongly."""
    found = [one.ok() for one in description.get_all_operations()]
    if mode is schemathesis.GenerationMode.POSITIVE:
        return found
    return [one for one in found if one.body or one.path_parameters]


def made_real(case, files, model):
    """A generated request with what no schema can express: pictures, and a model that is there."""
    if case.media_type == "multipart/form-data":
        case.body = case.body | {"images": files}
    elif case.media_type == "application/json":
        url = "data:image/jpeg;base64," + base64.b64encode(files[0]).decode()
        parts = [
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "text", "text": "Where?"},
        ]
        message = {"role": "user", "content": parts}
        case.body = case.body | {"model": model, "messages": [message]}
    return case


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_no_request_breaks_the_server_or_its_description(server, description, mode):
    """Statuses, content types, bodies and headers are as described, and none is a 5xx."""
    model = httpx.get(f"{server}/v1/models").json()["data"][0]["id"]
    statuses: Counter[tuple[str, int]] = Counter()

    def examine(operation) -> None:
        @settings(
            max_examples=NUM_EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode), FILES, st.booleans())
        def ask(case, files, real) -> None:
            if mode is schemathesis.GenerationMode.POSITIVE and real:
                case = made_real(case, files, model)
            response = case.call(timeout=60)
            statuses[operation.label, response.status_code] += 1
            case.validate_response(response, excluded_checks=NOT_OURS)

        ask()

    for operation in operations(description, mode):
        examine(operation)
    if mode is schemathesis.GenerationMode.POSITIVE:
        answered = {label for label, status in statuses if status == 200}
        assert answered == {one.label for one in operations(description, mode)}
    else:
        assert min(status for _, status in statuses) >= 400
    assert httpx.get(f"{server}/readyz").status_code == 200
