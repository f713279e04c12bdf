"""The crash test: workers and a broker are killed at random; what stands at the end is compared.

``python -m tests.integration.crash`` runs it in full; ``test_crash.py`` is the short one for CI.
"""
