"""How many cores a thread of this process computes on."""

import torch


def use_one_core() -> None:
    """The calling thread computes on one core from now on; threads that computed before do not.

    Where two threads use several cores each, OpenMP lets all of them sleep between small steps.
    """
    torch.set_num_threads(1)
