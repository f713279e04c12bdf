"""What is kept of a picture and of a video, and how it is made."""
