#!/usr/bin/env python3
"""Moves a history between two devices, into an SQLite store of our own. Copy from here.

    VCON_TRANSFER=/path/to/vcon-transfer ./demo.py SOURCE [--reject TEXT] [--kill-at N]

Both devices are on this machine. The receiving process is killed while batch N is not yet
acknowledged, and started again. Ends with 0 only if every item is there exactly once.
"""
import argparse, base64, hashlib, json, os, queue, secrets, sqlite3, subprocess, sys, tempfile, threading

PROGRAM = os.environ.get("VCON_TRANSFER", "vcon-transfer")


class Process:
    """One vcon-transfer. Secrets go in by descriptors: arguments are public on the machine."""

    def __init__(self, *args, **secret_by_flag):
        fds, args = [], [PROGRAM, *args, "--json"]
        for flag, secret in secret_by_flag.items():
            r, w = os.pipe()
            os.write(w, secret)  # short: it fits into the pipe, so that nobody has to read it yet
            os.close(w)
            fds.append(r)
            args += ["--" + flag.replace("_", "-"), str(r)]
        # Standard error is for people: an app appends it to the log of its bug reports.
        self.p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=fds)
        for fd in fds:
            os.close(fd)

    def tell(self, cmd, **fields):
        try:
            self.p.stdin.write(json.dumps({"cmd": cmd, **fields}).encode() + b"\n")
            self.p.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; `done`, or its absence, says how

    def events(self):
        """Yields the events, and `done` exactly once, also if the process dies without it."""
        done = None
        for line in self.p.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                break  # the half line of a process that was killed
            if event["event"] == "warning":
                print("warning:", event["code"], event["message"], file=sys.stderr)
                continue
            done = event if event["event"] == "done" else done
            yield event
        code = self.p.wait()
        self.p.stdout.close()
        try:
            self.p.stdin.close()
        except BrokenPipeError:
            pass  # an answer that nobody was there to read
        if done is None:
            yield {"event": "done", "ok": False, "exit": code, "code": "died", "message": f"ended with {code}", "resume": True}


class Store:
    """Items are staged in tables of their own, because one with the key of an item that is final must not hide it."""

    def __init__(self, path, files):
        self.db, self.files = sqlite3.connect(path), files
        os.makedirs(files, exist_ok=True)
        self.db.execute("PRAGMA synchronous = FULL")  # an ack says: durable
        for table, own in ("final", ""), ("staged", "transfer, "):  # each transfer stages for itself
            self.db.executescript(f"""
                CREATE TABLE IF NOT EXISTS {table}_item (transfer, room, key, kind, time, tombstone, item, PRIMARY KEY ({own}room, key));
                CREATE TABLE IF NOT EXISTS {table}_file (transfer, room, message_id, part, size, sha256, name, PRIMARY KEY ({own}room, message_id, part));
                CREATE TABLE IF NOT EXISTS {table}_room (transfer, room, about, PRIMARY KEY ({own}room));
                CREATE TABLE IF NOT EXISTS {table}_segment (transfer, segment, whole, PRIMARY KEY ({own}segment));""")

    def have(self):
        """What is final: what another transfer only staged will never become visible, and has to come again."""
        fields = "room", "message_id", "part", "size", "sha256"
        return {"segments": [s for s, in self.db.execute("SELECT segment FROM final_segment WHERE whole")],
                "attachments": [dict(zip(fields, r)) for r in self.db.execute(f"SELECT {','.join(fields)} FROM final_file")]}

    def stage(self, transfer, b, reject):
        """Stages a batch, durably, and returns the fields of its ack."""
        room, rejected, there = b["room"]["id"], [], []
        with self.db:  # one transaction
            put = lambda table, *row: self.db.execute(
                f"INSERT OR REPLACE INTO staged_{table} VALUES ({','.join('?' * (len(row) + 1))})", (transfer, *row))
            for a in b["attachments"] if b["kind"] == "attachment" else ():
                # The name is ours: `filename` is a word of the other device. Same content, same file.
                to = os.path.join(self.files, a["sha256"])
                os.replace(a["path"], to)
                for path in to, self.files:  # the file, and the folder that names it
                    fd = os.open(path, os.O_RDONLY)
                    os.fsync(fd)
                    os.close(fd)
                put("file", room, a["message_id"], a["part"], a["size"], a["sha256"], a.get("filename", ""))
            for i in b.get("items", ()):
                # The same batch may come again, in another run: the same rule must say the same.
                if b["kind"] == "messages" and reject and reject in i["dialog"].get("body", ""):
                    rejected.append({"item": i["item"], "code": "filtered"})
                    continue
                if self.db.execute("SELECT 1 FROM final_item WHERE room = ? AND key = ?", (room, i["key"])).fetchone():
                    there.append(i["item"])
                    continue
                parties = b["parties"]  # indexes refer to the parties of this batch: keep them together
                put("item", room, i["key"], b["kind"], i["time"], i["tombstone"], json.dumps({**i, "all_parties": parties}))
            if "vcon_room" in b["room"]:
                put("room", room, json.dumps(b["room"]))
            # With an item that was rejected it is not whole: the old device would count that as there.
            if rejected:
                put("segment", b["segment"], False)
            elif b["last"] and b["kind"] != "attachment":
                row = transfer, b["segment"], True
                self.db.execute("INSERT OR IGNORE INTO staged_segment VALUES (?, ?, ?)", row)
        return {"rejected": rejected, "there": there}

    def commit(self, transfer):
        """Nothing the second time: nothing is staged then."""
        with self.db:
            for table in "item", "file", "room", "segment":
                self.db.execute(f"INSERT OR REPLACE INTO final_{table} SELECT * FROM staged_{table} WHERE transfer = ?", (transfer,))
                self.db.execute(f"DELETE FROM staged_{table} WHERE transfer = ?", (transfer,))

    def count(self, table, where="1"):
        return self.db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]


