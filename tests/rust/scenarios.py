"""What hosts do with plugins; each in a process of its own, since claims last as long as one.

Usage: scenarios.py NAME ARGUMENTS_AS_JSON; prints the result as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from host import Holder, Plugin, PluginError, Session, Tensor, Ticket

Library = tuple[str, str]
ONES = np.ones((2, 3), dtype="float32")


def load(library: Library) -> Plugin:
    return Plugin(Path(library[0]), library[1])


def refused(action: Callable[[], Any]) -> dict[str, Any]:
    """The error that an action gives."""
    try:
        answer = action()
    except PluginError as error:
        return {"code": error.code, "message": error.message, "mend": error.mend}
    return {"code": 0, "answer": repr(answer)}


def resident() -> int:
    """Memory of this process in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def mapped(word: str) -> list[str]:
    """Files in this process's memory whose name holds a word."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sorted({line.split()[-1] for line in lines if word in line})


# Sessions


def two_plugins(first: Library, second: Library) -> Any:
    """Both compute, in turn and at the same time, over one runtime."""
    a, b = load(first), load(second)
    one, two = a.open("scale"), b.open("scale")
    in_turn = [
        float(session.run(x=plugin.tensor(ONES))["y"].array()[1, 2])
        for _ in range(3)
        for plugin, session in ((a, one), (b, two))
    ]
    wrong: list[float] = []

    def work(plugin: Plugin, expected: float) -> None:
        session = plugin.open("scale")
        for number in range(500):
            got = session.run(x=plugin.tensor(ONES * number))["y"].array()[0, 0]
            if got != number * expected:
                wrong.append(float(got))

    pairs = [(a, in_turn[0]), (b, in_turn[1])] * 2
    threads = [threading.Thread(target=work, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "in_turn": in_turn,
        "wrong": wrong,
        "runtimes": mapped("libtvm_runtime"),
        "ffis": mapped("libtvm_ffi"),
        "owners": b.runtime()["prefixes"],
        "versions": a.runtime()["versions"],
    }


def wrong_calls(library: Library) -> Any:
    """The error of each kind of wrong call; then the same session still computes."""
    p = load(library)
    join, embed = p.open("join"), p.open("embed")
    x, y = p.tensor([[1, 2, 3]]), p.tensor([[4, 5, 6]])

    def joined(x: Tensor, y: Tensor) -> Callable[[], Any]:
        return lambda: join.run(x=x, y=y)

    def ids(*values: int) -> Callable[[], Any]:
        return lambda: embed.run(ids=p.tensor(list(values), "int64"))

    wide = p.tensor(np.zeros((1, 65)))
    answers = {
        "component": refused(lambda: p.open("nope")),
        "name": refused(lambda: join.run(x=x, y=y, z=y)),
        "missing": refused(lambda: join.run(x=x)),
        "duplicate": refused(lambda: join.run_pairs([("x", x), ("x", x), ("y", y)])),
        "dtype": refused(joined(x, p.tensor([[1, 2, 3]], "float64"))),
        "rank": refused(joined(p.tensor([1, 2, 3]), y)),
        "fixed": refused(joined(p.tensor(np.zeros((2, 3))), y)),
        "inconsistent": refused(joined(x, p.tensor([[1, 2]]))),
        "too long": refused(joined(wide, wide)),
        "empty": refused(joined(p.tensor(np.zeros((1, 0))), y)),
        "above": refused(ids(0, 9, 10)),
        "below": refused(ids(-1)),
        "far": refused(ids(2**62)),
        "null": refused(lambda: join.run(x=x, y=Tensor(p, 0))),
    }
    rows = embed.run(ids=p.tensor([9, 0], "int64"))["rows"].array()
    total = join.run(y=y, x=x)["total"].array()
    return {"answers": answers, "rows": rows.tolist(), "total": total.tolist()}


def not_numbers(library: Library) -> Any:
    """NaN and infinities go through like other numbers."""
    p = load(library)
    x = np.array([[np.nan, np.inf, -np.inf], [1, 2, 3]])
    y = p.open("scale").run(x=p.tensor(x))["y"].array()
    return [str(value) for value in y.ravel()]


def copies(library: Library) -> Any:
    """Whether memory is shared where it should be, seen by its address."""
    p = load(library)
    x = p.tensor(ONES)
    before = x.view()
    outputs = p.open("view").run(x=x)
    flat = outputs["flat"].view()
    shared = x.view()
    join = p.open("join")
    first = join.run(x=p.tensor([[1, 2]]), y=p.tensor([[3, 4]]))["sum"]
    join.close()
    again = p.open("join").run(x=first, y=first)["sum"]
    return {
        "aligned": before.data % 64 == 0,
        "same_memory": flat.data == before.data,
        "writable": [before.writable, shared.writable, flat.writable],
        "chained": again.array().tolist(),
    }


def memory(library: Library, rounds: float) -> Any:
    """Resident memory in KiB after warming up, and after many rounds of everything."""
    p = load(library)
    session, model = p.open("join"), p.model()

    def round_of_calls() -> None:
        x, y = p.tensor(np.ones((1, 64))), p.tensor(np.ones((1, 64)))
        outputs = session.run(x=x, y=y)
        refused(lambda: session.run(x=x))
        model.call("echo_text", "text " * 200)
        model.call("scale", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        model.call("view_of_borrowed", 0)
        opened = p.open("scale")
        opened.close()
        p.runtime()
        for tensor in (x, y, *outputs.values()):
            tensor.free()

    sizes = []
    for _ in range(2):
        for _ in range(int(rounds)):
            round_of_calls()
        sizes.append(resident())
    return sizes


def only_loaded(library: Library) -> Any:
    return load(library).runtime()["prefixes"]


def open_scale(library: Library) -> Any:
    p = load(library)
    return refused(lambda: p.open("scale"))


# Prefixes


def taken(first: Library, second: Library) -> Any:
    """Load two libraries whose prefixes clash, with sessions of the first already open."""
    a = load(first)
    running = a.open("scale")
    model = a.model()
    before = running.run(x=a.tensor(ONES))["y"].array().tolist()
    b = load(second)
    return {
        "before": before,
        "running": running.run(x=a.tensor(ONES))["y"].array().tolist(),
        "model": model.call("scale", [1.0] * 6),
        "first": refused(lambda: a.open("scale")),
        "first_model": refused(a.model),
        "second": refused(lambda: b.open("scale")),
        "second_model": refused(b.model),
    }


def taken_before_use(first: Library, second: Library) -> Any:
    """Load both before either is used."""
    a, b = load(first), load(second)
    return [refused(lambda: a.open("scale")), refused(lambda: b.open("scale"))]


def opened_again(library: Library) -> Any:
    """One library, opened twice, closed once, opened again."""
    a, b = load(library), load(library)
    values = [p.open("scale").run(x=p.tensor(ONES))["y"].array()[0, 0] for p in (a, b)]
    closer = ctypes.CDLL(None).dlclose
    closer.argtypes = [ctypes.c_void_p]
    for plugin in (a, b):
        closer(plugin.library._handle)
    c = load(library)
    values.append(c.open("scale").run(x=c.tensor(ONES))["y"].array()[0, 0])
    return {"values": [float(value) for value in values], "owners": len(c.runtime()["prefixes"])}


# Models


def values(library: Library) -> Any:
    """Values of every type, there and back."""
    p = load(library)
    model = p.model()
    x = p.tensor([[1, 2, 3]])
    return {
        "described": p.json("methods"),
        "everything": model.call("everything", True, 3, 2.5, "hé", b"\0\1", x, ["a", None]),
        "text": [model.call("echo_text", text) for text in ("", "naïve", "a\0b")],
        "bytes": list(model.call("echo_bytes", b"\xff\0")),
        "nothing": model.call("nothing"),
        "list": model.call("scale", [1.0, 2, 3, 4, 5, 6]),
        "tensor": model.call("scale_tensor", p.tensor(ONES)).tolist(),
        "borrowed": [model.call("view_of_borrowed", offset) for offset in (0, 1, 16)],
        "writable": model.call("writable_while_viewed"),
        "state": [model.call("count"), model.call("count"), p.model().call("count")],
    }


def wrong_methods(library: Library) -> Any:
    p = load(library)
    model = p.model()
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    return {
        "unknown": refused(lambda: model.call("nope")),
        "type": refused(lambda: model.call("echo_text", 3)),
        "count": refused(lambda: model.call("count", 1)),
        "range": refused(lambda: model.call("everything", True, 2**40, 0.0, "", b"", None, [])),
        "own": refused(lambda: model.call("fail", "too short")),
        "deep": refused(lambda: model.call("scale", deep)),
        "goes_on": model.call("count"),
    }


def panics(library: Library) -> Any:
    """A panic is an error, and the end of that model only."""
    p = load(library)
    model, other = p.model(), p.model()
    answer = [refused(lambda: model.call("panic", "boom")), refused(lambda: model.call("count"))]
    model.close()
    return {"answer": answer, "other": other.call("count"), "new": p.model().call("count")}


def busy(library: Library) -> Any:
    """Codes seen when many threads use one session at the same time."""
    p = load(library)
    session = p.open("scale")
    x = p.tensor(ONES)
    codes: set[int] = set()

    def work(session: Session) -> None:
        for _ in range(2000):
            codes.add(refused(lambda: session.run(x=x))["code"])

    threads = [threading.Thread(target=work, args=(session,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(codes)


def models_on_threads(library: Library) -> Any:
    """A model opened on one thread, used on others one after the other, closed on another."""
    p = load(library)
    model = p.model()
    counts: list[int] = []
    steps: Iterator[Callable[[], Any]] = iter(
        [*[lambda: counts.append(model.call("count"))] * 5, model.close]
    )
    for step in steps:
        thread = threading.Thread(target=step)
        thread.start()
        thread.join()
    return counts


# Mailboxes


def held(p: Plugin) -> list[int]:
    """How many holders, tensors and open callees a plugin's mailboxes have, once threads ended."""
    for _ in range(200):
        counts = p.runtime()["mailboxes"]
        if counts["open"] == 0:
            break
        time.sleep(0.01)
    return [counts[name] for name in ("holders", "tensors", "open")]


