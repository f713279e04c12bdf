# One image for the worker, the media worker and the console; `docker-compose.yml` says which.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/doorstaff
ENV PATH=/opt/doorstaff/bin:$PATH
WORKDIR /src
# The locked wheels first: a change of our own code does not install them again.
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN groupadd --system --gid 10001 doorstaff \
    && useradd --system --uid 10001 --gid doorstaff --no-create-home --home-dir /var/lib/doorstaff \
       doorstaff \
    && install --directory --owner=doorstaff --group=doorstaff \
       /var/lib/doorstaff /var/lib/doorstaff/evidence
COPY --from=build /opt/doorstaff /opt/doorstaff
# A container is reached from outside it: it listens on all of its own addresses, and what is
# published, and to whom, is said where it is run.
ENV PATH=/opt/doorstaff/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DOORSTAFF_HOME=/var/lib/doorstaff \
    DOORSTAFF_HOST=0.0.0.0 \
    DOORSTAFF_METRICS_PORT=9100 \
    HEALTH_PORT=9100
USER 10001:10001
WORKDIR /var/lib/doorstaff
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"HEALTH_PORT\"]}/healthz', timeout=4)"]
CMD ["doorstaff", "--help"]
