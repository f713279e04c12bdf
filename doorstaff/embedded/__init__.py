"""Broker and Valkey from wheels, started and stopped with the process that needs them."""
