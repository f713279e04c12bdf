"""What a media worker counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SCREENINGS = Counter("doorstaff_media_screenings", "Screenings finished, by status.", ["status"])
SCREENING_SECONDS = Histogram(
    "doorstaff_media_screening_seconds",
    "Time from claiming an upload to its outcome, fetching included.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
)
VIDEO_SECONDS = Counter(
    "doorstaff_media_video_seconds", "Seconds of video that have been screened."
)
ATTEMPTS = Counter("doorstaff_media_attempts", "Jobs handed to this worker, repeats included.")
RETRIES = Counter("doorstaff_media_retries", "Jobs given back to be tried again.")
DEAD_LETTERS = Counter("doorstaff_media_dead_letters", "Jobs given up.")
QUEUE_JOBS = Gauge("doorstaff_media_queue_jobs", "Uploads that wait for, or are in, screening.")
REFERENCES = Gauge("doorstaff_media_references", "Enabled references that are searched.")
INDEXED_FRAMES = Gauge("doorstaff_media_indexed_frames", "Frames in the reference index.")
RETROACTIVE_UPLOADS = Counter(
    "doorstaff_media_retroactive_uploads", "Past uploads that new references were held against."
)
RETROACTIVE_HITS = Counter(
    "doorstaff_media_retroactive_hits", "Past uploads that show a reference added since."
)
SOUND_FAILURES = Counter(
    "doorstaff_media_sound_failures",
    "Uploads screened by their picture alone because their sound could not be decoded.",
)
EVIDENCE_FAILURES = Counter(
    "doorstaff_media_evidence_failures", "Matches of which no pictures could be kept."
)
PROHIBITED_FAILURES = Counter(
    "doorstaff_media_prohibited_failures",
    "Uploads that could not be looked at for prohibited content, or not all of them.",
)
SOUND_VALUES = Gauge(
    "doorstaff_media_sound_values", "Values in the index of the references' sound."
)
