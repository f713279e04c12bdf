"""/metrics and /healthz."""

from __future__ import annotations

import socket
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from doorstaff.errors import ServiceUnavailable
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


def test_a_port_that_is_taken_is_told_with_the_setting() -> None:
    with Monitoring("127.0.0.1", 0, healthy=lambda: True) as one:
        port = int(one.url.rsplit(":", 1)[1])
        with pytest.raises(
            ServiceUnavailable, match=rf"127\.0\.0\.1:{port} .*DOORSTAFF_METRICS_PORT"
        ):
            Monitoring("127.0.0.1", port, healthy=lambda: True)


def test_an_ipv6_address_will_do() -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with Monitoring("::1", 0, healthy=lambda: True) as monitoring:
        assert monitoring.url.startswith("http://[::1]:")
        assert get(f"{monitoring.url}/healthz") == (200, "ok")


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
