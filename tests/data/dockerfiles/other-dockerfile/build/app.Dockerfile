FROM busybox
COPY a /app/
