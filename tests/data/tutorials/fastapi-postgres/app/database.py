import os
from pathlib import Path

import psycopg


def connect():
    return psycopg.connect(
        host=os.environ["DATABASE_HOST"],
        dbname="app",
        user=os.environ["DATABASE_USER"],
        password=Path(os.environ["DATABASE_PASSWORD_FILE"]).read_text().strip(),
        autocommit=True,
    )
