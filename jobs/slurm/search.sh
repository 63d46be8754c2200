#!/bin/bash
# A search on the tasks of one job: task 0 is the chief, the others train.
#
#   sbatch jobs/slurm/search.sh cnn --data fashion_mnist --trials 40 --epochs 10
#
# The job's folder is shared by its nodes and has `searches/`. Started again, by Slurm or by hand, a
# search goes on.
#SBATCH --job-name=search
#SBATCH --ntasks=5
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=2G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=search-%j.log
##SBATCH --gpus-per-task=1  # or --gres=gpu:1 with --ntasks-per-node=1; the chief's stays idle
set -euo pipefail

if [ $# -eq 0 ]; then
    set -- cnn --data fashion_mnist --trials 40 --epochs 10 --patience 3
fi
# source .venv/bin/activate  # or `module load ...`: whatever puts dlkit on the PATH

# Task 0 runs on the first node. The port is the job's own, below those that systems hand out.
hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
CHIEF_HOST=${hosts%%$'\n'*}
CHIEF_PORT=$((20000 + SLURM_JOB_ID % 10000))
export CHIEF_HOST CHIEF_PORT

# A worker that fails leaves the others alone and begins anew, 5 times: it may have run out of
# memory, or waited in vain for 60 s for a chief that starts slowly. The job's status is the chief's.
# shellcheck disable=SC2016
exec srun --kill-on-bad-exit=0 --wait=0 --label bash -c '
    if [ "$SLURM_PROCID" -eq 0 ]; then
        exec dlkit tune "$@" --chief "0.0.0.0:$CHIEF_PORT"
    fi
    for attempt in 1 2 3 4 5; do
        dlkit tune "$@" --worker "$CHIEF_HOST:$CHIEF_PORT" && exit
        echo "Worker $SLURM_PROCID ended with status $? ($attempt of 5)." >&2
    done
' search "$@"
