"""What stands in deployments/, held against those who read it, as far as that goes without an engine or a cluster."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.prefect_server import prefect_server

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deployments"
COMPOSE = HERE / "compose.yaml"
MANIFESTS = sorted((HERE / "kubernetes").glob("*.yaml"))
TYPES = ("docker", "kubernetes")


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def _pods() -> list[dict[str, Any]]:
    ray = yaml.safe_load((HERE / "kubernetes/ray.yaml").read_text())["spec"]
    worker = yaml.safe_load((HERE / "kubernetes/worker.yaml").read_text())["spec"]
    template = json.loads((HERE / "pools/kubernetes.json").read_text())["job_configuration"]["job_manifest"]["spec"]
    specs = [ray["headGroupSpec"], *ray["workerGroupSpecs"], worker, template]
    return [spec["template"]["spec"] for spec in specs]


def test_the_compose_file_is_one() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_compose_takes_every_password_from_the_environment_and_starts_nothing_without_them() -> None:
    text = COMPOSE.read_text()
    secrets = set(re.findall(r"\$\{(RUSHES_\w+)", text))
    assert len(secrets) == 6
    assert all(f"${{{name}:?" in text for name in secrets)
    for name, value in re.findall(r"(\w*(?:PASSWORD|AUTH_STRING|AUTH_TOKEN|SECRET\w*)): (\S+)", text):
        assert value.startswith("${RUSHES_"), name


def test_compose_opens_ports_on_loopback_alone() -> None:
    ports = [port for service in _compose()["services"].values() for port in service.get("ports", ())]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_image_has_a_release() -> None:
    compose = [service["image"] for service in _compose()["services"].values()]
    pods = [container["image"] for pod in _pods() for container in pod["containers"]]
    for image in (*compose, *pods):
        assert re.search(r":[\w.-]*\d", image) or image == "{{ image }}", image
    assert f"rushes:{version('rushes')}" in compose
    assert re.search(r"^ARG PYTHON=\d+\.\d+\.\d+-", (HERE / "Dockerfile").read_text(), re.MULTILINE)


def test_the_image_gets_the_releases_that_the_tests_ran_with() -> None:
    def pins(path: Path) -> set[str]:
        return {re.split(r"[ ;]", line)[0] for line in path.read_text().splitlines() if "==" in line}

    image, tested = pins(HERE / "requirements.lock"), pins(ROOT / "requirements.lock")
    names = {line.split("==")[0] for line in image}
    assert image <= tested
    assert {"prefect", "ray", "obstore", "imageio-ffmpeg"} <= names
    assert not names & {"pytest", "mypy", "playwright"}


@pytest.mark.parametrize("path", [path for path in MANIFESTS if path.stem not in ("kustomization", "ray")], ids=str)
def test_manifests_are_what_kubernetes_takes(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(document, "1.34", strict=True)


def test_kustomize_names_every_manifest() -> None:
    listed = yaml.safe_load((HERE / "kubernetes/kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [path.name for path in MANIFESTS if path.stem != "kustomization"]


def test_the_ray_cluster_has_the_release_of_its_image_and_asks_for_a_token() -> None:
    spec = yaml.safe_load((HERE / "kubernetes/ray.yaml").read_text())["spec"]
    assert spec["rayVersion"] == version("ray")
    assert spec["authOptions"] == {"mode": "token", "secretName": "rushes-ray"}


def test_no_pod_runs_as_root_or_may_become_it() -> None:
    for pod in _pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }


def test_secrets_are_named_and_never_stand_in_a_manifest() -> None:
    for path in MANIFESTS:
        assert not [document for document in yaml.safe_load_all(path.read_text()) if document["kind"] == "Secret"]
    for pod in _pods():
        for container in pod["containers"]:
            assert all("value" not in entry for entry in container.get("env", ()) if isinstance(entry, dict))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("pools")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSHES_HOME", os.environ.get("RUSHES_HOME", str(ROOT / ".rushes")))
        with prefect_server(folder) as url:
            yield url


@pytest.mark.parametrize("kind", TYPES)
def test_prefect_makes_a_pool_of_each_template(kind: str, api: str, tmp_path: Path) -> None:
    environment = os.environ | {"PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path), "DO_NOT_TRACK": "1"}
    prefect = [sys.executable, "-m", "prefect"]
    command = [*prefect, "work-pool", "create", f"rushes-{kind}", "--type", kind]
    command += ["--base-job-template", str(HERE / f"pools/{kind}.json")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workers_understand_the_templates(api: str, tmp_path: Path) -> None:
    script = tmp_path / "render.py"
    script.write_text(_RENDER)
    environment = os.environ | {"PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path), "DO_NOT_TRACK": "1"}
    command = [sys.executable, str(script), str(HERE / "pools")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    job, container = json.loads(done.stdout)
    spec = job["spec"]["template"]["spec"]
    for key in ("parallelism", "completions"):  # of the job; Prefect wants to see them here
        del spec[key]
    kubernetes_validate.validate(job, "1.34", strict=True)
    assert spec["containers"][0]["args"] == ["prefect", "flow-run", "execute"]
    assert container["image"] == f"rushes:{version('rushes')}"
    assert container["container_create_kwargs"]["cap_drop"] == ["ALL"]


_RENDER = """
import asyncio, json, sys, uuid
from pathlib import Path

from prefect.client.schemas.objects import FlowRun
from prefect_docker.worker import DockerWorkerJobConfiguration
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

async def main(folder):
    kinds = {"kubernetes": KubernetesWorkerJobConfiguration, "docker": DockerWorkerJobConfiguration}
    found = {}
    for name, kind in kinds.items():
        template = json.loads((folder / f"{name}.json").read_text())
        found[name] = await kind.from_template_and_values(template, {})
        found[name].prepare_for_flow_run(FlowRun(id=uuid.uuid4(), flow_id=uuid.uuid4(), name="street-scenes 2026"))
    print(json.dumps([found["kubernetes"].job_manifest, found["docker"].model_dump(mode="json")]))

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_builds_all_of_it() -> None:
    done = subprocess.run(["kubectl", "kustomize", str(HERE / "kubernetes")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kinds = {document["kind"] for document in yaml.safe_load_all(done.stdout)}
    assert kinds == {"Namespace", "ConfigMap", "RayCluster", "Deployment", "NetworkPolicy"}
