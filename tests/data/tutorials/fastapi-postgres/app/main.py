from database import connect
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/notes/{text}")
def add(text: str):
    with connect() as connection:
        connection.execute("INSERT INTO notes (text) VALUES (%s)", (text,))
    return {"added": text}


@app.get("/notes")
def notes():
    with connect() as connection:
        return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY id")]
