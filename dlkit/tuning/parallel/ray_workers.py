"""Workers that are tasks of a Ray cluster (`dlkit[ray]`).

Each task runs the chief's own command, so the script and its data have to lie under the same paths
on each machine of the cluster.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

from dlkit.argument_validation import require
from dlkit.tuning.parallel.workers import Process, Workers, command


class RayWorkers(Workers):
    """Workers that Ray places, each on a core and, where there are GPUs, on one of them."""

    @classmethod
    def host(cls) -> str:
        """Return the address at which workers find their chief, in a cluster that is joined."""
        ray = require("ray", "ray")
        if not ray.is_initialized():
            ray.init(log_to_driver=False)  # or what RAY_ADDRESS says
        return ray.util.get_node_ip_address()

    def start(self, name: str, environment: dict[str, str]) -> Process:
        """Start a worker as a task."""
        ray = require("ray", "ray")
        task = ray.remote(_run).options(num_cpus=1, num_gpus=1 if self.gpus else 0)
        environment.pop("CUDA_VISIBLE_DEVICES", None)  # Ray gives each task its own
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        reference = task.remote(command(), kept | environment, os.getcwd(), str(self.log(name)))
        return Task(ray, reference)


class Task:
    """A task that runs a worker."""

    def __init__(self, ray: Any, reference: Any) -> None:
        self.ray, self.reference = ray, reference

    def poll(self) -> int | None:
        """Return the worker's exit status, or `None` while it runs."""
        done, _ = self.ray.wait([self.reference], timeout=0)
        if not done:
            return None
        try:
            return self.ray.get(self.reference)
        except self.ray.exceptions.RayError:
            return 1  # its machine is gone

    def terminate(self) -> None:
        """Ask it to end."""
        self.ray.cancel(self.reference)


def _run(arguments: list[str], environment: dict[str, str], folder: str, log: str) -> int:
    """Run a worker on a machine of the cluster."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:  # an empty one says that it has none
        environment["CUDA_VISIBLE_DEVICES"] = os.environ["CUDA_VISIBLE_DEVICES"]
    with open(log, "wb") as file:
        worker = subprocess.Popen(
            arguments, env=environment, cwd=folder, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            while worker.poll() is None:
                time.sleep(0.2)  # so that a cancelled task comes to its end
            return worker.returncode
        finally:
            worker.terminate()
