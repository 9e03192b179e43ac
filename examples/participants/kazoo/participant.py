#!/usr/bin/env python3
"""A lock holder for Riven on kazoo's own Lock: one JSON object a line (docs/participant-protocol.md)."""
import json, sys, time
from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException, LockTimeout, SessionExpiredError

ROOT = "/lock"

def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()

def hear():
    for line in sys.stdin:
        m = json.loads(line)
        if m["type"] != "order":
            return m
        say(type="unsupported", key=m["key"], text="kazoo's connection is its own")
    sys.exit(0)

hello = hear()["hello"]
names = {s["address"]: s["name"] for s in hello["servers"]}
session = float(hello["spec"]["timing"]["session"].rstrip("s"))
zk = KazooClient(hosts=",".join(names), timeout=session, connection_retry={"max_tries": -1}, randomize_hosts=False)
held, count, accesses = None, 0, 0  # held: hold, token, lock
left = []  # locks that were given up and whose nodes may still be there

def believe(state):  # called by kazoo's own thread
    global held
    if state == KazooState.CONNECTED:
        address = "%s:%d" % zk._connection._socket.getpeername()[:2]
        say(type="note", f="connected", token=zk.client_id[0], text=names.get(address, ""))
    else:
        say(type="note", f="suspended" if state == KazooState.SUSPENDED else "expired")
        if held:  # kazoo's advice: a lock may be gone as soon as the connection is
            say(type="note", f="lost", hold=held[0], token=held[1])
            left.append(held[2])
            held = None

def acquire(op):
    global held, count
    while left:  # else its node keeps everybody waiting, ourselves too
        left[-1].release()
        left.pop()
    lock = zk.Lock(ROOT, "%s.%d" % (hello["node"], hello["incarnation"]))
    if not lock.acquire(timeout=60):
        return dict(type="fail", error="not within a minute")
    count += 1
    hold = "%s.%d/%d" % (hello["node"], hello["incarnation"], count)
    stat = zk.exists(ROOT + "/" + lock.node)
    if stat is None:
        return dict(type="fail", error="the node of the lock is gone")
    held = (hold, stat.czxid, lock)
    return dict(type="ok", hold=hold, token=stat.czxid)

def work(op):
    global accesses
    if not held:
        return dict(type="fail", error="not held")
    hold, token, _ = mine = held
    end, done = time.monotonic() + op.get("n", 0) / 1000, 0
    while held is mine:
        accesses += 1
        say(type="access", id=accesses, key="register", hold=hold, token=token, n=accesses)
        if not hear().get("accepted"):
            break
        done += 1
        if time.monotonic() >= end:
            return dict(type="ok", n=done, hold=hold, token=token)
        time.sleep(min(0.05, op.get("n", 0) / 2000))
    return dict(type="ok", n=done, hold=hold, token=token, text="lost")

def release(op):
    global held
    if not held:
        return dict(type="fail", error="not held")
    hold, token, lock = held
    held = None
    lock.release()
    return dict(type="ok", hold=hold, token=token)

def list_nodes(op):
    zk.sync(ROOT)
    nodes = sorted(zk.get_children(ROOT)) if zk.exists(ROOT) else []
    return dict(type="ok", n=len(nodes), text=" ".join(nodes))

zk.add_listener(believe)
zk.start(timeout=60)
say(type="ready")
while True:
    op = hear()
    try:
        done = {"acquire": acquire, "work": work, "release": release, "list": list_nodes}[op["f"]](op)
    except KazooException as e:  # what the library gave up on may have happened
        done = dict(type="info", error=type(e).__name__ + " " + str(e))
    say(id=op["id"], **done)
