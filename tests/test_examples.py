"""The examples, as far as they can be checked without a cloud."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest

from batchdigits.cli.classify import ClassifyRequest, classify
from tests.conftest import ROOT

yaml = pytest.importorskip("yaml")

EXAMPLES = ROOT / "examples"
# https://ray-project.github.io/kuberay/reference/api/, those that the example uses
RAY_JOB = {"entrypoint", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec"}
RAY_CLUSTER = {"rayVersion", "enableInTreeAutoscaling", "headGroupSpec", "workerGroupSpecs"}
GROUP = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def load(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text())


def commands() -> list[str]:
    """Every batchdigits command in an example."""
    return [
        command
        for path in sorted(EXAMPLES.glob("*.yaml"))
        for command in re.findall(r"'(batchdigits classify [^'|]*)", path.read_text())
    ]


def test_each_example_has_a_command() -> None:
    assert len(commands()) == len(list(EXAMPLES.glob("*.yaml"))) == 2
    assert load("kuberay-job.yaml")["spec"]["entrypoint"].startswith("bash -c 'batchdigits classify s3://")


@pytest.mark.parametrize("command", commands())
def test_the_commands_are_accepted(command: str) -> None:
    name, verb, *arguments = shlex.split(command)
    assert (name, verb) == ("batchdigits", "classify")
    with classify.make_context("classify", arguments) as context:
        request = ClassifyRequest(**context.params)
        request.check()
    assert request.engine == "ray"
    assert request.resume


def test_a_wrong_command_is_noticed() -> None:
    with pytest.raises(click.UsageError):
        classify.make_context("classify", ["s3://bucket", "--engine", "slurm"])


def test_the_kubernetes_job_has_the_fields_of_a_ray_job() -> None:
    job = load("kuberay-job.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["spec"].keys() <= RAY_JOB
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster.keys() <= RAY_CLUSTER
    (workers,) = cluster["workerGroupSpecs"]
    for group in (cluster["headGroupSpec"], workers):
        assert group.keys() <= GROUP
        (container,) = group["template"]["spec"]["containers"]
        assert container["resources"]["requests"] == container["resources"]["limits"]
    assert workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]


@pytest.mark.skipif(not (find_spec("ray") and find_spec("jsonschema")), reason="ray is not installed")
def test_the_cluster_fits_rays_own_schema() -> None:
    import jsonschema

    cluster = load("ray-cluster.yaml")
    spec = find_spec("ray")
    assert spec and spec.origin
    schema = Path(spec.origin).parent / "autoscaler" / "ray-schema.json"
    jsonschema.validate(cluster, json.loads(schema.read_text()))
    assert cluster["head_node_type"] in cluster["available_node_types"]
