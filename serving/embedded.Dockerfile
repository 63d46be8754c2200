# dlkit's own model server, the same API on a CPU, for amd64 and arm64.
#
#   docker buildx build --platform linux/amd64,linux/arm64 \
#       -f serving/embedded.Dockerfile -t dlkit-server .                # from the project's root
#   docker run --rm -p 8501:8501 -v "$PWD/exports:/models:ro" dlkit-server

FROM python:3.11.13-slim-bookworm AS build
WORKDIR /source
COPY constraints.txt setup.cfg pyproject.toml README.md LICENSE ./
COPY dlkit dlkit
RUN python -m venv /opt/dlkit \
    && /opt/dlkit/bin/pip install --no-cache-dir --constraint constraints.txt ".[serve]"

FROM python:3.11.13-slim-bookworm
RUN useradd --create-home --uid 1000 server
COPY --from=build /opt/dlkit /opt/dlkit
COPY serving/config /config
ENV PATH=/opt/dlkit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=1
EXPOSE 8500 8501
USER 1000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/readyz')"]
ENTRYPOINT ["dlkit-model-server"]
# A container is reached from outside it: the server binds to 127.0.0.1 unless told otherwise.
CMD ["--host=0.0.0.0", "--port=8500", "--rest_api_port=8501", \
     "--model_config_file=/config/models.config", \
     "--enable_batching=true", "--batching_parameters_file=/config/batching.config", \
     "--monitoring_config_file=/config/monitoring.config"]
