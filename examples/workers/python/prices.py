"""A worker of your own with the client of NATS alone: works on the nodes of your graphs that say `kind: worker, worker: prices`.

    NATS_URL=nats://127.0.0.1:4222 TENANT=acme python prices.py

NATS_USER and NATS_PASSWORD where NATS knows users: `millrace nats-users --worker acme/prices` prints this one.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from datetime import datetime, timezone

import nats

NATS_URL = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
TENANT = os.environ.get("TENANT", "default")
WORKER = "prices"
PRICES = {"mug": 9.5, "shirt": 24, "poster": 12}


class PermanentError(Exception):
    """Trying again would give the same. Any other error is tried again as the node's `retry` says."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def quote(task_input):
    """The work itself: what the node says in `with` comes in, and what this returns is the node's output."""
    lines = []
    for item in task_input["items"]:
        if item["sku"] not in PRICES:
            raise PermanentError("unknown_item", f"Nobody sells \"{item['sku']}\".")
        lines.append({**item, "amount": PRICES[item["sku"]] * item["count"]})
    return {"lines": lines, "total": sum(line["amount"] for line in lines)}


def outcome_of(task_input):
    """A task may come again after a crash. Effects belong under its `taskId`, which is the same then."""
    try:
        return {"status": "completed", "output": quote(task_input)}
    except PermanentError as error:
        shape = {"kind": "invalid", "code": error.code, "message": str(error), "retryable": False}
    except Exception as error:
        shape = {"kind": "internal", "code": "failed", "message": str(error), "retryable": True}
    return {"status": "failed", "error": shape}


def envelope(kind, data, correlation_id, causation_id):
    return {
        "id": f"msg_{uuid.uuid4()}",
        "type": kind,
        "version": 1,
        "tenantId": TENANT,
        "occurredAt": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "correlationId": correlation_id,
        "causationId": causation_id,
        "data": data,
    }


async def ask(connection, subject, message):
    """Asks until there is an answer: the same result sent again changes nothing."""
    while True:
        try:
            reply = json.loads((await connection.request(subject, json.dumps(message).encode(), timeout=10)).data)
        except (nats.errors.TimeoutError, nats.errors.NoRespondersError):
            reply = {}
        if "ok" in reply:
            return reply["ok"]
        if "error" in reply and not reply["error"]["retryable"]:
            raise RuntimeError(f"{reply['error']['message']} ({reply['error']['code']})")
        await asyncio.sleep(0.5)


async def open_queue(connection):
    """Has the orchestrator see to it that tasks wait for this worker, and say where."""
    subject = f"cmd.orchestrator.worker.{TENANT}.{WORKER}.open.v1"
    return await ask(connection, subject, envelope("orchestrator.worker.open", {}, f"open-{uuid.uuid4()}", None))


async def still_here(connection, message, seconds):
    while True:
        await asyncio.sleep(seconds)
        await connection.publish(message.reply, b"+WPI")


async def work_on(connection, message, queue):
    task = json.loads(message.data)
    beat = asyncio.create_task(still_here(connection, message, queue["ackWaitMs"] / 3000))
    outcome = await asyncio.to_thread(outcome_of, task["data"]["input"])
    result = {key: task["data"][key] for key in ("taskId", "runId", "node", "attempt")}
    # The reply comes after the result is stored, and only then may the task be forgotten.
    answer = envelope("task.result", {**result, "outcome": outcome}, task["correlationId"], task["id"])
    await ask(connection, task["data"]["replyTo"], answer)
    beat.cancel()
    await connection.publish(message.reply, b"+ACK")


async def main():
    options = {"user": os.environ["NATS_USER"], "password": os.environ["NATS_PASSWORD"]} if "NATS_USER" in os.environ else {}
    prefix = f"_INBOX_worker.{TENANT}.{WORKER}"
    connection = await nats.connect(NATS_URL, inbox_prefix=prefix.encode(), max_reconnect_attempts=-1, **options)
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    queue = await open_queue(connection)
    inbox = connection.new_inbox()
    deliveries = await connection.subscribe(inbox)
    print(f"waiting for tasks of {TENANT}/{WORKER}", file=sys.stderr, flush=True)
    # One pull of JetStream: a task comes within thirty seconds, or a status.
    pull = json.dumps({"batch": 1, "expires": 30_000_000_000}).encode()
    await connection.publish(queue["next"], pull, reply=inbox)
    while not stopping.is_set():
        try:
            message = await deliveries.next_msg(timeout=1)
        except nats.errors.TimeoutError:
            continue
        if message.subject != inbox:
            await work_on(connection, message, queue)
        elif (message.headers or {}).get("Status") != "408":
            # The queue is gone, or the server was away: have it opened again. (408: nothing came within the time asked for.)
            await asyncio.sleep(1)
            queue = await open_queue(connection)
        await connection.publish(queue["next"], pull, reply=inbox)
    await connection.close()


asyncio.run(main())
