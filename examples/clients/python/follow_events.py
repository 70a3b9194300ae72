"""Prints the events of a tenant as they happen, one JSON object a line.

    python follow_events.py                            every event
    python follow_events.py 'run.*.v1'                 those of runs: "*" is one name, ">" all that follow
    python follow_events.py '>' type=order.placed.v1   by attributes, all of which must match
"""

import asyncio
import json
import os
import signal
import sys
from urllib.parse import unquote

import nats

NATS_URL = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
TENANT = os.environ.get("TENANT", "default")


def event_in(message):
    """CloudEvents in binary mode: an attribute is a header behind "ce-", percent-encoded. The payload is an envelope."""
    event = {name[3:]: unquote(value) for name, value in message.headers.items() if name.startswith("ce-")}
    return {**event, "data": json.loads(message.data)["data"]}


async def main(pattern=">", *conditions):
    wanted = dict(condition.split("=", 1) for condition in conditions)
    connection = await nats.connect(NATS_URL, max_reconnect_attempts=-1)

    async def show(message):
        event = event_in(message)
        if wanted.items() <= event.items():
            print(json.dumps(event), flush=True)

    subject = f"evt.{TENANT}.{pattern}"
    await connection.subscribe(subject, cb=show)
    await connection.flush()
    print(f"following {subject}", file=sys.stderr, flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await connection.drain()


asyncio.run(main(*sys.argv[1:]))
