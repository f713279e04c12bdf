"""The fences that ffmpeg runs in: what the operating system lets it have, and no more.

This package stands alone and imports little: a fresh Python puts the fences up for every child, and
its start is part of what a screening costs.
"""