def mailboxes(library: Library) -> Any:
    """A model and a component through mailboxes, tensors by ticket, until nothing is left."""
    p = load(library)
    owner = p.hold()
    worker = p.hold(owner)
    worker.start()
    first = [worker.call("count"), owner.call("count")]
    x = owner.put(ONES)
    y = worker.call("scale_tensor", x)
    scaled = p.ticket_array(y).tolist()
    again = p.ticket_array(worker.call("scale_tensor", y)).tolist()
    nested = worker.call("echo_text", "naïve")

    session = p.hold()
    session.start("join")
    a, b = session.put([[1, 2]]), session.put([[3, 4]])
    outputs = session.call("", "y", b, "x", a)
    joined = [p.ticket_array(ticket).tolist() for ticket in outputs]
    session.keep(outputs[0])
    session.close()
    kept = p.ticket_array(outputs[0]).tolist()
    gone = refused(lambda: p.ticket_array(outputs[1]))

    during = p.runtime()["mailboxes"]
    owner.close()
    alone = worker.call("count")
    worker.close()
    left = held(p)
    p.free_ticket(outputs[0])
    return {
        "first": first,
        "scaled": scaled,
        "again": again,
        "text": nested,
        "joined": joined,
        "kept": kept,
        "gone": gone["code"],
        "during": during,
        "alone": alone,
        "left": left,
        "end": held(p),
    }


