"""`Server`: a model server as a child process of this program."""

import http.client
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from types import TracebackType
from typing import Any

from dlkit.argument_validation import require
from dlkit.errors import InputError, ServerError
from dlkit.serving.core.settings import Settings
from dlkit.serving.process.addresses import check_ports
from dlkit.serving.process.serve import check_config_files, models_to_serve

# The line for gRPC comes first: with REST's line, both are there.
_ANNOUNCEMENT = re.compile(rb"^Serving .* at (https?://\S+)$", re.MULTILINE)
_GRPC_ANNOUNCEMENT = re.compile(rb"^Serving .* at (grpc://\S+)$", re.MULTILINE)
_POLL_SECONDS = 0.02
_STOP_SECONDS = 30  # beyond what the server itself waits for running requests


class Server:
    """A model server of its own process, for a `with` block or from `start()` to `stop()`.

    Use it to try an export, in tests and in notebooks, where one cell starts it and a later one
    stops it; `dlkit serve DIR` or TensorFlow Serving itself run in production. The process ends
    with the block, and also when this program ends or is killed.

    Reference: https://www.tensorflow.org/tfx/serving/api_rest

    Args:
        base: The model's base path, which holds `<version>/saved_model.pb`. Defaults to None: the
            option `model_config_file` lists the models.
        name: The model's name in URLs. Defaults to None, the base directory's name.
        host: The address to listen on. Defaults to "127.0.0.1", this machine only.
        rest_port: The port for REST; 0 lets the system choose one. Defaults to 8501.
        grpc_port: The port for gRPC; 0 lets the system choose one. Defaults to None, no gRPC.
        start_seconds: How long loading may take. Defaults to 120.
        **options: As for `dlkit.serving.serve`.

    Raises:
        InputError: when `base` holds no model, or an option cannot be used.

    Example:
        >>> import tensorflow as tf
        >>> from dlkit.serving import Client
        >>> class HalfPlusTwo(tf.Module):
        ...     @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        ...     def predict(self, x):
        ...         return {"y": x / 2 + 2}
        >>> model = HalfPlusTwo()
        >>> tf.saved_model.save(model, "exports/half_plus_two/1", signatures=model.predict)
        >>> with Server("exports/half_plus_two", rest_port=0) as server:
        ...     Client(server.url).predict([1.0, 2.0, 5.0])
        array([2.5, 3. , 4.5])
        >>> server = Server("exports/half_plus_two", rest_port=0).start()
        >>> Client(server.url).predict([4.0])
        array([4.])
        >>> server.stop()
        0
    """

    def __init__(
        self,
        base: str | os.PathLike | None = None,
        *,
        name: str | None = None,
        host: str = "127.0.0.1",
        rest_port: int = 8501,
        grpc_port: int | None = None,
        start_seconds: float = 120.0,
        **options: Any,
    ):
        settings = Settings.of("Server", options)
        require("uvicorn", "serve")
        self._models = models_to_serve(base, name, settings)
        check_config_files(settings, grpc_port)
        check_ports(rest_port, grpc_port)
        if rest_port is None:
            raise InputError(f"Server needs a rest_port, 0 for a free one. Received: {rest_port=}.")
        self._file = settings.model_config_file
        self._host, self._rest_port, self._grpc_port = host, rest_port, grpc_port
        self._start_seconds = start_seconds
        self._stop_seconds = settings.drain_seconds + _STOP_SECONDS
        self._options = options
        self._process: subprocess.Popen | None = None
        self._folder: Any = None
        self._output = pathlib.Path()
        self._url = self._grpc_url = ""

    def __repr__(self) -> str:
        where = f"at {self._url}" if self._url else "not running"
        return f"<Server of {self._served()}, {where}>"

    def __enter__(self) -> "Server":
        """Start the process and wait until it answers."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process."""
        self.stop()

    @property
    def url(self) -> str:
        """The model's URL, for `Client` or `curl`; the first model's where there are several.

        Raises:
            ServerError: when the server is not running.
        """
        if not self._url:
            raise ServerError(
                f"The server for {self._served()} is not running: call start(), or use it as"
                " `with Server(...) as server:`."
            )
        return self._url

    def url_of(self, name: str) -> str:
        """Return the URL of one model, where there are several.

        Args:
            name: The model's name.

        Raises:
            ServerError: when the server is not running.
        """
        return f"{self.url.rpartition('/')[0]}/{urllib.parse.quote(name, safe='')}"

    @property
    def grpc_url(self) -> str:
        """Where gRPC is answered, as `grpc://127.0.0.1:8500`.

        Raises:
            ServerError: when the server is not running, or without gRPC.
        """
        if self.url and not self._grpc_url:
            raise ServerError("The server has no gRPC: start it with grpc_port=0, for a free port.")
        return self._grpc_url

    @property
    def grpc_target(self) -> str:
        """Where gRPC is answered, as `GrpcClient` and `grpc.insecure_channel` take it.

        Raises:
            ServerError: when the server is not running, or without gRPC.
        """
        return self.grpc_url.removeprefix("grpc://")

    @property
    def pid(self) -> int | None:
        """The child's process number while there is one."""
        return self._process.pid if self._process else None

    def start(self) -> "Server":
        """Start the process and wait until it answers; a server that ended is started anew.

        Returns:
            This server.

        Raises:
            ServerError: when it is running, and with the process's last words when it ends or takes
                too long.
        """
        if self._process is not None and self._process.poll() is None:
            raise ServerError(
                f"The server is already running at {self._url}; stop() it first, or use that."
            )
        self.stop()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._output = pathlib.Path(self._folder.name, "output")
        # Appending: a file that is shared has one place, which to read would move for the process.
        with self._output.open("ab") as output:
            process = self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
            )
        try:
            self._url = self._wait_until_ready(process)
        except BaseException:
            self.stop()
            raise
        return self

    def _command(self) -> list[str]:
        flags = {"host": self._host, "rest_port": self._rest_port}
        command = [sys.executable, "-m", "dlkit.serving", "--until-stdin-closes"]
        if not self._file:
            command.append(str(self._models[0].base))
            flags["name"] = self._models[0].name
        if self._grpc_port is not None:
            flags["grpc_port"] = self._grpc_port
        for key, value in {**flags, **self._options}.items():
            command.append(f"--{key.replace('_', '-')}={value}")
        return command

    def _wait_until_ready(self, process: subprocess.Popen) -> str:
        deadline = time.monotonic() + self._start_seconds
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            output = self._read_output()
            found = _ANNOUNCEMENT.search(output)
            if found and not ended and _is_ready(found[1].decode()):
                grpc = _GRPC_ANNOUNCEMENT.search(output)
                self._grpc_url = grpc[1].decode() if grpc else ""
                return found[1].decode()
            if ended:
                raise ServerError(self._last_words() or "The server ended without a word.")
            time.sleep(_POLL_SECONDS)
        raise ServerError(
            f"The server for {self._served()} did not answer within {self._start_seconds:g} seconds"
            f" (start_seconds). Its last words: {self._last_words()}"
        )

    def _served(self) -> str:
        return self._file or str(self._models[0].base)

    def _read_output(self) -> bytes:
        return self._output.read_bytes()

    def _last_words(self) -> str:
        lines = self._read_output().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def stop(self) -> int | None:
        """Let the running requests finish and end the process; its ports are free then.

        Returns:
            The process's exit status, 0 when all went well; None when there was no process, as
            where it was stopped before.
        """
        process, self._process, self._url, self._grpc_url = self._process, None, "", ""
        if process is None:
            return None
        if process.stdin is not None:
            process.stdin.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=self._stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._folder.cleanup()
        return process.returncode


def _environment() -> dict[str, str]:
    """Return the child's environment, in which it finds the same dlkit as this program."""
    package = str(pathlib.Path(__file__).parents[3])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }


def _is_ready(url: str) -> bool:
    if url.startswith("https:"):
        return True  # it may ask for a certificate, and its port is open when it says so
    # Not urllib, which would ask a proxy for this machine's own address.
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
