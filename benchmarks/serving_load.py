"""Clients for benchmarks/serving.py, all in one thread of one process that imports next to nothing.

    python benchmarks/serving_load.py < job > report

The job and the report are pickled dictionaries; a byte before the report says that it begins. Each
client sends its request, waits for the whole answer and sends again, over a connection of its own.
To spend little of the processors that the server needs, the clients parse nothing of an answer but
its length, and nothing of one that is the last one again, byte by byte; each distinct answer is in
the report, for the caller to check.
"""

import asyncio
import gc
import math
import pickle
import re
import resource
import select
import signal
import socket
import sys
import time

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SAME = (b"", b"")
_MAX_DISTINCT = 20_000


class Connection:
    """One client over HTTP/1.1.

    Args:
        address: Host and port.
        request: The bytes that it sends, again and again.
    """

    def __init__(self, address, request):
        self.socket = socket.create_connection(address, timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._request = request
        self._rest = b""  # of the request, to be sent yet
        self._got = self._last = b""
        self.start = 0.0

    def ask(self):
        """Send the request."""
        self.start = time.perf_counter()
        self._rest = memoryview(self._request)

    def send(self):
        """Send what the system takes; say if something is left."""
        try:
            while self._rest:
                self._rest = self._rest[self.socket.send(self._rest) :]
        except BlockingIOError:
            pass
        return bool(self._rest)

    def receive(self):
        """Return status and body once the answer is whole, `_SAME` for the last again, or None."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError(f"the server hung up in the middle of {self._got[:200]!r}")
        if not self._got and data == self._last:  # whole, since the one before was
            return _SAME
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self._got, 0, head)
        if length is None:
            raise ConnectionError(f"an answer without a length: {self._got[:200]!r}")
        end = head + 4 + int(length[1])
        if len(self._got) < end:
            return None
        answer, self._got = self._got, b""
        self._last = answer
        return answer[9:12], answer[head + 4 :]


class Clients:
    """All clients over HTTP.

    Args:
        job: `address`, `requests`, one a client, and `seconds`; SIGTERM ends it earlier. `count`
            ends it after so many answers.
    """

    def __init__(self, job):
        self._connections = [Connection(job["address"], request) for request in job["requests"]]
        self._numbers = {one.socket.fileno(): i for i, one in enumerate(self._connections)}
        self._poll = select.epoll()
        self._length = job["seconds"]
        self._count = job.get("count", math.inf)
        self.seconds, self.seen, self._once_more = [], set(), set()

    def run(self):
        """Ask until the time is up, and wait for the last answers."""
        self._end = time.perf_counter() + self._length
        for connection in self._connections:
            self._poll.register(connection.socket, select.EPOLLIN)
            self._ask(connection)
        self._running = len(self._connections)
        while self._running:
            events = self._poll.poll(60)
            if not events:
                raise ConnectionError("no answer within 60 seconds")
            for number, event in events:
                self._go_on(self._numbers[number], event)

    def stop(self):
        """Have each client ask once more, so that it sees what came before, and then no more."""
        self._end, self._once_more = 0.0, set(self._numbers.values())

    def _ask(self, connection):
        connection.ask()
        if connection.send():
            self._poll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def _go_on(self, index, event):
        connection = self._connections[index]
        if event & select.EPOLLOUT and not connection.send():
            self._poll.modify(connection.socket, select.EPOLLIN)
        answer = connection.receive() if event & ~select.EPOLLOUT else None
        if answer is None:
            return
        now = time.perf_counter()
        self.seconds.append(now - connection.start)
        if answer is not _SAME:
            self.seen.add((index, *answer))
        going_on = now < self._end or index in self._once_more
        self._once_more.discard(index)
        going_on = going_on and len(self.seconds) < self._count
        if going_on and len(self.seen) < _MAX_DISTINCT:
            self._ask(connection)
        else:
            self._running -= 1


def http(job):
    """Ask over HTTP until the time is up; return seconds an answer and the distinct answers."""
    clients = Clients(job)
    signal.signal(signal.SIGTERM, lambda *_: clients.stop())
    begin()
    clients.run()
    return clients.seconds, clients.seen


def grpc(job):
    """Ask over gRPC with serialized messages; the library does the rest, at a price."""
    return asyncio.run(_grpc(job))


async def _grpc(job):
    import grpc

    seconds, seen = [], set()
    begin()
    end = time.perf_counter() + job["seconds"]
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]

    async def client(index, request):
        target = "{}:{}".format(*job["address"])
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
            start = time.perf_counter()
            while start < end and len(seen) < _MAX_DISTINCT:
                answer = await call(request, timeout=60)
                now = time.perf_counter()
                seconds.append(now - start)
                seen.add((index, b"200", answer))
                start = now

    await asyncio.gather(*(client(i, request) for i, request in enumerate(job["requests"])))
    return seconds, seen


def begin():
    """Tell the caller that the clients ask from now on."""
    sys.stdout.buffer.write(b"+")
    sys.stdout.buffer.flush()


def main():
    """Do the job on standard input."""
    job = pickle.load(sys.stdin.buffer)
    gc.disable()
    start = time.perf_counter()
    seconds, seen = {"http": http, "grpc": grpc}[job["protocol"]](job)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    report = {
        "seconds": sorted(seconds),
        "wall": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "answers": seen,
    }
    pickle.dump(report, sys.stdout.buffer)


if __name__ == "__main__":
    main()
