"""Each fence, attacked from inside it: by Python, which can try more than ffmpeg can."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest

from media_screening.decoding import child as child_module
from media_screening.decoding.child import INPUT, Child, ChildLimits, broken_fences, run, start
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.errors import DecoderFailed, OverLimit, TimeLimit
from media_screening.fence.system import NAMES
from tests.unit.media_screening.footage import ffmpeg

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fences are Linux's")

PYTHON = os.path.realpath(sys.executable)
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
LIMITS = ChildLimits(wall_seconds=20, cpu_seconds=10, memory_bytes=256 << 20, output_bytes=100_000)


def attack(code: str, *words: str, reads: tuple[Path, ...] = ()) -> str:
    """Run code behind the fences; what it prints, or the name of the error that stopped it."""
    guarded = f"import os, sys\ntry:\n {code}\nexcept Exception as e: print(type(e).__name__)\n"
    command = [PYTHON, "-I", "-S", "-c", guarded, *words]
    return run(command, reads=(STANDARD_LIBRARY, *reads), limits=LIMITS).output.decode().strip()


def take_down(monkeypatch: pytest.MonkeyPatch, *, but: str) -> None:
    monkeypatch.setattr(
        child_module, "broken_fences", lambda: dict.fromkeys(NAMES - {but}, "taken down")
    )


def need(fence: str) -> None:
    if fence in broken_fences():
        pytest.skip(f"this system has no {fence}: {broken_fences()[fence]}")


ATTACKS = {
    "another file": ("open(sys.argv[1]).read(); print('broken')", "PermissionError"),
    "a folder": ("os.listdir('/etc'); print('broken')", "PermissionError"),
    "itself by /proc": ("open('/proc/self/environ').read(); print('broken')", "PermissionError"),
    "a new file": ("open('new', 'w').close(); print('broken')", "PermissionError"),
    "a socket": ("import socket; socket.socket(); print('broken')", "PermissionError"),
    "a local socket": (
        "import socket; socket.socket(socket.AF_UNIX); print('broken')",
        "PermissionError",
    ),
    "a process": ("os.fork(); print('broken')", "PermissionError"),
    "a spawned one": (
        "os.posix_spawn(sys.executable, ['x'], {}); print('broken')",
        "PermissionError",
    ),
    "another program": ("os.execv('/bin/sh', ['sh', '-c', 'echo broken'])", "PermissionError"),
    "its parent": ("os.kill(os.getppid(), 0); print('broken')", "PermissionError"),
    "memory": ("bytearray(512 << 20); print('broken')", "MemoryError"),
    "memory by mapping": ("import mmap; mmap.mmap(-1, 8 << 30); print('broken')", "OSError"),
    "a file in memory": ("os.memfd_create('x'); print('broken')", "PermissionError"),
    "new namespaces": (
        "import ctypes; print(ctypes.CDLL(None).unshare(0x10000000) or 'broken')",
        "-1",
    ),
    "greater limits": (
        "import resource as r; r.setrlimit(r.RLIMIT_CORE, (1, 1)); print('broken')",
        "ValueError",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_all_fences_together_hold(name: str, tmp_path: Path) -> None:
    for fence in ("limits", *NAMES):
        need(fence)
    secret = tmp_path / "secret"
    secret.write_text("broken")
    code, end = ATTACKS[name]
    assert attack(code, str(secret)) == end


def test_without_fences_the_attacks_would_succeed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    take_down(monkeypatch, but="")
    secret = tmp_path / "secret"
    secret.write_text("broken")
    for name in ("another file", "a socket", "a process", "a spawned one", "another program"):
        assert "broken" in attack(ATTACKS[name][0], str(secret)), name


FENCES_ALONE = {
    "landlock": ("another file", "a folder", "another program", "itself by /proc"),
    "seccomp": ("a socket", "a process", "a spawned one", "another program", "a file in memory"),
}


@pytest.mark.parametrize("fence", FENCES_ALONE)
def test_each_fence_holds_alone(
    fence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    need(fence)
    take_down(monkeypatch, but=fence)
    secret = tmp_path / "secret"
    secret.write_text("broken")
    for name in FENCES_ALONE[fence]:
        code, end = ATTACKS[name]
        assert attack(code, str(secret)) == end, name


def test_a_namespace_alone_has_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import socket; s = socket.socket();"
        " s.settimeout(5); s.connect(('127.0.0.1', int(sys.argv[1]))); print('broken')"
    )
    need("namespaces")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        take_down(monkeypatch, but="")
        assert attack(code, port) == "broken"
        take_down(monkeypatch, but="namespaces")
        assert attack(code, port) == "OSError"  # there, the loopback is another


def test_it_reads_what_it_was_given(tmp_path: Path) -> None:
    given = tmp_path / "given \n'\".mp4"
    given.write_text("mine")
    assert attack("print(open(sys.argv[1]).read())", str(given), reads=(given,)) == "mine"


def test_it_sees_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "broken")
    assert attack("print(sorted(os.environ), os.listdir('/proc/self/fd'))") == "PermissionError"
    assert attack("print(sorted(os.environ))") == "['LC_ALL', 'PATH']"
    handles = "print([n for n in range(64) if os.path.exists(f'/proc/self/fd/{n}')])"
    assert attack(handles) == "[0, 1, 2]"


def test_it_starts_threads() -> None:
    code = (
        "import threading; t = threading.Thread(target=print, args=('ran',)); t.start(); t.join()"
    )
    assert attack(code) == "ran"


def python(code: str, **limits: float) -> Child:
    allowed = ChildLimits(wall_seconds=limits.get("wall", 20), cpu_seconds=limits.get("cpu", 20))
    return start([PYTHON, "-I", "-S", "-c", code], reads=[STANDARD_LIBRARY], limits=allowed)


def test_a_hang_ends_in_time() -> None:
    began = time.monotonic()
    with python("import time; time.sleep(60)", wall=0.5) as child:
        assert child.stdout.read() == b""
        child.finish()
    with pytest.raises(TimeLimit, match=r"longer than 0\.5 s"):
        child.check()
    assert time.monotonic() - began < 20


def test_a_loop_ends_by_processor_time() -> None:
    with python("while True: pass", cpu=1) as child:
        assert child.stdout.read() == b""
        child.finish()
    with pytest.raises(TimeLimit, match="more than 1 s of the processor"):
        child.check()


def test_a_crash_is_named() -> None:
    with python("import ctypes; ctypes.string_at(0)") as child:
        child.stdout.read()
        child.finish()
    with pytest.raises(DecoderFailed, match="crashed: SIGSEGV"):
        child.check()


def test_a_flood_is_cut_off() -> None:
    for stream in ("stdout", "stderr"):
        flood = f"import sys\nwhile True: sys.{stream}.write('x' * 10_000)"
        with pytest.raises(OverLimit, match="over 100,000 bytes"):
            run([PYTHON, "-I", "-S", "-c", flood], reads=[STANDARD_LIBRARY], limits=LIMITS)


def test_leaving_it_ends_it() -> None:
    with python("import time; print('up', flush=True); time.sleep(60)") as child:
        assert child.stdout.readline() == b"up\n"
        began = time.monotonic()
    assert time.monotonic() - began < 10
    child.check()


def test_it_ends_with_the_thread_that_started_it() -> None:
    started: list[Child] = []
    code = "import time; print('up', flush=True); time.sleep(60)"

    def begin() -> None:
        child = python(code, wall=60)
        started.append(child)
        child.stdout.readline()

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    began = time.monotonic()
    with started[0] as child:
        assert child.stdout.read() == b""
    assert time.monotonic() - began < 20


def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    with pytest.raises(DecoderFailed, match=r"fenced in: .*No such file"):
        run([str(tmp_path / "ffmpeg")], reads=[])
    with pytest.raises(DecoderFailed, match="could not be started"):
        run(["ffmpeg\0"], reads=[])


def test_ffmpeg_runs_behind_them() -> None:
    finished = run([ffmpeg_path(), "-version"], reads=[])
    assert finished.output.startswith(b"ffmpeg version")


def test_ffmpeg_itself_reads_no_other_file(tmp_path: Path) -> None:
    """Even where its own lists would let it."""
    need("landlock")
    given, other = tmp_path / "given.wav", tmp_path / "other.wav"
    for path in (given, other):
        ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", path)
    command = [ffmpeg_path(), "-hide_banner", "-protocol_whitelist", "file,concat", "-i"]
    assert "Audio: pcm_s16le" in run([*command, INPUT], reads=[given]).log
    for url in (f"file:{other}", f"concat:{given}|{other}"):
        assert "Permission denied" in run([*command, url], reads=[given]).log


def test_ffmpeg_itself_reaches_no_network() -> None:
    need("seccomp")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        log = run([ffmpeg_path(), "-hide_banner", "-i", url]).log
        assert "Error opening input" in log or "Operation not permitted" in log
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_what_was_condemned_says_why() -> None:
    with python("import time; time.sleep(60)") as child:
        child.condemn("it says too much")
        child.finish()
    with pytest.raises(DecoderFailed, match="it says too much"):
        child.check()


def test_no_folder_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run([ffmpeg_path(), "-version"], reads=[])
    assert list(tmp_path.iterdir()) == []
