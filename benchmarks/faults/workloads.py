"""Curation, training, prediction and serving, small: what each does, and what must be there after.

No picture is twice among the inputs, so that a row that is there twice is a fault.
"""

import json
from collections.abc import Mapping

from benchmarks.faults.clients import Clients
from benchmarks.faults.driver import PORT
from benchmarks.faults.material import picture, write_pictures, write_samples
from benchmarks.faults.nodes import wait_until
from benchmarks.faults.runs import Facts, Outcome, Run
from georay.core.images import content_id
from georay.core.paths import AnyPath, copy_folder, files_in, open_parquet
from georay.training.watch import read_steps

_DIGITS = 6


class Curation(Run):
    """Pictures read, segmented, scored and written on two actors."""

    name, verb, worker = "curation", "curate", "SegmentImages"
    _num_pictures, _amid = 60, 15

    def prepare(self) -> None:
        write_pictures(self.place.root / "photos", self._num_pictures)

    def recipe(self) -> Facts:
        root = self.place.root
        # A row a block and a batch: as many pieces of work as can be lost.
        workers = {"num_actors": 2, "cpus_per_actor": 0.5, "rows_per_block": 1, "batch_size": 1}
        return {"inputs": [str(root / "photos")], "output": str(self._out), "workers": workers}

    def is_amid(self) -> bool:
        return len(files_in(self._out / "parts")) >= self._amid

    def outcome(self) -> Outcome:
        counts = json.loads((self._out / "manifest.json").read_text(encoding="utf-8"))["counts"]
        assert (counts["scored"], counts["lost"]) == (self._num_pictures, 0), counts
        columns = ["image_id", "copies", "locatability"]
        rows = [
            row
            for file in files_in(self._out / "scores")
            for row in open_parquet(file).read(columns=columns).to_pylist()
        ]
        expected = sorted(content_id(picture(seed)) for seed in range(self._num_pictures))
        assert sorted(row["image_id"] for row in rows) == expected, "rows are lost or twice"
        assert {row["copies"] for row in rows} == {1}, "a picture counts twice"
        scores = {row["image_id"]: round(row["locatability"], _DIGITS) for row in rows}
        return Outcome(scores, {"rows": len(rows)})

    @property
    def _out(self) -> AnyPath:
        return self.place.root / "run"


class Training(Run):
    """One adapter learnt by two workers under ZeRO-2, with a checkpoint every few steps."""

    name, verb, worker = "training", "train", "RayTrainWorker"
    _num_samples, _batch, _epochs, _amid = 32, 8, 12, 16

    def prepare(self) -> None:
        write_samples(self.place.root / "samples", self._num_samples, "train")
        copy_folder(self.base, self.place.root / "base")

    def recipe(self) -> Facts:
        root = self.place.root
        return {
            "samples": [str(root / "samples" / "samples.parquet")],
            "base": {"model": str(root / "base")},
            "output": str(self._out),
            "stages": [{"adapter": "location", "num_epochs": self._epochs}],
            "lora": {"rank": 4, "alpha": 8},
            "optimizer": {"learning_rate": 1e-2},
            "batches": {"global_batch": self._batch, "micro_batch": 2},
            "gradient_checkpointing": False,
            "zero": {"stage": 2},
            "checkpoints": {"every": 4},
            "watch": {"trackers": [], "max_validation": 0, "diverging": 100.0},
            # More than half of a node, so that no node has two.
            "workers": {"num_workers": 2, "cpus_per_worker": 1.25, "max_failures": 8},
        }

    def is_amid(self) -> bool:
        return len(read_steps(self._steps)) >= self._amid

    def outcome(self) -> Outcome:
        losses = [one.loss for one in read_steps(self._steps)]
        assert len(losses) == self._num_samples * self._epochs // self._batch, "steps are lost"
        adapter = self._out / "adapters" / "location" / "adapter_model.safetensors"
        return Outcome((losses, adapter.read_bytes()), {"final loss": losses[-1]})

    @property
    def _out(self) -> AnyPath:
        return self.place.root / "run"

    @property
    def _steps(self) -> AnyPath:
        return self._out / "stages" / "location" / "steps.jsonl"


class Prediction(Run):
    """A model's answers about the pictures of a split, by two workers that each hold it."""

    name, verb, worker = "prediction", "predict", "AnswerPictures"
    _num_pictures, _amid = 40, 8

    def prepare(self) -> None:
        write_samples(self.place.root / "samples", self._num_pictures, "test")
        copy_folder(self.base, self.place.root / "base")

    def recipe(self) -> Facts:
        root = self.place.root
        return {
            "samples": [str(root / "samples" / "samples.parquet")],
            "model": str(root / "base"),
            "output": str(self._table),
            "device": "cpu",
            "answering": {"prompt": "location", "constrained": True, "max_new_tokens": 128},
            "shard_size": 1,
            "workers": {"num_workers": 2, "cpus_per_worker": 0.5},
        }

    def is_amid(self) -> bool:
        return len(list(self._table.with_suffix(".parts").glob("part-*.parquet"))) >= self._amid

    def outcome(self) -> Outcome:
        rows = open_parquet(self._table).read().drop_columns(["latency_ms", "model"]).to_pylist()
        ids = [row["image_id"] for row in rows]
        assert len(set(ids)) == len(ids) == self._num_pictures, "rows are lost or twice"
        assert {row["status"] for row in rows} == {"answered"}, "a picture has no answer"
        return Outcome(rows, {"rows": len(rows)})

    @property
    def _table(self) -> AnyPath:
        return self.place.root / "answers" / "table.parquet"


class Serving(Run):
    """The Serve application with two replicas, asked by clients that never stop."""

    name, verb, worker, on_disk = "serving", "serve", "ServeReplica:georay:Model", "ray"
    _num_clients, _amid, _after = 4, 12, 24

    def prepare(self) -> None:
        pictures = [picture(seed) for seed in range(8)]
        address = f"http://{self.seat.host.address}:{PORT}"
        self._clients = Clients(address, pictures, self._num_clients)
        copy_folder(self.base, self.place.root / "base")

    def recipe(self) -> Facts:
        return {
            "model": str(self.place.root / "base"),
            "adapters": "none",
            "device": "cpu",
            "answers": {"max_new_tokens": 128},
            "batching": {"max_batch_size": 4},
            "replicas": {"min": 2, "max": 2, "num_cpus": 1, "health_period_s": 2},
        }

    def start_again(self) -> None:
        """Nothing: the application outlives who deployed it."""

    def is_amid(self) -> bool:
        if not self._clients.are_asking and self._clients.are_welcome():
            self._clients.start()
        return self._clients.num_answered() >= self._amid

    def finish(self) -> Outcome:
        since = self._clients.now()
        wait_until(lambda: self._clients.num_answered(since) >= self._after)
        self._clients.stop()
        return self.outcome()

    def outcome(self) -> Outcome:
        assert self._clients.num_answered() >= self._amid + self._after, "it answers no more"
        statuses = self._clients.statuses()
        lost = self._clients.lost()
        assert not lost, f"{len(lost)} accepted requests were lost: {statuses}"
        return Outcome("no accepted request lost", {"statuses": statuses})

    def close(self) -> None:
        self._clients.stop()
        super().close()


WORKLOADS: Mapping[str, type[Run]] = {
    one.name: one for one in (Curation, Training, Prediction, Serving)
}
