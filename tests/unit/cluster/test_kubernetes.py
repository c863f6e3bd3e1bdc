"""cluster/kuberay: every document holds to its schema, and the documents fit together."""

import copy
import json

import jsonschema
import kubernetes_validate
import pytest
import yaml
from cluster_files import CLUSTER, GONE, broken, document, documents

KUBERNETES = "1.34"
FILES = sorted(path.name for path in (CLUSTER / "kuberay").glob("*.yaml"))
RAY = [
    ("kuberay/cluster.yaml", "RayCluster"),
    ("kuberay/curate.yaml", "RayJob"),
    ("kuberay/train.yaml", "RayJob"),
    ("kuberay/service.yaml", "RayService"),
]
PLAIN = [
    (f"kuberay/{file}", f"{one['kind']}/{one['metadata']['name']}")
    for file in FILES
    for one in documents(f"kuberay/{file}")
    if one["apiVersion"] != "ray.io/v1"
]


def strict(schema):
    """The schema with unknown fields refused, as the API server does with fieldValidation."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tightened = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        tightened["additionalProperties"] = False
    return tightened


@pytest.fixture(scope="module")
def check(shared):
    """Holds a document of KubeRay's against the schema of its kind."""
    checks = {}
    for kind in ("RayCluster", "RayJob", "RayService"):
        path = shared(f"reference/kuberay/{kind.lower()}.v1.schema.json")
        schema = strict(json.loads(path.read_text()))
        # Of metadata the schemas say no more than that it is an object.
        schema["properties"]["metadata"].pop("additionalProperties", None)
        checks[kind] = jsonschema.Draft202012Validator(schema)

    def hold(content):
        assert content["apiVersion"] == "ray.io/v1"
        checks[content["kind"]].validate(content)

    return hold


def test_every_document_is_checked_by_one_of_the_two():
    kinds = {one["kind"] for file in FILES for one in documents(f"kuberay/{file}")}
    assert kinds >= {"RayCluster", "RayJob", "RayService", "NetworkPolicy", "PodDisruptionBudget"}
    num_documents = sum(len(documents(f"kuberay/{file}")) for file in FILES)
    assert len(RAY) + len(PLAIN) == num_documents


@pytest.mark.parametrize(("file", "kind"), RAY)
def test_kuberays_documents_hold_to_its_schemas(check, file, kind):
    check(document(file, kind))


POD = "template.spec.containers.0"
HEAD = f"spec.headGroupSpec.{POD}"
GPU = f"spec.workerGroupSpecs.1.{POD}"


@pytest.mark.parametrize(
    ("file", "kind", "path", "value"),
    [
        ("cluster", "RayCluster", "spec.headGroupSpec", GONE),
        ("cluster", "RayCluster", "spec.headGroupSpecs", {}),
        ("cluster", "RayCluster", "spec.authOptions.mode", "password"),
        ("cluster", "RayCluster", "spec.enableInTreeAutoscaling", "yes"),
        ("cluster", "RayCluster", "spec.gcsFaultToleranceOptions.backend", "etcd"),
        ("cluster", "RayCluster", "spec.workerGroupSpecs.1.maxReplicas", "4"),
        ("cluster", "RayCluster", "spec.workerGroupSpecs.1.groupName", GONE),
        ("cluster", "RayCluster", f"{HEAD}.ports.0.containerPort", "gcs"),
        ("cluster", "RayCluster", f"{HEAD}.livenessProbe.httpGet.port", GONE),
        ("cluster", "RayCluster", f"{HEAD}.env.0.valeu", "typo"),
        ("cluster", "RayCluster", f"{GPU}.resources.limits.memory", "lots"),
        ("cluster", "RayCluster", "spec.workerGroupSpecs.1.template.spec.tolerations.0.key", 7),
        ("cluster", "RayCluster", "spec.headGroupSpec.rayStartParams.num-cpus", 0),
        ("curate", "RayJob", "spec.entrypointNumCpus", "one"),
        ("curate", "RayJob", "spec.runtimeEnvYaml", "env_vars: {}"),
        ("train", "RayJob", "spec.clusterSelector.ray.io/cluster", ["georay"]),
        ("train", "RayJob", "spec.submitterPodTemplate.spec.containers", GONE),
        ("service", "RayService", "spec.rayClusterConfig", GONE),
        ("service", "RayService", "spec.serveConfigV2", {"applications": []}),
        ("service", "RayService", "spec.rayClusterDeletionDelaySeconds", -1),
    ],
)
def test_a_broken_field_of_kuberays_is_noticed(check, file, kind, path, value):
    parts = path.split(".")
    if "io/cluster" in path:  # a key with dots
        content = copy.deepcopy(document(f"kuberay/{file}.yaml", kind))
        content["spec"]["clusterSelector"]["ray.io/cluster"] = value
    else:
        content = broken(document(f"kuberay/{file}.yaml", kind), path, value)
    with pytest.raises(jsonschema.ValidationError) as caught:
        check(content)
    assert set(map(str, caught.value.absolute_path)) <= {*parts, "ray.io/cluster"}


