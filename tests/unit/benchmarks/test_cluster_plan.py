"""Plans of jobs, reckoned by hand beside the command's arithmetic."""

import json
import math

import pytest

from benchmarks.plan import (
    SHOWN,
    Curating,
    Machines,
    Planner,
    Serving,
    Training,
    input_table,
    page,
    result_table,
)
from benchmarks.plan_inputs import FILE, load_inputs, with_values
from benchmarks.training_estimate import memory_gb, parameters, sample_flops

ROUND = {
    "image_bytes": 1e5,
    "storage_bytes_per_s": 1e9,
    "node_network_bytes_per_s": 1e10,
    "cpu_images_per_s_per_core": 10.0,
    "driver_s_per_image": 1e-5,
    "driver_bytes_per_image": 1e3,
    "driver_bytes_at_rest": 1e9,
    "segmenter_images_per_s": 20.0,
    "scaling_efficiency": 0.8,
    "start_up_s": 100.0,
    "training_utilisation": 0.5,
    "global_batch": 10.0,
    "gradient_bytes_per_parameter": 2.0,
    "prefill_utilisation": 0.5,
    "gpu_bytes_per_s": 2e12,
    "answer_tokens": 100.0,
    "serving_batch": 8.0,
    "ingress_core_s_per_request": 0.01,
    "serving_target_utilisation": 0.5,
    "gpu_price_per_hour": 3.0,
}
MACHINES = Machines(nodes=2, gpus_per_node=4, cores_per_node=10, node_gb=100)


@pytest.fixture(scope="module")
def planner() -> Planner:
    return Planner(with_values(load_inputs(), ROUND))


def test_curation_by_hand(planner):
    found = planner.plan(Curating(1e6), MACHINES)
    # 1e11 bytes at 1e9/s; 1e6 images at 200/s on 20 cores, at 160/s on 8 GPUs, at 1e5/s in one.
    assert found.seconds == pytest.approx(
        {"storage": 100, "CPU cores": 5000, "GPUs": 6250, "driver": 10}
    )
    assert found.bottleneck == "GPUs" and found.is_possible
    assert found.hours == pytest.approx((100 + 6250 / 0.8) / 3600)
    assert found.gpu_hours == pytest.approx(8 * found.hours)
    assert found.money == pytest.approx(3 * found.gpu_hours)
    assert found.memory["driver memory"] == pytest.approx((1 + 1, 100))


def test_one_node_loses_nothing_to_others(planner):
    found = planner.plan(Curating(1e6), Machines(nodes=1, gpus_per_node=4, cores_per_node=10))
    assert found.hours == pytest.approx((100 + 12_500) / 3600)


def test_with_few_cores_they_are_short_first(planner):
    few = Machines(nodes=2, gpus_per_node=4, cores_per_node=2, node_gb=100)
    assert planner.plan(Curating(1e6), few).bottleneck == "CPU cores"


def test_a_driver_without_room_is_short_before_any_speed_and_says_how_to_split(planner):
    found = planner.plan(Curating(1e9), MACHINES)  # 1 GB and 1,000 GB, of 100
    assert found.bottleneck == "driver memory" and not found.is_possible
    assert found.notes == ("as 11 runs of at most 99,000,000 images the driver has room",)
    assert planner.plan(Curating(99e6), MACHINES).is_possible


def test_training_by_hand(planner):
    job = Training({"reasoning": 100.0, "location": 1000.0}, {"reasoning": 5.0, "location": 1.0})
    found = planner.plan(job, MACHINES)
    sizes = parameters()
    flops = 500 * sample_flops("reasoning", sizes)[0] + 1000 * sample_flops("location", sizes)[0]
    # 150 steps; a ring of two nodes moves each of the gradients' bytes once over a node's line.
    network = 150 * 2 * 0.5 * 112_197_632 * 2 / 1e10
    assert found.seconds["network"] == pytest.approx(network)
    assert found.seconds["GPUs"] == pytest.approx(flops / (0.5 * 312e12 * 8) + network)
    assert found.seconds["CPU cores"] == pytest.approx(1500 / 200)
    assert found.seconds["storage"] == pytest.approx(0.15)
    assert found.memory["GPU memory"] == pytest.approx((memory_gb(2, 8, sizes), 80))


def test_a_small_gpu_cannot_train(planner):
    small = Machines(nodes=2, gpus_per_node=4, gpu_gb=16)
    found = planner.plan(Training({"location": 10.0}, {"location": 1.0}), small)
    assert found.bottleneck == "GPU memory" and not found.is_possible


