"""The Faust app: topics and agents. An agent decodes, calls the core, emits."""
