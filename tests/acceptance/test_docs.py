"""The commands of the docs do what the docs say, and every link leads somewhere.

A block that follows ``<!-- tested -->`` is run: its ``$`` lines (and their ``>`` lines) one after
another in one shell, in an empty folder that has the default ruleset as a clone has it. What the
docs show must come out; ``…`` stands for anything on a line, and alone on a line for any lines.
``<!-- setup: … -->`` is run before, and shown to nobody.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(
    r"<!-- setup: (?P<setup>.*?) -->|<!-- tested -->\n```console\n(?P<block>.*?)```", re.S
)
TESTED = [page for page in PAGES if "<!-- tested -->" in page.read_text(encoding="utf-8")]
MAX_IMAGE_BYTES = 200_000


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.slow
@pytest.mark.parametrize("page", TESTED, ids=name)
def test_the_commands_of_a_page_do_what_it_says(page: Path, tmp_path: Path) -> None:
    steps = list(_steps(page.read_text(encoding="utf-8")))
    ran = subprocess.run(
        ["/bin/bash"],
        input="".join(f"{command}\necho '<<end of step>>'$?\n" for command, _ in steps),
        cwd=_desk(tmp_path),
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=True,
    )
    came = re.split(r"<<end of step>>(\d+)\n", ran.stdout)
    for (command, shown), out, code in zip(steps, came[::2], came[1::2], strict=False):
        assert code == "0", f"{command}\n{out}"
        if shown is not None:
            assert re.fullmatch(_pattern(shown), out), (
                f"{command}\n--- shown\n{shown}--- came\n{out}"
            )
    assert len(came) // 2 == len(steps), ran.stdout


def test_the_quickstart_is_tested() -> None:
    assert ROOT / "docs" / "quickstart.md" in TESTED


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert ROOT in target.parents, link
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), link


def test_pictures_are_small_and_all_are_shown() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < MAX_IMAGE_BYTES, picture.name
        assert f"images/{picture.name})" in told, picture.name


def _steps(text: str) -> list[tuple[str, str | None]]:
    steps: list[tuple[str, str | None]] = []
    for found in BLOCK.finditer(text):
        if found["setup"]:
            steps.append((found["setup"], None))
            continue
        for step in re.split(r"^\$ ", found["block"], flags=re.M)[1:]:
            lines = step.splitlines()
            more = 1
            while more < len(lines) and lines[more].startswith("> "):
                more += 1
            command = "\n".join([lines[0], *(line[2:] for line in lines[1:more])])
            steps.append((command, "".join(f"{line}\n" for line in lines[more:])))
    return steps


def _pattern(shown: str) -> str:
    return "".join(
        r"(?:.*\n)*?"
        if line == "…"
        else ".*".join(re.escape(part) for part in line.split("…")) + r"[ ]*\n"
        for line in shown.splitlines()
    )


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _desk(folder: Path) -> Path:
    desk = folder / "desk"
    (desk / "contracts").mkdir(parents=True)
    shutil.copy(ROOT / "contracts" / "default_ruleset.yaml", desk / "contracts")
    return desk


def _environment(folder: Path) -> dict[str, str]:
    programs = folder / "programs"
    programs.mkdir()
    for program, arguments in (("doorstaff", " -m doorstaff.cli"), ("python", "")):
        file = programs / program
        file.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n')
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    ours = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("DOORSTAFF_") and key != "DATABASE_URL"
    }
    return {
        **ours,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
    }
