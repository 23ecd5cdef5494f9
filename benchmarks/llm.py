"""How close 500 questions at 20 in flight come to what the endpoint's latency allows.

    kec bench llm [--items 500] [--in-flight 20] [--latency 0.2]

A server in a process of its own answers after a fixed latency. Ideal = items / in flight x latency. Beside ours runs
the straightforward way: the ``openai`` client alone, one batch of requests after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kec_core.config import LLMConfig
from kec_core.knowledge.llm_check import check_endpoint
from kec_core.knowledge.llm_client import LLMClient, MemoryCache
from kec_core.knowledge.llm_endpoint import LLMEndpoint
from kec_core.knowledge.prompts import Question, concept_question


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        content = json.dumps({"concept": "steam engine", "description": "black boiler on iron wheels"})
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        reply = {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
        data = json.dumps(reply).encode()
        time.sleep(self.server.latency)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as in http.server
        """Quiet."""


def serve(latency: float) -> None:
    """Answer until standard input closes; prints the address first."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.latency = latency  # type: ignore[attr-defined]
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


def ours(endpoint: LLMEndpoint, questions: list[Question], in_flight: int) -> float:
    """Seconds through ``LLMClient``."""
    client = LLMClient(endpoint, MemoryCache(), LLMConfig(in_flight=in_flight))
    started = time.perf_counter()
    outcomes = client.ask(questions)
    seconds = time.perf_counter() - started
    assert all(outcome.status == "done" for outcome in outcomes)
    return seconds


async def batches(endpoint: LLMEndpoint, questions: list[Question], in_flight: int) -> float:
    """Seconds with the bare client, batch after batch."""
    from openai import AsyncOpenAI

    started = time.perf_counter()
    async with AsyncOpenAI(api_key="none", base_url=endpoint.url) as client:
        create: Any = client.chat.completions.create
        for start in range(0, len(questions), in_flight):
            batch = questions[start : start + in_flight]
            await asyncio.gather(*(create(model=endpoint.model, messages=list(q.messages)) for q in batch))
    return time.perf_counter() - started


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run both ways against one server; seconds, and ratios to the ideal."""
    parser = argparse.ArgumentParser(prog="kec bench llm", description=__doc__)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--in-flight", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(options)
    command = [sys.executable, "-m", "benchmarks.llm", str(args.latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        endpoint = LLMEndpoint(url=server.stdout.readline().strip(), model="m")
        check_endpoint(endpoint)  # imports and the first connection are not what is measured
        questions = [concept_question([f"noun {i}"]) for i in range(args.items)]
        mine = ours(endpoint, questions, args.in_flight)
        plain = asyncio.run(batches(endpoint, questions, args.in_flight))
        server.communicate()
    ideal = args.items / args.in_flight * args.latency
    result = {
        "ideal": ideal,
        "ours": mine,
        "plain": plain,
        "ratio": mine / ideal,
        "plain_ratio": plain / ideal,
    }
    return {key: round(value, 3) for key, value in result.items()}


if __name__ == "__main__":
    serve(float(sys.argv[1]))
