from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from media_screening.decoding.scratch import scratch_folder, sweep

HOLD = """
import sys, time
from pathlib import Path
from media_screening.decoding.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "upload").write_bytes(bytes(1_000))
    print(folder, flush=True)
    time.sleep(60)
"""


def test_it_is_gone_afterwards(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "upload").touch()
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    (tmp_path / "doorstaff-of-another-kind").mkdir()
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with (
        scratch_folder(tmp_path) as ours,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        assert sweep(tmp_path) == 0
        assert (theirs / "upload").exists()
        process.kill()
        process.wait()
        assert sweep(tmp_path) == 1
        assert not theirs.exists()
        assert ours.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["doorstaff-of-another-kind"]
