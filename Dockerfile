# Training and the `dlkit` command on an NVIDIA GPU. The CUDA libraries come with TensorFlow's own
# wheels, so the host needs the driver and the NVIDIA container toolkit, and nothing else.
#
#   docker build -t dlkit .
#   docker run --rm --gpus all -v "$PWD:/work" dlkit train cnn --data digits
#
# A machine without a GPU: docker build --build-arg EXTRAS=all -t dlkit:cpu .

FROM python:3.11.13-slim-bookworm AS build
ARG EXTRAS=all,gpu
WORKDIR /source
COPY constraints.txt setup.cfg pyproject.toml README.md LICENSE ./
COPY dlkit dlkit
# The pinned set that the tests run on, in an environment that the second stage copies whole.
RUN python -m venv /opt/dlkit \
    && /opt/dlkit/bin/pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.11.13-slim-bookworm
LABEL org.opencontainers.image.title="dlkit" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Train, evaluate, export and serve Keras models"
RUN useradd --create-home --uid 1000 dlkit
COPY --from=build /opt/dlkit /opt/dlkit
ENV PATH=/opt/dlkit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=1 \
    TF_FORCE_GPU_ALLOW_GROWTH=true
USER 1000
WORKDIR /work
ENTRYPOINT ["dlkit"]
CMD ["--help"]
