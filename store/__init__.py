"""SQL tables, migrations, queries. Imports contracts only; SQLite and PostgreSQL alike."""