def test_serving_by_hand(planner):
    found = planner.plan(Serving(100.0, hours=2), MACHINES)
    sizes = parameters()
    tokens = 346  # 256 of the picture, 90 of prompt and answer around it
    read = 2 * sizes["vision"] * 1024 + 2 * sizes["adapter"] * 256 + 2 * sizes["decoder"] * tokens
    weights = 2 * (sizes["total"] + 2 * sizes["lora"])
    cache = 2 * 2 * 32 * 4096 * (tokens + 100)
    each = read / (0.5 * 312e12) + 100 * (weights + 8 * cache) / 2e12 / 8
    assert planner.gpu_s_per_request(MACHINES) == pytest.approx(each)
    requests = 100 * 2 * 3600
    assert found.seconds["GPUs"] == pytest.approx(requests * each / (8 * 0.5))
    assert found.seconds["CPU cores"] == pytest.approx(requests * 0.01 / 20)
    assert found.seconds["network"] == pytest.approx(requests * 1e5 / 2e10)
    assert found.memory["GPU memory"][0] == pytest.approx((weights + 8 * cache) / 1e9)
    assert found.hours == 2 and found.gpu_hours == 16 and found.money == 48
    assert f"{math.ceil(100 * each / 0.5)} GPUs at 50%" in found.notes[0]


def test_a_service_is_possible_where_its_work_is_done_in_time(planner):
    most = 8 * 0.5 / planner.gpu_s_per_request(MACHINES)
    assert planner.plan(Serving(0.99 * most), MACHINES).is_possible
    assert not planner.plan(Serving(1.01 * most), MACHINES).is_possible


def test_a_batch_is_no_larger_than_its_caches_have_room(planner):
    assert planner.batch_at_once(MACHINES) == 8
    # 0.9 of 22 GB less 19.8 GB of weights is room for none: one is asked at a time.
    assert planner.batch_at_once(Machines(gpu_gb=22)) == 1


def test_every_input_has_a_unit_and_a_source_that_is_there():
    inputs = load_inputs()
    assert set(ROUND) < set(inputs)
    assert all(one.unit and one.source for one in inputs.values())
    assert "assumed" in {one.kind for one in inputs.values()} and "record" in input_table(inputs)


def test_a_recorded_input_is_read_when_the_plan_is_made(tmp_path):
    record = {"results": {"few": 10.0, "many": 16.0}, "machine": {"cores": 2}}
    (tmp_path / "a.json").write_text(json.dumps(record))
    file = tmp_path / "inputs.yaml"
    file.write_text(
        "one:\n  record: a.json results.many\n  less: a.json results.few\n"
        "  divided_by: a.json machine.cores\n  factor: 10\n  per: 5\n  unit: bytes\n"
    )
    assert load_inputs(file, tmp_path)["one"].value == pytest.approx((16 - 10) / 2 * 10 / 5)


@pytest.mark.parametrize(
    "content",
    ["{value: 1, unit: s}", "{value: 1, assumed: so}", "{value: 1, unit: s, assumed: a, paper: b}"],
)
def test_an_input_without_a_unit_or_one_source_is_refused(tmp_path, content):
    (tmp_path / "inputs.yaml").write_text(f"one: {content}")
    with pytest.raises(ValueError, match="one needs a unit and one source"):
        load_inputs(tmp_path / "inputs.yaml", tmp_path)


def test_an_absent_record_is_named(tmp_path):
    (tmp_path / "inputs.yaml").write_text("one: {record: b.json results.x, unit: s}")
    with pytest.raises(ValueError, match=r"the record b\.json has no results\.x"):
        load_inputs(tmp_path / "inputs.yaml", tmp_path)


def test_an_unknown_input_is_named():
    with pytest.raises(ValueError, match="no input 'speed'; they are image_bytes"):
        with_values(load_inputs(), {"speed": 1.0})


def test_every_input_of_the_file_is_used(planner):
    class Asked(dict):
        def __init__(self, inputs):
            super().__init__(inputs)
            self.names: set[str] = set()

        def __getitem__(self, name):
            self.names.add(name)
            return super().__getitem__(name)

    inputs = Asked(load_inputs(FILE))
    for job, machines in SHOWN:
        Planner(inputs).plan(job, machines)
    assert inputs.names == set(inputs)


def test_the_page_holds_every_job_and_every_input(planner):
    inputs = load_inputs()
    estimates = [planner.plan(job, machines) for job, machines in SHOWN]
    written = page(inputs, estimates)
    assert all(f"| {one.name} |" in written for one in inputs.values())
    assert written.count("curate 130,000 images") == 2 and "1e10 images" in written
    assert result_table(estimates) in written
