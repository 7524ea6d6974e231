"""What python3-cbor2 makes of the CBOR in testdata: it reads every golden, finds the
values of the JSON beside it, and encodes them to the same bytes. A walker of heads,
which shares nothing with cbor2 or with our codec, says whether they are in core
deterministic encoding (RFC 8949, section 4.2.1). Run it in the repository's folder.
"""
import base64, decimal, glob, hashlib, json, struct, sys

import cbor2


def walk(b, i, out):
    """Checks the item at i, appends it to out without the heads of tag 0 (which
    cbor2 turns into a time, and so loses its text), and returns where it ends."""
    major, info, n, start = b[i] >> 5, b[i] & 31, b[i] & 31, i
    i += 1
    assert info <= 27, f"offset {start}: indefinite length or reserved head"
    if info >= 24:
        size = 1 << info - 24
        assert len(b) >= i + size, f"offset {start}: truncated"
        n, i = int.from_bytes(b[i : i + size], "big"), i + size
        if major < 7:
            assert n >= (24 if size == 1 else 1 << 4 * size), f"offset {start}: head not the shortest"
        elif info == 24:
            assert n >= 32, f"offset {start}: reserved simple value"
        else:
            shortest(b[start + 1 : i], start)
    if (major, n) == (6, 0):
        assert b[i] >> 5 == 3, f"offset {start}: a date that is no text"
        return walk(b, i, out)
    out += b[start:i]
    if major in (2, 3):
        assert len(b) >= i + n, f"offset {start}: truncated"
        if major == 3:
            b[i : i + n].decode()  # UTF-8
        out += b[i : i + n]
        return i + n
    if major == 4:
        for _ in range(n):
            i = walk(b, i, out)
    elif major == 5:
        last = b""
        for _ in range(n):
            end = walk(b, i, out)
            assert b[i:end] > last, f"offset {i}: keys not in order, or twice"
            last, i = b[i:end], walk(b, end, out)
    elif major == 6:
        if n in (2, 3):
            body = bytearray()
            walk(b, i, body)
            assert body[0] >> 5 == 2 and len(cbor2.loads(bytes(body))) > 8, f"offset {start}: an integer, not a bignum"
            assert cbor2.loads(bytes(body))[0] != 0, f"offset {start}: a bignum that begins with 0"
        i = walk(b, i, out)
    return i


def shortest(bits, at):
    """Checks that no shorter float has the value."""
    formats = {2: ">e", 4: ">f", 8: ">d"}
    value = struct.unpack(formats[len(bits)], bits)[0]
    for size in (2, 4):
        if size < len(bits) and value == value:
            try:
                same = struct.unpack(formats[size], struct.pack(formats[size], value))[0] == value
            except OverflowError:
                same = False
            assert not same, f"offset {at}: float not the shortest"


def read(name, b):
    """Returns the value of b, with dates as texts."""
    out = bytearray()
    try:
        assert walk(b, 0, out) == len(b), "bytes after the item"
        value = cbor2.loads(bytes(out))
        assert cbor2.dumps(value, canonical=True) == bytes(out), "cbor2 encodes it to other bytes"
    except Exception as e:
        sys.exit(f"{name}: {e or type(e).__name__}")
    return value


def same(cbor, want, at):
    """Compares with what JSON has: bytes with tag 21 as base64url."""
    if isinstance(cbor, cbor2.CBORTag) and cbor.tag == 21:
        cbor = base64.urlsafe_b64encode(cbor.value).rstrip(b"=").decode()
    if isinstance(cbor, float) and isinstance(want, decimal.Decimal):
        want = float(want)
    if isinstance(want, dict):
        ok = isinstance(cbor, dict) and cbor.keys() == want.keys()
        return same_all(ok, at, ((cbor[k], want[k], f"{at}/{k}") for k in want if ok))
    if isinstance(want, list):
        ok = isinstance(cbor, list) and len(cbor) == len(want)
        return same_all(ok, at, ((a, b, f"{at}/{i}") for i, (a, b) in enumerate(zip(cbor, want)) if ok))
    same_all(cbor == want and isinstance(cbor, bool) == isinstance(want, bool), at, ())


def same_all(ok, at, parts):
    if not ok:
        sys.exit(f"{at}: another value than in JSON")
    for part in parts:
        same(*part)


def load(name):
    with open(name) as f:
        return json.load(f, parse_float=decimal.Decimal)


def refuses():
    """Makes sure that the walker can say no."""
    for b in ("1800", "190001", "5fff", "a26161016161 02", "a2616201616101", "fa3f800000", "fb3ff0000000000000", "c24101", "c249000000000000000001", "f818", "61ff", "8201", "c001"):
        try:
            walk(bytes.fromhex(b), 0, bytearray())
        except (AssertionError, UnicodeDecodeError, IndexError):
            continue
        sys.exit(f"the walker takes {b}")


refuses()
beside = alone = 0
for name in sorted(glob.glob("testdata/sample/*.cbor") + glob.glob("testdata/vectors/**/*.cbor", recursive=True)):
    with open(name, "rb") as f:
        same(read(name, f.read()), load(name[:-5] + ".json"), name)
    beside += 1
for d in load("testdata/vectors/mimi/dialogs.json"):
    want = d["dialog_json"]
    want = json.loads(want, parse_float=decimal.Decimal) if isinstance(want, str) else want
    same(read(d["name"], bytes.fromhex(d["dialog"])), want, d["name"])
    beside += 1
for name in sorted(glob.glob("testdata/vectors/segment/*.json")):
    v = load(name)
    for s in v.get("segments", []):
        b = bytes.fromhex(s["hex"])
        read(name, b)
        if hashlib.sha256(b).hexdigest() != s["id"]:
            sys.exit(f"{name}: the id is not the SHA-256")
        alone += 1
    if "hex" in v and "invalid" not in name:
        read(name, bytes.fromhex(v["hex"]))
        alone += 1
for case in load("testdata/vectors/reference/segments.json"):
    for s in case["segments"]:
        read("reference/segments.json", bytes.fromhex(s))
        alone += 1
if beside < 24 or alone < 10:
    sys.exit(f"only {beside} and {alone} goldens")
print(f"cbor2 reads {beside} goldens as the JSON beside them, and {alone} more; all are deterministic")