def wrong_numbers(library: Library) -> Any:
    """What a mailbox answers to numbers that mean nothing, and to calls out of order."""
    p = load(library)
    owner, other = p.hold(), p.hold()
    unknown = Holder(p, 10**6)
    x = owner.put(ONES)
    answers = {
        "reopened": refused(lambda: p.call("mailbox_open", ctypes.c_size_t(owner.number))),
        "zero": refused(lambda: p.call("mailbox_open", ctypes.c_size_t(0))),
        "join": refused(lambda: p.hold(unknown)),
        "unknown": refused(lambda: unknown.call("count")),
        "put": refused(lambda: unknown.put(ONES)),
        "view": refused(lambda: p.ticket_array(10**6)),
        "not started": refused(lambda: owner.call("count")),
        "no component": refused(lambda: owner.start("nope")),
        "foreign keep": refused(lambda: other.keep(x)),
    }
    owner.start()
    answers |= {
        "started twice": refused(owner.start),
        "ticket": refused(lambda: owner.call("scale_tensor", Ticket(10**6))),
        "freed": refused(lambda: (p.free_ticket(x), owner.call("scale_tensor", x))),
        "method": refused(lambda: owner.call("nope")),
        "panic": refused(lambda: owner.call("panic", "boom")),
        "after panic": refused(lambda: owner.call("count")),
        "model": refused(lambda: p.model().call("scale_tensor", Ticket(1))),
    }
    for holder in (owner, owner, other, unknown):
        holder.close()
    p.free_ticket(x)
    p.free_ticket(10**6)
    return {"answers": answers, "left": held(p)}


