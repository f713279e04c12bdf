"""``videohash`` of each file whose path is a line of standard input: ``{"file", "hash"}``.

The package calls ffmpeg by that name, and keeps pictures in a folder that it leaves behind.
"""

from __future__ import annotations

import json
import sys
import tempfile

from videohash import VideoHash


def main() -> None:
    for line in sys.stdin:
        file = line.strip()
        with tempfile.TemporaryDirectory() as folder:
            found = VideoHash(path=file, storage_path=f"{folder}/").hash_hex
        row = {"file": file, "hash": found}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
