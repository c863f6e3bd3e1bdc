"""What one of two gloo workers cannot do stops both, with its words."""

import os
import socket
from pathlib import Path

import torch.distributed
import torch.multiprocessing
from ports import free_port

from georay.training.agreement import all_or_none


def worker(rank: int, port: int, out: str) -> None:
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.update(address, RANK=str(rank), WORLD_SIZE="2")
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    with all_or_none():
        pass
    try:
        with all_or_none():
            if rank == 1:
                raise ValueError("no weights here")
    except ValueError as problem:
        Path(out, str(rank)).write_text(str(problem))
    torch.distributed.destroy_process_group()


def test_all_stop_with_the_words_of_the_one_that_could_not(tmp_path):
    torch.multiprocessing.spawn(worker, (free_port(), str(tmp_path)), nprocs=2)
    told = [(tmp_path / str(rank)).read_text() for rank in (0, 1)]
    assert told == [f"no weights here (on {socket.gethostname()})"] * 2