@pytest.mark.parametrize(("file", "kind"), PLAIN)
def test_plain_documents_hold_to_kubernetes_schemas(file, kind):
    kubernetes_validate.validate(document(file, kind), KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("file", "kind", "path", "value"),
    [
        ("storage", "PersistentVolumeClaim", "spec.accessModes", "ReadWriteMany"),
        ("redis", "Service", "spec.ports.0.port", "redis"),
        ("redis", "StatefulSet", "spec.template.spec.containers.0.image", ["redis"]),
        ("redis", "StatefulSet", "spec.selector", GONE),
        ("network", "NetworkPolicy/georay", "spec.ingres", []),
        ("network", "NetworkPolicy/georay", "spec.ingress.0.from.0.podSelector", []),
        ("network", "NetworkPolicy/georay-redis", "spec.policyTypes", "Ingress"),
        ("disruption", "PodDisruptionBudget/georay-head", "spec.maxUnavailable", True),
        ("disruption", "PodDisruptionBudget/georay-workers", "spec.selectors", {}),
        ("vllm", "Service", "spec.selector.app", 1),
        ("vllm", "Deployment", "spec.template.spec.containers.0.readinessProbe.httpGet", "port"),
    ],
)
def test_a_broken_field_of_kubernetes_is_noticed(file, kind, path, value):
    content = broken(document(f"kuberay/{file}.yaml", kind), path, value)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(content, KUBERNETES, strict=True)


def cluster_specs():
    """The two clusters: of the jobs, and of the endpoint."""
    service = document("kuberay/service.yaml", "RayService")
    jobs = document("kuberay/cluster.yaml", "RayCluster")
    return [jobs["spec"], service["spec"]["rayClusterConfig"]]


def templates():
    """Every pod of the folder, by what makes it."""
    for spec in cluster_specs():
        yield spec["headGroupSpec"]["template"]
        yield from (group["template"] for group in spec["workerGroupSpecs"])
    for job in ("curate", "train"):
        yield document(f"kuberay/{job}.yaml", "RayJob")["spec"]["submitterPodTemplate"]
    yield document("kuberay/vllm.yaml", "Deployment")["spec"]["template"]
    yield document("kuberay/redis.yaml", "StatefulSet")["spec"]["template"]


def test_pods_run_as_nobody_in_particular_and_with_no_more_rights_than_they_need():
    for template in templates():
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        narrow = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert container["securityContext"] == narrow
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert not container["image"].endswith(":latest")
        assert ":" in container["image"]


def test_ray_needs_a_token_and_its_head_does_no_work():
    for spec in cluster_specs():
        assert spec["authOptions"] == {"mode": "token", "secretName": "georay-token"}
        head = spec["headGroupSpec"]
        assert head["rayStartParams"]["num-cpus"] == "0"
        assert head["rayStartParams"]["num-gpus"] == "0"
        (container,) = head["template"]["spec"]["containers"]
        assert "nvidia.com/gpu" not in container["resources"]["limits"]


