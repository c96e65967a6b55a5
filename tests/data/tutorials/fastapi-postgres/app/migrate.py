from database import connect

with connect() as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text)")
print("migrated")
