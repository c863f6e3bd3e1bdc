"""The Ray Serve application: an ingress and the model replicas, from one recipe.

`build` is the import path of cluster/serve/*.yaml; `running` is what `georay serve` holds.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve import Application
from ray.serve.config import RequestRouterConfig
from ray.serve.exceptions import RayServeException
from ray.serve.schema import DeploymentStatus

from georay.config.serve import ServeRecipe
from georay.errors import ServingStopped
from georay.runtime.causes import cause_in
from georay.runtime.connect import connect
from georay.serving.checking import check_anywhere
from georay.serving.ingress.deployment import MODEL, RETRY_AFTER_S, Ingress
from georay.serving.ingress.proxy import header_deadline
from georay.serving.replica.model_replica import ModelReplica

NAME = "georay"
_INGRESS_ONGOING = 1000  # the ingress holds requests open; what bounds them is the model's queue
_PROXY_SPARE_S = 15.0  # the ingress answers 504 with a sentence before the proxy cuts the line
_MOST_STARTS = 3
_LOOK_AGAIN_S = 0.02  # for a place in a replica: looking ever less often leaves batches small
_LOOK_S = 0.2  # between two looks of a replica that leaves whether all is answered

_FAILED = (DeploymentStatus.DEPLOY_FAILED, DeploymentStatus.UNHEALTHY)

_log = logging.getLogger(__name__)


def build(recipe: ServeRecipe) -> Application:
    """The application of a recipe, for `serve.run` and as the import path of a Serve file.

    Raises ValueError for a recipe that no machine could serve.
    """
    return build_with(ModelReplica, recipe)


def build_with(replica: type[ModelReplica], recipe: ServeRecipe) -> Application:
    """As `build`, with another class for the deployment that holds the model.

    Ray Serve takes no second parameter of an import path, so this is a function of its own.
    """
    check_anywhere(recipe)
    model = serve.deployment(replica, **model_options(recipe)).bind(recipe)
    ingress = serve.deployment(
        Ingress,
        name="Ingress",
        max_ongoing_requests=_INGRESS_ONGOING,
        max_queued_requests=_INGRESS_ONGOING,
        backpressure_config={"status_code": 429, "retry_after_s": RETRY_AFTER_S},
        graceful_shutdown_wait_loop_s=_LOOK_S,
        graceful_shutdown_timeout_s=recipe.replicas.drain_s,
        max_constructor_retry_count=_MOST_STARTS,
        ray_actor_options={"num_cpus": 0},
    )
    return ingress.bind(recipe, model)


def model_options(recipe: ServeRecipe) -> dict[str, Any]:
    """How Ray Serve runs the model replicas of a recipe."""
    replicas = recipe.replicas
    actor: dict[str, Any] = {"num_cpus": replicas.num_cpus, "num_gpus": replicas.num_gpus}
    if replicas.accelerator_type:
        actor["accelerator_type"] = replicas.accelerator_type
    target = replicas.target_ongoing_requests or float(recipe.batching.max_batch_size)
    return {
        "name": MODEL,
        "max_ongoing_requests": recipe.batching.max_ongoing_requests,
        "max_queued_requests": recipe.limits.max_queued,
        "request_router_config": RequestRouterConfig(
            initial_backoff_s=_LOOK_AGAIN_S, max_backoff_s=_LOOK_AGAIN_S
        ),
        "autoscaling_config": {
            "min_replicas": replicas.min,
            "max_replicas": replicas.max,
            "target_ongoing_requests": target,
            "upscale_delay_s": replicas.upscale_delay_s,
            "downscale_delay_s": replicas.downscale_delay_s,
            "look_back_period_s": replicas.look_back_period_s,
        },
        "health_check_period_s": replicas.health_period_s,
        "health_check_timeout_s": replicas.health_timeout_s,
        "graceful_shutdown_wait_loop_s": _LOOK_S,
        "graceful_shutdown_timeout_s": replicas.drain_s,
        "max_constructor_retry_count": _MOST_STARTS,
        "ray_actor_options": actor,
    }


@contextmanager
def running(recipe: ServeRecipe) -> Iterator[str]:
    """The application on the recipe's cluster, ready to answer; gives its address.

    Leaving it stops the application after what it accepted was answered. Raises ValueError for a
    recipe that cannot be served or a port that is taken; ServingStopped where a deployment cannot
    start.
    """
    http, limits = recipe.http, recipe.limits
    private = recipe.cluster.address == "local" and not ray.is_initialized()
    application = build(recipe)
    with header_deadline(limits.timeout_s), connect(recipe.cluster):
        logging.getLogger("ray.serve").setLevel(logging.WARNING)  # its notices are for its makers
        options = {
            "host": http.host,
            "port": http.port,
            "request_timeout_s": limits.timeout_s + _PROXY_SPARE_S,
        }
        serve.start(proxy_location="HeadOnly", http_options=options)
        try:
            _start(application)
            try:
                yield http.url
            finally:
                _close(recipe.replicas.drain_s)
        finally:
            if not private:  # a private cluster ends now, and takes the rest of Ray Serve with it
                serve.shutdown()


def _start(application: Application) -> None:
    """Returns once all deployments run; raises ServingStopped with the cause where one cannot."""
    try:
        serve.run(application, name=NAME)
    except RuntimeError as problem:  # it names the deployment; the cause is in its status
        deployments = serve.status().applications[NAME].deployments.values()
        told = [one.message for one in deployments if one.status in _FAILED] or [str(problem)]
        raise ServingStopped(f"the server cannot start: {cause_in(told[0])}") from problem


def _close(patience_s: float) -> None:
    """Waits for what was accepted: a shutdown of Ray Serve alone would hang up on it."""
    try:
        serve.get_app_handle(NAME).close.remote().result(timeout_s=patience_s + _PROXY_SPARE_S)
        serve.delete(NAME)
    except (RayError, RayServeException, TimeoutError) as problem:
        _log.warning("the ingress did not close in order: %s", problem)