def test_gpu_nodes_are_chosen_tolerated_and_enough_for_the_recipes():
    jobs, service = cluster_specs()
    gpu = next(group for group in jobs["workerGroupSpecs"] if group["groupName"] == "gpu")
    assert gpus_of(gpu) * gpu["maxReplicas"] == 32, "train.yaml asks for 32 workers"
    (served,) = service["workerGroupSpecs"]
    assert gpus_of(served) * served["maxReplicas"] == 8, "gpu.yaml grows to 8 replicas"
    for group in (gpu, served):
        pod = group["template"]["spec"]
        assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
        assert "A800" in pod["nodeSelector"]["nvidia.com/gpu.product"]


def gpus_of(group):
    return group["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"]


def test_every_node_of_ray_is_probed_and_measured_and_sees_the_shared_folder():
    for spec in cluster_specs():
        pods = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
        for pod in (one["template"]["spec"] for one in pods):
            (container,) = pod["containers"]
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
            assert {"name": "metrics", "containerPort": 8080} in container["ports"]
            mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
            claims = [one for one in pod["volumes"] if one["name"] == "storage"]
            assert claims[0]["persistentVolumeClaim"]["claimName"] == "georay-storage"
            storage = next(one for one in container["env"] if one["name"] == "GEORAY_STORAGE")
            assert storage["value"] == mounts["storage"]
            assert set(mounts) == {one["name"] for one in pod["volumes"]}
    document("kuberay/storage.yaml", "PersistentVolumeClaim/georay-storage")


def test_policies_and_budgets_select_pods_that_are_there():
    labels = [template["metadata"]["labels"] for template in templates()]
    for file in ("network", "disruption"):
        for one in documents(f"kuberay/{file}.yaml"):
            spec = one["spec"]
            wanted = (spec.get("selector") or spec.get("podSelector"))["matchLabels"]
            assert any(wanted.items() <= own.items() for own in labels), wanted
    for file, kind in (("redis", "Service"), ("vllm", "Service")):
        wanted = document(f"kuberay/{file}.yaml", kind)["spec"]["selector"]
        assert any(wanted.items() <= own.items() for own in labels), wanted


def test_the_head_is_kept_in_redis_behind_its_password():
    service = document("kuberay/redis.yaml", "Service")
    address = f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    for spec in cluster_specs():
        options = spec["gcsFaultToleranceOptions"]
        assert (options["backend"], options["redisAddress"]) == ("redis", address)
        assert options["redisPassword"]["valueFrom"]["secretKeyRef"]["name"] == "georay-redis"


def test_no_secret_stands_in_a_file():
    text = "".join((CLUSTER / "kuberay" / file).read_text() for file in FILES)
    assert "kind: Secret" not in text
    for template in templates():
        for one in template["spec"]["containers"][0].get("env", []):
            if any(word in one["name"] for word in ("KEY", "TOKEN", "PASSWORD")):
                assert "secretKeyRef" in one["valueFrom"], one["name"]


def test_jobs_run_on_the_cluster_whose_name_they_select():
    name = document("kuberay/cluster.yaml", "RayCluster")["metadata"]["name"]
    for job in ("curate", "train"):
        spec = document(f"kuberay/{job}.yaml", "RayJob")["spec"]
        assert spec["clusterSelector"] == {"ray.io/cluster": name}
        assert yaml.safe_load(spec["runtimeEnvYAML"])["env_vars"] == {
            "GEORAY_STORAGE": "/mnt/georay"
        }
        assert spec["entrypointNumCpus"] == 1, "the head has none: a worker runs the driver"


def test_the_service_serves_what_the_serve_file_says():
    ours = documents("serve/gpu.yaml")[0]
    theirs = document("kuberay/service.yaml", "RayService")["spec"]["serveConfigV2"]
    pods = {"host": "0.0.0.0"}
    expected = ours | {
        "proxy_location": "EveryNode",
        "http_options": ours["http_options"] | pods,
    }
    assert yaml.safe_load(theirs) == expected
