"""Python processes of the tests that begin with TensorFlow imported.

Importing it costs more than most of what a test needs a process for. Here one process imports it,
does nothing else, and is copied (`os.fork`) for each `python -m NAME` and `python FILE.py` that a
test starts, or a process that a test started. The copy runs the named code as a new process would:
a child of who started it, with arguments, environment, working directory and standard streams of
its own, and nothing of dlkit imported. The process that checks an export is the copy of another
one, which has loaded TensorFlow's C++ library and has, as it must, no Python of it.

Where an import is what a test is about, it takes the fixture `cold_start`, or `cold()`. A command
with another of Python's options (`-c`, `-X`) is cold, too, and so is one whose environment has
another setting of those that an import reads.
"""

import contextlib
import ctypes
import gc
import importlib.util
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading

MODULES = ("tensorflow", "keras")
_BARE = "dlkit.export.parity.subprocess_runner"  # has the C++ of TensorFlow, and no Python of it
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>

_cold = subprocess._fork_exec
_lock = threading.Lock()
_settings = {}
_sources: dict[str, socket.socket] = {}  # the processes that are copied, at the other ends


def install():
    """Start processes warm from now on, where the system can: on Linux."""
    global _settings
    if sys.platform == "linux":
        _settings = _read_by_imports(os.environ)
        subprocess._USE_POSIX_SPAWN = False
        subprocess._fork_exec = _start


@contextlib.contextmanager
def cold():
    """Start processes as Python does, in a `with` block."""
    now, subprocess._fork_exec = subprocess._fork_exec, _cold
    try:
        yield
    finally:
        subprocess._fork_exec = now


def _start(*given):
    """Stand in for the function with which Popen starts a process, and take its arguments."""
    arguments = [os.fsdecode(argument) for argument in given[0]]
    kept, folder, environment = given[3:6]
    if environment is None:
        environment = [name + b"=" + value for name, value in os.environb.items()]
    environment = dict(os.fsdecode(entry).split("=", 1) for entry in environment)
    # pass_fds, preexec_fn: no test needs them
    if len(kept) > 1 or given[21] or not _may_be_warm(arguments, environment):
        return _cold(*given)
    own_session = bool(given[15])
    request = [arguments[1:], os.path.abspath(folder or "."), environment, own_session]
    streams = [own if fd == -1 else fd for own, fd in enumerate((given[6], given[9], given[11]))]
    with _lock:
        # The copy's parent ends at once, and the nearest subreaper above it takes its place.
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
        kind = "bare" if _BARE in arguments[1:3] else "python"
        number = _ask(kind, json.dumps(request).encode(), streams)
        ctypes.CDLL(None).prctl(_SUBREAPER, 0, 0, 0, 0)
    return number


def _may_be_warm(arguments, environment):
    if arguments[0] != sys.executable or len(arguments) < 2:
        return False
    if _BARE in arguments[1:3] and __name__ == "__main__":
        return False  # a copy checks one export: a source of its own would save nothing
    same = _read_by_imports(environment) == _settings
    return same and (arguments[1] == "-m" or arguments[1].endswith(".py"))


def _read_by_imports(environment):
    found = {k: v for k, v in environment.items() if k.startswith(("TF_", "KERAS_", "LD_"))}
    # What tf2onnx sets when it is imported, and what the first operation reads.
    for name in ("TF_CPP_MIN_LOG_LEVEL", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        found.pop(name, None)
    return found


def _ask(kind, request, streams):
    """Return the number of the new process that does what is asked."""
    if kind not in _sources:
        _sources[kind], end = socket.socketpair()
        command = [sys.executable, os.path.abspath(__file__), kind, str(end.fileno())]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        end.set_inheritable(True)
        # The library's first log lines would stand in a test's standard error.
        silent = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)] if kind == "bare" else []
        os.posix_spawn(sys.executable, command, environment, file_actions=silent)
        end.close()
    source = _sources[kind]
    socket.send_fds(source, [len(request).to_bytes(8, "big")], streams)
    source.sendall(request)
    return int.from_bytes(source.recv(8), "big")


def _copies(source):
    """Return in each copy what it is to run, and its streams; in the source None, at the end."""
    while True:
        size, streams, *_ = socket.recv_fds(source, 8, 3)
        if not size:
            return None
        with source.makefile("rb") as file:
            request = file.read(int.from_bytes(size, "big"))
        reader, writer = os.pipe()
        if not (between := os.fork()):
            if not (number := os.fork()):
                source.close()
                os.close(reader)
                os.close(writer)
                return json.loads(request), streams
            os.write(writer, number.to_bytes(8, "big"))
            os._exit(0)
        os.waitpid(between, 0)
        source.sendall(os.read(reader, 8))
        for descriptor in (reader, writer, *streams):
            os.close(descriptor)


def _run(arguments, folder, environment, own_session, streams):
    """Take over what a new process has of its own, and run."""
    if own_session:
        os.setsid()
    sys.orig_argv = [sys.executable, *arguments]
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    sys.stdout.reconfigure(line_buffering=True)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    is_module = arguments[0] == "-m"
    sys.argv = arguments[is_module:]
    first = folder if is_module else os.path.dirname(os.path.abspath(arguments[0]))
    paths = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:1] = [first, *paths]
    if is_module:
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(arguments[0], run_name="__main__")


def _load(kind):
    """Load what is slow to load: TensorFlow for Python, or NumPy and the C++ library alone."""
    if kind == "python":
        for name in MODULES:
            importlib.import_module(name)
    else:
        importlib.import_module("numpy")
        (folder,) = importlib.util.find_spec("tensorflow").submodule_search_locations
        ctypes.CDLL(os.path.join(folder, "libtensorflow_cc.so.2"))


def _main(kind, source):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load(kind)
    gc.freeze()  # what is never collected stays shared memory, which is cheap to leave behind
    while asked := _copies(source):
        request, streams = asked
        # What the copy starts is warm as well: its source is a copy that has not run anything.
        _sources[kind], source = socket.socketpair()
        if os.fork():
            source.close()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            install()
            return *request, streams
        _sources.pop(kind).close()
        for stream in streams:
            os.close(stream)
    return None


if __name__ == "__main__":
    if asked := _main(sys.argv[1], socket.socket(fileno=int(sys.argv[2]))):
        _run(*asked)
