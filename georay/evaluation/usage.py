"""Expected and actual requests, tokens and cost of asking a remote model."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from georay.config.predict import AskedRecipe, EndpointRecipe
from georay.core.prompts import PROMPTS

_PATCH = 28
"""Pixels of a side that Qwen's models count as one token; others count a picture as fewer."""
_CHARACTERS_PER_TOKEN = 3


@dataclass(frozen=True)
class RunUsage:
    """Tokens and cost count the answers whose endpoint states them.

    num_told: those answers. cost: in the currency of the recipe's prices; None without them.
    """

    num_attempts: int
    num_told: int
    num_prompt_tokens: int
    num_answer_tokens: int
    cost: float | None

    def as_text(self) -> str:
        """One line for a summary."""
        tokens = (
            f"{self.num_prompt_tokens:,} tokens asked and {self.num_answer_tokens:,} answered in "
            f"{self.num_told:,} answers that count them"
        )
        cost = "no prices given" if self.cost is None else f"cost {self.cost:,.4f}"
        return f"{self.num_attempts:,} requests; {tokens}; {cost}"


@dataclass(frozen=True)
class ExpectedUsage:
    """The most that asking about pictures takes, if each is answered at the first request.

    cost: in the currency of the recipe's prices; None without them.
    """

    num_pictures: int
    num_at_once: int
    num_prompt_tokens: int
    num_answer_tokens: int
    cost: float | None

    def as_text(self) -> str:
        """One line to read before anything is spent."""
        cost = "no prices given, so no cost" if self.cost is None else f"cost {self.cost:,.2f}"
        return (
            f"{self.num_pictures:,} pictures to ask about, at most {self.num_at_once:,} at once; "
            f"at most {self.num_prompt_tokens:,} tokens asked and {self.num_answer_tokens:,} "
            f"answered; {cost}"
        )


def expected_usage(
    recipe: AskedRecipe, endpoint: EndpointRecipe, num_pictures: int
) -> ExpectedUsage:
    """An upper bound: every picture as large as it is sent, every answer as long as it may be."""
    question = PROMPTS[recipe.answering.prompt].question
    picture = (endpoint.longest_side // _PATCH) ** 2
    asked = num_pictures * (picture + len(question) // _CHARACTERS_PER_TOKEN)
    answered = num_pictures * recipe.answering.max_new_tokens
    prices = (endpoint.price_prompt, endpoint.price_answer)
    cost = None
    if prices[0] is not None and prices[1] is not None:
        cost = (asked * prices[0] + answered * prices[1]) / 1e6
    num_workers = recipe.workers.num_workers if recipe.workers is not None else 1
    at_once = num_workers * min(endpoint.max_concurrency, recipe.answering.batch_size)
    return ExpectedUsage(num_pictures, at_once, asked, answered, cost)


def usage_of(predictions: pa.Table) -> RunUsage:
    """Sums over rows of schema PREDICTIONS."""
    return RunUsage(
        num_attempts=int(_sum(predictions, "num_attempts") or 0),
        num_told=len(predictions) - predictions.column("num_prompt_tokens").null_count,
        num_prompt_tokens=int(_sum(predictions, "num_prompt_tokens") or 0),
        num_answer_tokens=int(_sum(predictions, "num_answer_tokens") or 0),
        cost=_sum(predictions, "cost"),
    )


def _sum(table: pa.Table, column: str) -> float | None:
    """None where no row has a value."""
    total: float | None = pc.sum(table.column(column)).as_py()
    return total
