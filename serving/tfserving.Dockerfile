# TensorFlow Serving on an NVIDIA GPU with the exported models baked in.
#
#   docker build -f serving/tfserving.Dockerfile -t models-gpu .       # from the project's root
#   docker run --rm --gpus all -p 8500:8500 -p 8501:8501 models-gpu
#
# To mount them instead, see compose.yaml. Without a GPU: --build-arg TAG=2.19.1

ARG TAG=2.19.1-gpu
FROM tensorflow/serving:${TAG}
# The directories that `dlkit export` writes: exports/<model>/<version>.
COPY exports /models
COPY serving/config /config
ENV TF_FORCE_GPU_ALLOW_GROWTH=true
EXPOSE 8500 8501
USER 1000
ENTRYPOINT ["tensorflow_model_server"]
CMD ["--port=8500", "--rest_api_port=8501", \
     "--model_config_file=/config/models.config", \
     "--enable_batching=true", "--batching_parameters_file=/config/batching.config", \
     "--monitoring_config_file=/config/monitoring.config"]
