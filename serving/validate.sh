#!/bin/sh
# Check every file of this folder with the tool that knows its format. Runs no container.
#
#   pip install "dlkit[dev]" && apt install prometheus docker-compose && serving/validate.sh
set -eu
cd "$(dirname "$0")"
for tool in hadolint kubernetes-validate promtool docker-compose; do
    command -v "$tool" >/dev/null || { echo "$0 needs $tool; see its first lines" >&2; exit 2; }
done
hadolint ../Dockerfile tfserving.Dockerfile embedded.Dockerfile
for overlay in gpu cpu; do
    docker-compose -f compose.yaml -f "compose.$overlay.yaml" config --quiet
done
kubernetes-validate --strict kubernetes/deployment.yaml kubernetes/service.yaml \
    kubernetes/autoscaler.yaml kubernetes/disruption_budget.yaml kubernetes/monitor.yaml
promtool check config prometheus/prometheus.yml
promtool test rules prometheus/alerts_test.yml
echo "All files are valid."
