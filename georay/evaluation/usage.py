"""What a run of a remote model took, summed over the rows of its predictions."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class RunUsage:
    """Tokens and cost count the answers whose endpoint told them.

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
