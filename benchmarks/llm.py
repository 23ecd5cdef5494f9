"""How close 500 questions at 20 in flight come to what the endpoint's latency allows.

    kec bench llm [--items 500] [--in-flight 20] [--latency 0.2]

A server in a process of its own answers after a fixed latency. Ideal = items / in flight x latency. Ours keeps every
answer in a project's database, as a run does. Beside it runs the straightforward way, which keeps nothing: the
``openai`` client alone, one batch of requests after the other. ``cpu_ms`` is what a request costs our process.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.common import options_parser
from kec_core.config import LLMConfig
from kec_core.llm.client import LLMClient, check_endpoint
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.prompts import Question, concept_question
from state.project.database import create
from state.project.llm_cache import AnswerCache


class _Connection(asyncio.Protocol):
    """Answers each request of a connection with the same bytes; its own work is a hundredth of the client's."""

    def __init__(self, latency: float, reply: bytes) -> None:
        self.latency = latency
        self.reply = reply
        self.heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, found, body = self.heard.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self.heard = body[length:]
            asyncio.get_running_loop().call_later(self.latency, self.transport.write, self.reply)


def _reply() -> bytes:
    content = json.dumps({"concept": "steam engine", "description": "black boiler on iron wheels"})
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    reply = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
    data = json.dumps({**reply, "choices": [choice], "usage": usage}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


async def serve(latency: float) -> None:
    """Answer until standard input closes; prints the address first."""
    loop, reply = asyncio.get_running_loop(), _reply()
    server = await loop.create_server(lambda: _Connection(latency, reply), "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def _serving(latency: float) -> Iterator[LLMEndpoint]:
    command = [sys.executable, "-m", "benchmarks.llm", str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield LLMEndpoint(url=server.stdout.readline().strip(), model="m")
        server.communicate()


def ours(endpoint: LLMEndpoint, questions: list[Question], in_flight: int) -> None:
    """Ask through ``LLMClient`` and keep every answer on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        database = create(Path(folder) / "project.db", {})
        client = LLMClient(endpoint, AnswerCache(database), LLMConfig(in_flight=in_flight))
        with database.kept_open():
            outcomes = client.ask(questions)
    assert all(outcome.status == "done" for outcome in outcomes)


async def batches(endpoint: LLMEndpoint, questions: list[Question], in_flight: int) -> None:
    """Ask with the bare client, batch after batch."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="none", base_url=endpoint.url) as client:
        create: Any = client.chat.completions.create
        for start in range(0, len(questions), in_flight):
            batch = questions[start : start + in_flight]
            await asyncio.gather(*(create(model=endpoint.model, messages=list(q.messages)) for q in batch))


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds that passed, and seconds of processor time of this process."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run both ways against one server; seconds, ratios to the ideal, processor time per request."""
    parser = options_parser("llm", items=500, in_flight=20)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    args = parser.parse_args(options)
    questions = [concept_question([f"noun {i}"]) for i in range(args.items)]
    with _serving(args.latency) as endpoint:
        check_endpoint(endpoint)  # imports and the first connection are not what is measured
        mine, used = _timed(lambda: ours(endpoint, questions, args.in_flight))
        plain, plain_used = _timed(lambda: asyncio.run(batches(endpoint, questions, args.in_flight)))
    ideal = args.items / args.in_flight * args.latency
    result = {
        "ideal": ideal,
        "ours": mine,
        "plain": plain,
        "ratio": mine / ideal,
        "plain_ratio": plain / ideal,
        "cpu_ms": 1000 * used / args.items,
        "plain_cpu_ms": 1000 * plain_used / args.items,
    }
    return {key: round(value, 3) for key, value in result.items()}


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
