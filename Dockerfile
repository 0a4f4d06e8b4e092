# One image for the service, the worker, the Chroma server and the demo LMS: the same locked packages everywhere.
FROM python:3.11-slim AS build
COPY requirements-runtime.lock /build/
RUN python -m venv /opt/workside \
 && /opt/workside/bin/pip --disable-pip-version-check --no-input install --no-cache-dir --require-hashes \
      -r /build/requirements-runtime.lock \
 && printf '#!/opt/workside/bin/python\nfrom app.cli import main\n\nmain()\n' > /opt/workside/bin/workside \
 && chmod 755 /opt/workside/bin/workside

FROM python:3.11-slim
# Volumes begin with the owner of the folder that they cover, so the folders are made here for the account that writes.
RUN useradd --uid 10001 --user-group --home-dir /tmp --no-create-home --shell /usr/sbin/nologin workside \
 && install -d -o workside -g workside -m 700 /var/lib/workside /var/lib/chroma /var/lib/demo-lms
COPY --from=build /opt/workside /opt/workside
COPY . /srv/workside
WORKDIR /srv/workside
# Bytecode is made here, since nothing can be written to the image when it runs.
RUN /opt/workside/bin/python -m compileall -q app lti retrieval demo docker
# The ONNX runtime would report its use to its maker (an upload, an id on disk) unless told not to before it starts.
ENV ORT_DISABLE_TELEMETRY=1 \
    PATH=/opt/workside/bin:$PATH \
    PYTHONPATH=/srv/workside \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    WORKSIDE_DATA_DIR=/var/lib/workside \
    WORKSIDE_HOST=0.0.0.0 \
    WORKSIDE_PORT=8000
USER 10001:10001
VOLUME /var/lib/workside
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["python", "docker/is_well.py", "http://127.0.0.1:8000/healthz"]
CMD ["workside", "serve"]
