"""The trust team's web app: alerts and dead letters, to read. Imports contracts, store, tuning."""
