import os
from http.server import BaseHTTPRequestHandler, HTTPServer

import pymysql


def connect():
    return pymysql.connect(
        host=os.environ["BLOG_DB_HOST"],
        user=os.environ["BLOG_DB_USER"],
        password=os.environ["BLOG_DB_PASSWORD"],
        database=os.environ["BLOG_DB_NAME"],
        autocommit=True,
    )


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS posts (title text)")
            cursor.execute("INSERT INTO posts VALUES ('Hello world!')")
            cursor.execute("SELECT title FROM posts")
            body = "\n".join(row[0] for row in cursor.fetchall()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("", 80), Handler).serve_forever()
