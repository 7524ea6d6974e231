"""Two devices in one process, in Python: they pair, transfer, are cancelled, and fail.

test.py LIBRARY HISTORY FOLDER: sends the vCon files of HISTORY; whatever it writes is
in FOLDER. Only the standard library is used.
"""

import ctypes
import json
import os
import queue
import sys

library, history, folder = sys.argv[1:]
lib = ctypes.CDLL(library)
EVENT = ctypes.CFUNCTYPE(None, ctypes.c_size_t, ctypes.c_char_p)
for name, result, args in (
    ("version", ctypes.c_void_p, []),
    ("receiver", ctypes.c_uint64, [ctypes.c_char_p, EVENT, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)]),
    ("sender", ctypes.c_uint64, [ctypes.c_char_p, EVENT, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)]),
    ("start", ctypes.c_int, [ctypes.c_uint64]),
    ("command", ctypes.c_int, [ctypes.c_uint64, ctypes.c_char_p]),
    ("wait", ctypes.c_int, [ctypes.c_uint64, ctypes.c_int64]),
    ("free", ctypes.c_int, [ctypes.c_uint64]),
    ("free_string", None, [ctypes.c_void_p]),
):
    f = getattr(lib, "vcon_transfer_" + name)
    f.restype, f.argtypes = result, args


def taken(pointer):
    """The text of a string that is ours, which is freed."""
    text = ctypes.string_at(pointer).decode()
    lib.vcon_transfer_free_string(pointer)
    return text


class Transfer:
    def __init__(self, make, **config):
        self.events = queue.Queue()
        self.event = EVENT(lambda _, line: self.events.put(json.loads(line)))  # has to live as long as the handle
        problem = ctypes.c_void_p()
        self.handle = make(json.dumps(config).encode(), self.event, 7, ctypes.byref(problem))
        if not self.handle:
            raise ValueError(taken(problem))
        assert lib.vcon_transfer_start(self.handle) == 0

    def command(self, cmd, **fields):
        assert lib.vcon_transfer_command(self.handle, json.dumps({"cmd": cmd, **fields}).encode()) == 0

    def until(self, event):
        while True:
            e = self.events.get(timeout=60)
            if e["event"] == event:
                return e
            assert e["event"] != "done", e

    def end(self):
        done = self.until("done")
        assert lib.vcon_transfer_wait(self.handle, 60000) == 1
        assert lib.vcon_transfer_free(self.handle) == 0 and self.events.empty()
        assert lib.vcon_transfer_free(self.handle) == -1
        return done


def receiver(name, **more):
    return Transfer(lib.vcon_transfer_receiver, folder=os.path.join(folder, name), listen="127.0.0.1:0", label="new", **more)


def sender(offer, **more):
    return Transfer(lib.vcon_transfer_sender, sources=[history], offer=offer, label="old", **more)


def pair(name, **more):
    r = receiver(name, **more)
    return r, sender(r.until("offer")["text"])


assert taken(lib.vcon_transfer_version())

# A transfer.
r, s = pair("imported", format="json", qr_code=True)
consent = s.until("consent")
assert consent["want"] and consent["messages"] > 0, consent
s.command("consent", ok=True)
r.until("check_code")
r.command("check_code", code=s.until("check_code")["code"])
a, b = r.end(), s.end()
assert a["ok"] and a["exit"] == 0 and a["ledger"] == b["ledger"] and a["root"] == b["root"], (a, b)
assert a["ledger"]["imported"] > 0 and a["rooms"] == b["rooms"]
files = [f for f in os.listdir(os.path.join(folder, "imported")) if f.endswith(".vcon.json")]
assert len(files) == len(consent["rooms"]), files
for f in files:
    with open(os.path.join(folder, "imported", f), encoding="utf-8") as vcon:
        assert json.load(vcon)["dialog"]

# The wrong digits.
r, s = pair("wrong")
s.until("consent")
s.command("consent", ok=True)
wrong = "%06d" % ((int(s.until("check_code")["code"]) + 1) % 1000000)
for _ in range(3):
    r.until("check_code")
    r.command("check_code", code=wrong)
a, b = r.end(), s.end()
assert a["code"] == b["code"] == "too-many-tries" and a["exit"] == b["exit"] == 5, (a, b)

# No, and an end in between.
r, s = pair("declined")
s.until("consent")
s.command("consent", ok=False)
assert s.end()["code"] == "declined" and r.end()["exit"] == 6
r, s = pair("cancelled")
s.until("consent")
r.command("nothing")
assert r.until("warning")["code"] == "bad-command"
r.command("cancel")
assert r.end()["code"] == "interrupted"
s.command("cancel")
assert s.end()["exit"] == 130

# What cannot be.
s = sender("nonsense")
assert s.end()["code"] == "offer"
for config in {"sources": []}, {"sources": 1}, {"sources": ["x"], "relay": "ftp://x"}, {"no": 1}, {}:
    try:
        Transfer(lib.vcon_transfer_sender, **config)
        raise AssertionError(config)
    except ValueError as e:
        assert str(e).startswith("usage: "), e

print("ok")
