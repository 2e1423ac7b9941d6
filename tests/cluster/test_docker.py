"""What is in docker/: each image and port is named once, and no secret has a value that everybody knows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

DOCKER = Path(__file__).parents[2] / "docker"
EXAMPLE = DOCKER / ".env.example"
COMPOSE = DOCKER / "compose.yaml"


def example() -> dict[str, str]:
    lines = [line.partition("=") for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in lines}


def test_images_and_ports_are_named_in_the_settings_alone() -> None:
    settings, compose = example(), COMPOSE.read_text()

    for name, value in settings.items():
        if name.endswith(("_IMAGE", "_PORT")):
            assert value not in compose, f"{name} belongs into .env.example alone"
            assert 1 == list(settings.values()).count(value)
            assert name in compose


def test_every_setting_is_used_and_every_used_one_is_in_the_example() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE.read_text()))

    assert set(example()) == used


def test_new_env_draws_every_secret() -> None:
    drawn = [
        subprocess.run(["sh", DOCKER / "new-env.sh"], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    secrets = [name for name, value in example().items() if not value]
    values = re.findall(rf"^(?:{'|'.join(secrets)})=(\w+)$", "\n".join(drawn), re.MULTILINE)

    assert 2 * len(secrets) == len(set(values))
    assert all(len(value) >= 32 for value in values)


def test_workers_know_no_password_of_mlflow_or_of_its_database() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]

    for node in ("ray-head", "worker"):
        known = set(services[node]["environment"])
        assert not known & {"MLFLOW_TRACKING_PASSWORD", "POSTGRES_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY"}
        assert "storage" not in services[node]["networks"]


def test_the_image_starts_what_the_services_name() -> None:
    for service in yaml.safe_load(COMPOSE.read_text())["services"].values():
        for word in (*service.get("command", ()), *service.get("entrypoint", ())):
            if word.startswith("/entry/"):
                assert (DOCKER / word[1:]).stat().st_mode & 0o111
