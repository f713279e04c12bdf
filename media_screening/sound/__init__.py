"""What a sound track is kept as, searched by and aligned by."""
