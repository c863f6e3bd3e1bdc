"""What workers do together: give up, and wait for files of a slow mount."""

import os
import socket
import threading
from pathlib import Path

import torch.distributed
import torch.multiprocessing
from ports import free_port

from georay.training import agreement
from georay.training.agreement import all_or_none, wait_until_seen


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


def looker(rank: int, port: int, out: str) -> None:
    """Each worker sees a folder of its own; the second one's shows the files a second later."""
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.update(address, RANK=str(rank), WORLD_SIZE="2")
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    agreement.PATIENCE_S, agreement.LOOK_EVERY_S = 15.0, 0.05
    folder = Path(out, str(rank))
    (folder / "deep").mkdir(parents=True)
    if rank == 1:
        (folder / "half.txt").write_text("ha")
        show = threading.Timer(1.0, write_files, (folder,))
        show.start()
    else:
        write_files(folder)
    torch.distributed.barrier()
    wait_until_seen(folder)
    assert (folder / "deep" / "whole.txt").read_text() == "whole"
    assert (folder / "half.txt").read_text() == "half"
    agreement.PATIENCE_S = 0.2
    if rank == 0:
        (folder / "never.txt").write_text("never")
    try:
        wait_until_seen(folder)
    except ValueError as problem:
        (folder / "problem").write_text(str(problem))
    torch.distributed.destroy_process_group()


def write_files(folder: Path) -> None:
    (folder / "half.txt").write_text("half")
    (folder / "deep" / "whole.txt").write_text("whole")


def test_a_worker_whose_mount_is_late_waits_for_the_files_that_the_first_one_sees(tmp_path):
    torch.multiprocessing.spawn(looker, (free_port(), str(tmp_path)), nprocs=2)
    told = {(tmp_path / str(rank) / "problem").read_text() for rank in (0, 1)}
    assert len(told) == 1
    assert "never.txt is there for the first worker and not here" in told.pop()
