"""A stand-in for the service of Weights & Biases on 127.0.0.1: for `wandb sweep`, `wandb agent` and online runs."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

ENTITY = {"id": "e", "name": "someone"}


def operation(query: str) -> str:
    """Returns what a query of GraphQL is called."""
    found = re.search(r"(?:query|mutation)\s+(\w+)", query)
    return found.group(1) if found else ""


class Service(ThreadingHTTPServer):
    """Keeps sweeps (a grid each) and runs in memory.

    Attributes:
        operations: The names of the queries that came.
        runs: What online runs sent, by their ids: their variables, `history` and `summary`.
        faults: Asked before each answer with what was asked for (the name of a query, or a path); returns a status to
            answer with instead, or None, and may take its time.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.operations: list[str] = []
        self.config = ""
        self.todo: list[dict] = []
        self.runs: dict[str, dict] = {}
        self.faults: Callable[[str], int | None] = lambda what: None
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, query: str, given: dict) -> dict:
        """Answers a query of GraphQL by the operation it names."""
        name = operation(query)
        with self.guard:
            self.operations.append(name)
            return getattr(self, f"on_{name.lower()}", lambda _: {})(given)

    def on_viewer(self, given):
        return {"viewer": {**ENTITY, "entity": "someone", "username": "someone", "flags": "{}", "email": "",
                           "teams": {"edges": []}, "apiKeys": {"edges": []}}}  # fmt: skip

    def on_upsertsweep(self, given):
        self.config, parameters = given["config"], yaml.safe_load(given["config"])["parameters"]
        values = [held.get("values", [held.get("value")]) for held in parameters.values()]
        self.todo = [dict(zip(parameters, point, strict=True)) for point in itertools.product(*values)]
        project = {"id": "p", "name": given["projectName"], "entity": ENTITY}
        return {"upsertSweep": {"sweep": {"name": "abcd1234", "project": project}, "configValidationWarnings": []}}

    def on_sweepwithruns(self, given):
        held = {"id": "s", "name": given["sweep"], "config": self.config, "runs": {"edges": []}}
        return {"project": {"sweep": held if self.config else None}}

    def on_createagent(self, given):
        return {"createAgent": {"agent": {"id": "a"}}}

    def on_heartbeat(self, given):
        commands = []
        if json.loads(given["runState"]) == {}:
            commands = [{"type": "exit"}]
            if self.todo:
                arguments = {key: {"value": value} for key, value in self.todo.pop(0).items()}
                run = {"type": "run", "run_id": f"run{len(self.todo)}", "program": "train.py", "args": arguments}
                commands = [run]
        return {"agentHeartbeat": {"agent": {"id": "a"}, "commands": json.dumps(commands)}}

    def on_upsertbucket(self, given):
        said = {key: value for key, value in given.items() if value is not None}
        self.runs.setdefault(given["name"], {"history": [], "summary": {}}).update(said)
        project = {"name": given["project"], "entity": ENTITY}
        held = {"id": "r", "name": given["name"], "displayName": given["name"], "sweepName": None, "project": project,
                "config": "{}", "historyLineCount": 0, "eventsLineCount": 0, "logLineCount": 0}  # fmt: skip
        return {"upsertBucket": {"bucket": held, "inserted": True}}

    def on_runresumestatus(self, given):
        run = self.runs.get(given["name"])
        if run is None:
            return {"model": {"id": "p", "name": given["project"], "entity": ENTITY, "bucket": None}}
        held = {"id": "r", "name": given["name"], "displayName": run.get("displayName"), "tags": run.get("tags"),
                "summaryMetrics": json.dumps(run["summary"]), "config": run.get("config") or "{}", "notes": None,
                "historyLineCount": len(run["history"]), "eventsLineCount": 0, "logLineCount": 0,
                "historyTail": json.dumps([json.dumps(row) for row in run["history"][-1:]]), "eventsTail": "[]",
                "wandbConfig": '{"t": 1}'}  # fmt: skip
        return {"model": {"id": "p", "name": given["project"], "entity": ENTITY, "bucket": held}}

    def on_createrunfiles(self, given):
        files = [{"name": name, "uploadUrl": f"{self.url}/upload"} for name in given["files"]]
        return {"createRunFiles": {"runID": "r", "uploadHeaders": [], "files": files}}

    def stream(self, path: str, sent: dict) -> None:
        """Takes what a run sends as it goes on."""
        files = sent.get("files", {})
        history = files.get("wandb-history.jsonl", {})
        summary = files.get("wandb-summary.json", {}).get("content", [])
        found = [run for part, run in self.runs.items() if part in path.split("/")]
        with self.guard:
            for run in found:
                lines = [json.loads(line) for line in history.get("content", [])]
                if lines:
                    run["history"][history.get("offset", 0) :] = lines
                for line in summary:
                    run["summary"] = json.loads(line)
                if sent.get("complete"):
                    run["exitcode"] = sent.get("exitcode")


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = operation(json.loads(body)["query"]) if self.path == "/graphql" else self.path
        if status := self.server.faults(asked):
            self.reply({"error": "a fault"}, status)
            return
        if self.path == "/graphql":
            sent = json.loads(body)
            self.reply({"data": self.server.answer(sent["query"], sent.get("variables") or {})})
            return
        if self.path.endswith("file_stream"):
            self.server.stream(self.path, json.loads(body))
        self.reply({})

    def do_GET(self):
        self.reply({})

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply({})

    def reply(self, content: dict, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def service() -> Iterator[Service]:
    """Runs the service in a thread."""
    with Service() as held:
        thread = threading.Thread(target=held.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield held
        finally:
            held.shutdown()
            thread.join()
