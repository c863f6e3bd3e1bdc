"""The files of `serve deploy` and of `ray up` hold to what Ray itself checks."""

import copy

import jsonschema
import pytest
from cluster_files import CLUSTER, GONE, broken, documents
from pydantic import ValidationError
from ray._common.utils import import_attr
from ray.autoscaler._private.commands import prepare_config, validate_config
from ray.serve.schema import HTTPOptionsSchema, ServeApplicationSchema, ServeDeploySchema

from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.serving.app import model_options

REFUSED = (
    jsonschema.ValidationError, ValueError, TypeError, KeyError, NotImplementedError,
)  # fmt: skip
SERVED = sorted(path.name for path in (CLUSTER / "serve").glob("*.yaml"))


@pytest.fixture(autouse=True)
def storage(monkeypatch):
    monkeypatch.setenv("GEORAY_STORAGE", "/mnt/georay")


def served(name):
    (content,) = documents(f"serve/{name}")
    return content


def check_served(content):
    """What Serve checks of the file, and what it lets pass; and georay of its arguments."""
    (application,) = ServeDeploySchema.model_validate(content).applications
    (written,) = content["applications"]
    refuse_unknown(content, ServeDeploySchema)
    refuse_unknown(content["http_options"], HTTPOptionsSchema)
    refuse_unknown(written, ServeApplicationSchema)
    if not written["route_prefix"].startswith("/"):
        raise ValueError("a route begins with /")
    import_attr(application.import_path)
    recipe = parse_recipe(application.args, ServeRecipe, "args")
    model_options(recipe)
    return recipe


def refuse_unknown(given, schema):
    """Serve leaves out in silence what it does not know."""
    if unknown := set(given) - set(schema.model_fields):
        raise ValueError(f"unknown to Serve: {unknown}")


@pytest.mark.parametrize("name", SERVED)
def test_serve_files_hold_to_serves_schema_and_their_arguments_to_ours(name):
    recipe = check_served(served(name))
    assert served(name)["http_options"]["host"] == "127.0.0.1"
    proxy = served(name)["http_options"]["request_timeout_s"]
    assert proxy > recipe.limits.timeout_s, "else the proxy hangs up before the 504 is said"


@pytest.mark.parametrize("name", SERVED)
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("proxy_location", "Everywhere"),
        ("http_options.prot", 8000),
        ("http_options.port", "eight thousand"),
        ("applications.0.import_path", GONE),
        ("applications.0.import_path", "georay.serving.app:built"),
        ("applications.0.route_prefix", "locate"),
        ("applications.0.args.modle", "tiny"),
        ("applications.0.args.limits.max_queued", 0),
        ("applications.0.args.batching.wait_s", -1),
        ("applications.0.args.replicas.max", 0),
    ],
)
def test_a_broken_field_of_a_serve_file_is_noticed(name, path, value):
    with pytest.raises((ValidationError, ValueError, AttributeError)):
        check_served(broken(served(name), path, value))


def test_vllm_is_asked_where_it_listens_by_the_name_that_it_has():
    recipe = check_served(served("vllm.yaml"))
    script = (CLUSTER / "vllm.sh").read_text()
    service = documents("kuberay/vllm.yaml")[0]
    port = service["spec"]["ports"][0]["port"]
    assert recipe.remote.base_url == f"http://{service['metadata']['name']}:{port}/v1"
    assert f"--port {port}" in script
    assert f"exec vllm serve {recipe.remote.model} " in script
    assert recipe.remote.adapters.keys() == {"reasoning", "both"}
    assert all(f'"{name}=' in script for name in recipe.remote.adapters.values())
    assert "GEORAY_VLLM_KEY" in script
    assert recipe.remote.key_variable == "GEORAY_VLLM_KEY"


def test_vllm_is_started_alike_on_kubernetes_and_elsewhere():
    script = (CLUSTER / "vllm.sh").read_text()
    deployment = documents("kuberay/vllm.yaml")[1]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (command,) = container["args"]
    there = script[script.index("exec vllm") :].split()
    assert command[command.index("exec vllm") :].split() == there


@pytest.fixture
def lab():
    (content,) = documents("ray-up.yaml")
    return content


def check_up(content):
    validate_config(prepare_config(copy.deepcopy(content)))


@pytest.fixture
def names(monkeypatch):
    """The lab's machines have addresses, which Ray looks up."""
    monkeypatch.setattr("socket.gethostbyname", lambda name: "192.0.2.1")


def test_ray_up_takes_the_lab(lab, names):
    check_up(lab)
    assert len(lab["provider"]["worker_ips"]) == lab["max_workers"] == 4


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("provider", GONE),
        ("max_workers", -1),
        ("max_workers", "four"),
        ("provider.type", "slurm"),
        ("docker.imgae", "georay"),
        ("auth.ssh_user", ["georay"]),
        ("head_start_ray_commands", "ray start"),
        ("worker_setup_command", []),
    ],
)
def test_a_broken_field_of_ray_up_is_noticed(lab, names, path, value):
    with pytest.raises(
        (jsonschema.ValidationError, ValueError, TypeError, KeyError, NotImplementedError)
    ):
        check_up(broken(lab, path, value))


def test_the_labs_head_does_no_work_and_every_machine_has_the_token(lab):
    head = lab["head_start_ray_commands"][1]
    assert "--num-cpus=0 --num-gpus=0" in head
    assert "~/.ray/auth_token" in lab["file_mounts"]
    assert "--env RAY_AUTH_MODE=token" in lab["docker"]["run_options"]
    assert "--gpus all" in lab["docker"]["worker_run_options"]