def receive(p, store, show_offer, ask_code, reject, kill_at=0):
    transfer = ""
    for e in p.events():
        name = e["event"]
        if name == "offer":
            show_offer(e["text"])
        elif name == "check_code":
            p.tell("check_code", code=ask_code(e["tries"]))
        elif name == "have":
            transfer = e["transfer"]
            p.tell("have", **store.have())
        elif name == "batch":
            answer = store.stage(transfer, e, reject)
            if e["batch"] == kill_at:
                print("killing the receiver: batch", kill_at, "is not acknowledged", file=sys.stderr)
                p.p.kill()
                continue
            p.tell("ack", batch=e["batch"], **answer)
        elif name == "commit":
            store.commit(e["transfer"])
            p.tell("committed")
        elif name == "done":
            return e
        # Anything else is for the screen (progress, connected, abort), or newer than this program.


def send(args, key, offer, ask_consent, show_code):
    secret = {"state_key_fd": key, **({"offer_fd": offer.encode()} if offer else {})}
    p = Process("send", *args, **secret)
    for e in p.events():
        name = e["event"]
        if name == "consent" and e["want"]:
            p.tell("consent", ok=ask_consent(e))
        elif name == "route":
            p.tell("route", ok=True)  # an app shows e["route"] and asks
        elif name == "check_code":
            show_code(e["code"])
        elif name == "done":
            return e


def main():
    a = argparse.ArgumentParser()
    a.add_argument("source")
    a.add_argument("--reject", default="", metavar="TEXT", help="reject messages that contain TEXT")
    a.add_argument("--kill-at", type=int, default=2, metavar="N")
    a = a.parse_args()
    with tempfile.TemporaryDirectory() as dir:
        at = lambda *names: os.path.join(dir, *names)
        store, offers, codes, sent = Store(at("store.db"), at("files")), queue.Queue(), queue.Queue(), queue.Queue()
        key = {side: base64.b64encode(secrets.token_bytes(32)) for side in ("old", "new")}  # an app has it in the system's key store

        def old_device():
            offer = offers.get()
            for attempt in range(3):
                done = send([a.source, "--state-dir", at("old")], key["old"], offer, lambda e: True, codes.put)
                if done["ok"] or not done["resume"]:
                    break
                offer = None  # it is used up; without one the transfer goes on
            if not done["ok"]:
                new[-1].tell("cancel")  # nobody will come
            sent.put(done)

        new = []
        threading.Thread(target=old_device, daemon=True).start()
        args = ["--to-host", at("parts"), "--state-dir", at("new"), "--listen", "127.0.0.1:0"]
        kill_at, killed = a.kill_at, False
        for attempt in range(3):
            # THE DEMO ONLY: the code goes from screen to screen through a person. An app that carries it by itself has no protection.
            new.append(Process("receive", *args, state_key_fd=key["new"]))
            got = receive(new[-1], store, offers.put, lambda tries: codes.get(timeout=30), a.reject, kill_at)
            if got["ok"] or not got["resume"]:
                break
            killed, kill_at = killed or got["code"] == "died", 0
        if not got["ok"]:
            sys.exit(f"the new device failed: {got['code']}: {got.get('message')} {got.get('hint', '')}")
        if a.kill_at and not killed:
            sys.exit(f"there was no batch {a.kill_at} to be killed at")
        verify(store, sent.get(timeout=60), got, a)


def verify(store, was, got, a):
    """The ledger of `done` accounts for each record of the old device. Hold it against what is in the store."""
    ledger, problems = got["ledger"], []

    def check(what, is_so):
        if not is_so:
            problems.append(what)

    check("the old device has its receipt", was["ok"])
    for field in "transfer", "root", "ledger":
        check("both devices have the same " + field, was.get(field) == got[field])
    for part in ledger, ledger["attachments"]:
        told = sum(part.get(k, 0) for k in ("imported", "there", "tombstones"))
        told += sum(sum(part.get(k, {}).values()) for k in ("excluded", "quarantined"))
        check("the ledger adds up", part["source"] == told)
    # A key is a primary key: exactly as many rows as items means each of them once.
    check("all items are there", store.count("final_item") == ledger["imported"] + ledger["tombstones"])
    check("all tombstones are there", store.count("final_item", "tombstone") == ledger["tombstones"])
    check("all files are there", store.count("final_file") == ledger["attachments"]["imported"])
    check("nothing is left over", store.count("staged_item") + store.count("staged_file") == 0)
    if a.reject:
        check("what was rejected is in the ledger", ledger.get("quarantined", {}).get("host filtered", 0) > 0)
    for sha256, in store.db.execute("SELECT sha256 FROM final_file"):
        with open(os.path.join(store.files, sha256), "rb") as f:
            check("the file is whole", hashlib.sha256(f.read()).hexdigest() == sha256)
    print(json.dumps(ledger))
    if problems:
        sys.exit("wrong: " + "; ".join(problems))


main()
