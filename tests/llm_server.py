"""A language-model server on loopback that answers by script: well, badly, slowly, or not at all."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What to do with one request: ``raw`` replaces the chat completion around ``content``."""

    content: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    finish: str = "stop"
    stall: bool = False  # say nothing until the client hangs up
    drop: bool = False  # close the line in the middle of the reply
    usage: tuple[int, int] = (100, 10)
    message: dict[str, Any] = field(default_factory=dict)  # more fields of the message


Script = Callable[[Body, int], Reply]
"""Gets the request's body and how often this case was asked, 1 at first."""


def case_of(body: Body) -> str:
    """The case at hand in a request: its last user turn that is not a complaint."""
    said = [m["content"] for m in body["messages"] if m["role"] == "user"]
    return next(text for text in reversed(said) if not text.startswith("That cannot be used"))


def good(body: Body, attempt: int = 1) -> Reply:
    """A valid answer that depends on the case alone."""
    case = case_of(body)
    words = " ".join(case.split(": ", 1)[1].split()[:3]).strip(",")
    system = body["messages"][0]["content"]  # or the first user turn, where that text begins it
    if '"concept"' in system:
        answer: Any = {"concept": f"kind of {words}", "description": f"grey stripes beside {words}"}
    elif '"contrasts"' in system:
        answer = {"contrasts": [{"first": f"left{i} edge", "second": f"right{i} edge"} for i in range(3)]}
    elif '"parts"' in system:
        nouns = case.split("Nouns: ")[1].splitlines()[0].split(", ")
        answer = {"parts": [{"name": "early", "nouns": nouns[:1]}, {"name": "late", "nouns": nouns[1:]}]}
    else:
        answer = {"attributes": [f"mark{i} near {words}" for i in range(3)]}
    return Reply(content=json.dumps(answer))


def error(status: int, message: str, code: str = "", param: str = "", **headers: str) -> Reply:
    """An error in OpenAI's form."""
    body = {"error": {"message": message, "code": code or None, "param": param or None, "type": "error"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if not any(name.lower().startswith("retry-after") for name in named):
        named["retry-after-ms"] = "20"  # tests do not wait for the client's own pauses
    return Reply(status=status, raw=json.dumps(body).encode(), headers=named)


def streamed(reply: Reply) -> Reply:
    """The same answer as server-sent events, a few letters each."""
    text = reply.content
    deltas = [{"content": text[i : i + 7]} for i in range(0, len(text), 7)]
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish}]})
    lines = [f"data: {json.dumps({'id': 'x', 'object': 'chat.completion.chunk', **c})}\n\n" for c in chunks]
    return Reply(
        raw="".join([*lines, "data: [DONE]\n\n"]).encode(), headers={"Content-Type": "text/event-stream"}
    )


class LLMServer:
    """Serves a script and counts what it sees; use as a context manager."""

    def __init__(
        self, script: Script = good, *, latency: float = 0.0, models: tuple[str, ...] = ("tiny",)
    ) -> None:
        self.script = script
        self.latency = latency
        self.models = models
        self.bodies: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.asked: Counter[str] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        self.lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.owner = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def requests(self) -> int:
        return len(self.bodies)

    def __enter__(self) -> LLMServer:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def enter(self, body: Body, headers: dict[str, str]) -> int:
        with self.lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.bodies.append(body)
            self.headers.append(headers)
            self.asked[case_of(body)] += 1
            return self.asked[case_of(body)]

    def leave(self) -> None:
        with self.lock:
            self.in_flight -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: LLMServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        models = {"object": "list", "data": [{"id": name} for name in self.server.owner.models]}
        self._send(Reply(raw=json.dumps(models).encode()))

    def do_POST(self) -> None:
        owner = self.server.owner
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner.paths.append(self.path)
        attempt = owner.enter(body, {name.lower(): value for name, value in self.headers.items()})
        left = False
        try:
            reply = owner.script(body, attempt)
            time.sleep(owner.latency)
            if reply.stall:
                self._wait_for_hang_up()
                return
            owner.leave()  # before the last byte: the client may send its next request at once
            left = True
            self._send(reply)
        finally:
            if not left:
                owner.leave()

    def _send(self, reply: Reply) -> None:
        data = reply.raw if reply.raw is not None else _completion(reply)
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if reply.drop else data)
        self.wfile.flush()
        if reply.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _wait_for_hang_up(self) -> None:
        self.close_connection = True
        readable, _, _ = select.select([self.connection], [], [], 30)
        assert not readable or not self.connection.recv(1)


def _completion(reply: Reply) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": reply.content, **reply.message},
        "finish_reason": reply.finish,
    }
    prompt, completion = reply.usage
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
