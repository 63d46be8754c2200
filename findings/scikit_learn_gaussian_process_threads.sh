#!/usr/bin/env bash
# scikit-learn 1.9.1 on SciPy 1.17.1. Fitting a GaussianProcessRegressor on 30 rows takes several
# times as much CPU time with two threads of the BLAS as with one, and longer: matrices this small
# are not worth a second thread, which waits in a busy loop. It depends on the BLAS (here the
# OpenBLAS of the wheels) and on the machine, and needs two cores.
# Seen: 6 to 9 times the CPU time and 4 to 9 times as long, on two cores with other work beside it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1 \
    scipy==1.17.1 numpy==2.4.6 threadpoolctl==3.8.0
"$folder/venv/bin/python" - <<'PYTHON'
import time
import warnings

import numpy as np
import scipy
import sklearn
import threadpoolctl
from sklearn.gaussian_process import GaussianProcessRegressor, kernels

rows = np.random.default_rng(0).random((30, 5))
losses = rows.sum(axis=1) ** 2
kernel = kernels.Matern(np.full(5, 0.5), nu=2.5) + kernels.WhiteKernel(1e-2)
warnings.simplefilter("ignore")


def seconds(threads):
    """Return the least CPU and wall time of three fits."""
    times = []
    with threadpoolctl.threadpool_limits(threads):
        for _ in range(3):
            cpu, wall = time.process_time(), time.perf_counter()
            process = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=0)
            process.fit(rows, losses)
            times.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(cpu for cpu, _ in times), min(wall for _, wall in times)


(cpu_1, wall_1), (cpu_2, wall_2) = seconds(1), seconds(2)
blas = {f"{p['internal_api']} {p['version']}" for p in threadpoolctl.threadpool_info()}
print("scikit-learn", sklearn.__version__, "scipy", scipy.__version__, blas)
print(f"CPU time {cpu_1:.2f} s and {cpu_2:.2f} s, wall time {wall_1:.2f} s and {wall_2:.2f} s")
raise SystemExit(not cpu_2 > 2 * cpu_1)
PYTHON
