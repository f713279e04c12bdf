"""The front door: command line, settings, embedded services. Everything is composed here."""
