"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A shared machine may pause at any time; pytest-timeout ends what really hangs.
settings.register_profile("doorstaff", deadline=None)
settings.load_profile("doorstaff")
