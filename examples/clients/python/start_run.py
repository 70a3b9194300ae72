"""Starts a run by a command, waits for its end by its events, and prints the event of its end.

    python start_run.py diamond
    python start_run.py content '{"topic": "durable execution", "collection": "guides"}'
"""

import asyncio
import json
import os
import sys
import uuid
from datetime import datetime, timezone

import nats

NATS_URL = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
TENANT = os.environ.get("TENANT", "default")
ENDS = ["millrace.run.completed.v1", "millrace.run.failed.v1", "millrace.run.cancelled.v1"]


def command_of(run_id, graph, run_input):
    """The same run id again is the same run, so a command that was not answered may be sent again."""
    return {
        "id": f"msg_{uuid.uuid4()}",
        "type": "orchestrator.run.start",
        "version": 1,
        "tenantId": TENANT,
        "occurredAt": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "correlationId": f"start-run-{uuid.uuid4()}",
        "causationId": None,
        "data": {"runId": run_id, "graph": graph, "input": run_input},
    }


async def main(graph, run_input="{}"):
    run_id = f"run_{uuid.uuid4().hex}"
    connection = await nats.connect(NATS_URL)
    # Before the command, so that the end cannot be missed.
    events = await connection.subscribe(f"evt.{TENANT}.run.*.v1")
    command = json.dumps(command_of(run_id, graph, json.loads(run_input))).encode()
    reply = json.loads((await connection.request("cmd.orchestrator.run.start.v1", command, timeout=10)).data)
    if "error" in reply:
        print(f"{reply['error']['message']} ({reply['error']['code']})", file=sys.stderr)
        return 1
    print(f"{run_id} is {reply['ok']['status']}", file=sys.stderr)
    async for message in events.messages:
        kind = message.headers["ce-type"]
        if message.headers.get("ce-subject") == run_id and kind in ENDS:
            print(json.dumps({"type": kind, "data": json.loads(message.data)["data"]}))
            await connection.close()
            return 0 if kind == ENDS[0] else 1


if len(sys.argv) < 2:
    sys.exit("usage: python start_run.py GRAPH [INPUT]")
sys.exit(asyncio.run(main(*sys.argv[1:])))
