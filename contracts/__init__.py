"""What travels: events, signals, verdicts, alerts, decisions, the ruleset.

Imports nothing of ours.
"""
