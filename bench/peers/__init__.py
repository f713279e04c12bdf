"""The same job in the idiom of other stream libraries, and what mere reading costs.

Each file is a program of its own, written as its library's documentation would have it; ``job.py``
says what the job is. None of them is imported by Doorstaff, nor are their libraries its own: those
are in ``requirements.lock`` here.
"""