def scratch(library: Library) -> Any:
    """Scratch memory is the holder's own, aligned, and large only while it must be."""
    p = load(library)
    owner = p.hold()
    worker = p.hold(owner)
    large = owner.scratch(10**8)
    ctypes.memset(large, 1, 10**8)
    before = resident()
    small = [owner.scratch(100), worker.scratch(100)]
    return {
        "aligned": [address % 8 for address in (large, *small)],
        "own": small[0] != small[1],
        "given_back": before - resident(),
        "refused": [owner.scratch(2**62), Holder(p, 10**6).scratch(8)],
    }


def mailbox_threads(library: Library) -> Any:
    """Calls from many threads run on the mailbox's one, in turn; closing does not wait for them."""
    p = load(library)
    owner = p.hold()
    owner.start()
    counts: list[int] = []
    seen: set[str] = set()
    holders = [p.hold(owner) for _ in range(4)]

    def work(holder: Holder) -> None:
        for _ in range(200):
            counts.append(holder.call("count"))
            seen.add(holder.call("thread"))
        holder.close()

    threads = [threading.Thread(target=work, args=(holder,)) for holder in holders]
    for thread in threads:
        thread.start()
    owner.close()
    for thread in threads:
        thread.join()
    in_turn = sorted(counts) == list(range(1, 801))
    return {"in_turn": in_turn, "threads": len(seen), "left": held(p)}


def model_threads() -> list[list[int]]:
    """The cores that each of the models' threads may use; TVM's workers carry their name, too."""
    tasks = Path("/proc/self/task").iterdir()
    own = [task for task in tasks if (task / "comm").read_text() == "tvm model\n"]
    return sorted(sorted(os.sched_getaffinity(int(task.name))) for task in own)


def mailbox_cores(library: Library, count: int | None, cores: list[int] | None) -> Any:
    """On which cores a model's threads run, in a process that was given a count or some cores."""
    if count is not None:
        os.environ["TVM_NUM_THREADS"] = str(count)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    owner = load(library).hold()
    owner.start()
    return {"threads": model_threads(), "allowed": sorted(os.sched_getaffinity(0))}


def mailbox_components(library: Library) -> Any:
    """How many threads of their mailbox's own components are called on."""
    os.environ["TVM_NUM_THREADS"] = "2"
    p = load(library)
    found = {}
    for component in ("scale", "join"):
        owner = p.hold()
        owner.start(component)
        found[component] = len(model_threads())
        if component == "scale":
            y = owner.call("", "x", owner.put(ONES))[0]
            found["y"] = p.ticket_array(y).tolist()
        owner.close()
        held(p)
    return {**found, "left": held(p)}


def mailbox_memory(library: Library, rounds: float) -> Any:
    """Resident memory in KiB after warming up, and after many mailboxes opened and left."""
    # TVM's workers spin before they sleep and before they end: more would be open at a time.
    os.environ["TVM_THREAD_POOL_SPIN_COUNT"] = "100"
    p = load(library)
    sizes = []
    for _ in range(2):
        for _ in range(int(rounds)):
            owner = p.hold()
            worker = p.hold(owner)
            worker.start()
            tickets = [owner.put(np.ones((2, 3))) for _ in range(3)]
            y = worker.call("scale_tensor", tickets[0])
            owner.keep(y)
            p.free_ticket(y)
            worker.call("echo_text", "text " * 200)
            worker.close()
            owner.close()
        sizes.append(resident())
    return {"sizes": sizes, "left": held(p)}


if __name__ == "__main__":
    result = globals()[sys.argv[1]](*json.loads(sys.argv[2]))
    print(json.dumps(result))
