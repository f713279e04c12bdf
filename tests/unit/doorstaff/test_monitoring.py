"""/metrics and /healthz."""

from __future__ import annotations

from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from doorstaff.monitoring import Monitoring


def get(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_health_follows_the_worker_and_metrics_are_prometheus() -> None:
    well = False
    with Monitoring("127.0.0.1", 0, healthy=lambda: well) as monitoring:
        assert get(f"{monitoring.url}/healthz") == (503, "not ready")
        well = True
        assert get(f"{monitoring.url}/healthz") == (200, "ok")
        status, text = get(f"{monitoring.url}/metrics")
        assert status == 200
        assert "# TYPE python_info gauge" in text
        assert get(f"{monitoring.url}/elsewhere")[0] == 404
    with pytest.raises(URLError):
        urlopen(f"{monitoring.url}/healthz", timeout=5)


def test_two_processes_of_one_machine_get_ports_of_their_own() -> None:
    with (
        Monitoring("127.0.0.1", 0, healthy=lambda: True) as one,
        Monitoring("127.0.0.1", 0, healthy=lambda: True) as other,
    ):
        assert one.url != other.url
