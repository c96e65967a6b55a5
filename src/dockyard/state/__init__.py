"""State on disk: every path, the SQLite records, locks and schema migrations."""
