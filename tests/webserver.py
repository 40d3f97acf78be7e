"""A small web server on the loopback address that does what it is told, also wrong things. It keeps what it was asked, in order."""
from __future__ import annotations

import asyncio
import gzip
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable

Field = tuple[str, str]
Answer = Callable[[asyncio.StreamWriter], Awaitable[bool]]      # whether the connection stays open


def reply(body: bytes | str = b"", status: int = 200, fields: Iterable[Field] = (), *, length: bool = True) -> bytes:
    """A whole response. Without `length` it ends with the connection."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields)]
    lines += [f"Content-Length: {len(data)}"] if length else ["Connection: close"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data


def bomb(size_bytes: int) -> bytes:
    """A gzip stream that grows to this size."""
    return gzip.compress(bytes(size_bytes), 9, mtime=0)


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


class Listener:
    """A port where whoever knocks is told the same, whatever was asked, and let go. Use as a context manager."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)      # wakes the thread
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                with self._socket.accept()[0] as knocker:
                    knocker.recv(65_536)
                    knocker.sendall(self._answer)
            except ConnectionError:
                continue
            except OSError:                          # closed
                return


class Web:
    """Paths and what they answer; anything else is 404. Use as a context manager; `port` is known inside."""

    def __init__(self) -> None:
        self.requests: list[str] = []                # targets, in order of arrival
        self.heads: list[bytes] = []                 # the same requests, whole
        self._answers: dict[str, Answer] = {}
        self._otherwise: Callable[[str], bytes] = lambda target: reply("nothing here", 404, [("Content-Type", "text/plain")])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self.port = 0

    # What it is told
    def put(self, path: str, body: bytes | str = b"", status: int = 200, fields: Iterable[Field] = (), *,
            type: str = "text/html", length: bool = True) -> None:
        data = reply(body, status, [("Content-Type", type), *fields], length=length)
        self.raw(path, data, keep=length)

    def raw(self, path: str, data: bytes, *, keep: bool = False) -> None:
        async def send(writer: asyncio.StreamWriter) -> bool:
            writer.write(data)
            return keep
        self._answers[path] = send

    def hang(self, path: str) -> None:
        """Takes the request and never answers."""
        async def wait(writer: asyncio.StreamWriter) -> bool:
            await self._stop.wait()
            return False
        self._answers[path] = wait

    def drip(self, path: str, data: bytes, pause_s: float) -> None:
        """One byte at a time."""
        async def send(writer: asyncio.StreamWriter) -> bool:
            for i in range(len(data)):
                writer.write(data[i:i + 1])
                await writer.drain()
                await asyncio.sleep(pause_s)
            return False
        self._answers[path] = send

    def redirects(self, path: str, hops: int, last: bytes) -> None:
        """A chain: path, path.1, ... path.hops answers `last`."""
        for i in range(hops):
            self.put(path if i == 0 else f"{path}.{i}", status=301, fields=[("Location", f"{path}.{i + 1}")])
        self.raw(f"{path}.{hops}" if hops else path, last, keep=True)

    def otherwise(self, answer: Callable[[str], bytes]) -> None:
        self._otherwise = answer

    # What it does
    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Web:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self) -> None:
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            try:
                await self._talk(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                writer.close()
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keep = True
        while keep:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode("latin-1")
            self.requests.append(target)
            self.heads.append(head)
            answer = self._answers.get(target)
            if answer is None:
                writer.write(self._otherwise(target))
            else:
                keep = await answer(writer)
            await writer.drain()


def main() -> None:
    """Serves pages of one kind until standard input ends, and prints its port: the other side of a measurement."""
    page = b"<html><head><title>x</title>" + b'<meta name="author" content="x">' * 20 + b"</head><body>" \
        + b"<p>Words and <a href='/y'>words</a>.</p>" * 400 + b"</body></html>"
    with Web() as web:
        web.put("/robots.txt", "User-agent: *\nDisallow: /private\n", type="text/plain")
        web.otherwise(lambda target: reply(b"", 404) if target.startswith("/.well-known") or target.endswith(".txt")
                      else reply(page, 200, [("Content-Type", "text/html; charset=utf-8")]))
        print(web.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
