"""interop.py PORT CERTIFICATES STUBS - python3-grpcio (gRPC's C core) over the cases of gRPC's interoperability
list that apply to Ward: it has no custom metadata in answers and refuses compression. Prints a line for each."""

import sys
import threading
import time

port, pki, stubs = sys.argv[1:4]
sys.path.insert(0, stubs)

import grpc  # noqa: E402
from ward.test.v1 import echo_pb2 as pb  # noqa: E402

ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
ECHO = "/ward.test.v1.Echo/"
TYPES = {"request_serializer": pb.EchoRequest.SerializeToString, "response_deserializer": pb.EchoResponse.FromString}
ASK = pb.EchoRequest
CODE = grpc.StatusCode
failed = []


def read(name):
    with open(f"{pki}/{name}", "rb") as f:
        return f.read()


def channel(options=()):
    mine = grpc.ssl_channel_credentials(read("ca.pem"), read("friend.key"), read("friend.pem"))
    return grpc.secure_channel(f"localhost:{port}", mine, ANY_SIZE + list(options))


ch = channel()
fast, unary = ch.unary_unary(ECHO + "Fast", **TYPES), ch.unary_unary(ECHO + "Unary", **TYPES)
server_stream = ch.unary_stream(ECHO + "ServerStream", **TYPES)
client_stream = ch.stream_unary(ECHO + "ClientStream", **TYPES)
bidi = ch.stream_stream(ECHO + "Bidi", **TYPES)


def case(name):
    def run(fn):
        try:
            fn()
        except Exception as e:  # a case that fails must not stop the others
            failed.append(name)
            print("FAILED", name, repr(e)[:400])
        else:
            print("ok", name)
    return run


def same(got, want):
    assert got == want, (str(got)[:200], str(want)[:200])


def fails(code, call):
    try:
        call()
    except grpc.RpcError as e:
        assert e.code() == code, (e.code(), e.details())
        return e
    raise AssertionError("the call succeeded")


for name, method in (("inline", fast), ("worker", unary)):
    for size in (0, 3, 1000000, 3900000):
        @case(f"{name}: unary of {size} bytes")
        def _(method=method, size=size):
            same(method(ASK(payload=b"x" * size), timeout=20).payload, b"x" * size)

    @case(f"{name}: a message above the limit")
    def _(method=method):
        fails(CODE.RESOURCE_EXHAUSTED, lambda: method(ASK(payload=b"z" * 5000000), timeout=20))


@case("server stream of 1,000 messages")
def _():
    got = [r.received for r in server_stream(ASK(repeat=1000, payload=b"q" * 50), timeout=30)]
    same(got, list(range(1, 1001)))


@case("server stream of 16 MiB")
def _():
    same(sum(len(r.payload) for r in server_stream(ASK(repeat=64, payload=b"q" * 262144), timeout=30)), 64 * 262144)


@case("server stream without a message")
def _():
    same(list(server_stream(ASK(repeat=0), timeout=10)), [])


@case("client stream of 1,000 messages")
def _():
    same(client_stream((ASK(payload=b"c" * 100) for _ in range(1000)), timeout=30).received, 1000)


@case("client stream of 16 MiB")
def _():
    same(client_stream((ASK(payload=b"c" * 262144) for _ in range(64)), timeout=30).received, 64)


@case("client stream without a message")
def _():
    same(client_stream(iter(()), timeout=10).received, 0)


@case("ping-pong")
def _():
    turn = threading.Semaphore(1)

    def asks():
        for i in range(200):
            turn.acquire()
            yield ASK(payload=b"%d" % i)

    for i, r in enumerate(bidi(asks(), timeout=30)):
        same(r.payload, b"%d" % i)
        turn.release()


@case("empty stream both ways")
def _():
    same(list(bidi(iter(()), timeout=10)), [])


@case("timeout on a sleeping server: unary")
def _():
    fails(CODE.DEADLINE_EXCEEDED, lambda: unary(ASK(sleep_ms=20000), timeout=0.15))


@case("timeout on a sleeping server: stream")
def _():
    fails(CODE.DEADLINE_EXCEEDED, lambda: list(server_stream(ASK(repeat=100, sleep_ms=200), timeout=0.3)))


@case("the deadline reaches the handler")
def _():
    left = unary(ASK(), timeout=40).left_ms
    assert 0 < left <= 41000, left  # gRPC's core rounds it up


@case("cancel after begin")
def _():
    call = client_stream.future(iter(lambda: time.sleep(30), None))
    call.cancel()
    same(call.code(), CODE.CANCELLED)


@case("cancel after the first response")
def _():
    it = server_stream(ASK(repeat=1000, sleep_ms=20))
    next(it)
    it.cancel()
    fails(CODE.CANCELLED, lambda: [next(it) for _ in range(1000)])


@case("workers are free after cancelled calls")
def _():
    for _ in range(8):
        call = unary.future(ASK(sleep_ms=60000))
        time.sleep(0.05)
        call.cancel()
    for _ in range(8):
        unary(ASK(), timeout=10)


@case("custom metadata, text and binary of every padding")
def _():
    for n in range(8):
        fast(ASK(), timeout=10, metadata=(("x-text", "a, b"), ("x-some-bin", bytes(range(250 - n, 250))), ("x-some-bin", b"\x00")))


@case("status code and message")
def _():
    for k in (1, 3, 5, 7, 9, 14, 16):  # Ward's UNKNOWN and INTERNAL tell a caller nothing more
        e = fails(next(c for c in CODE if c.value[0] == k), lambda k=k: unary(ASK(fail_code=k, text="as asked"), timeout=10))
        same(e.details(), "as asked")
        details = dict(e.trailing_metadata())["grpc-status-details-bin"]
        same(details[:2], bytes([8, k]))


@case("special status message")
def _():
    words = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608 100 %"
    e = fails(CODE.NOT_FOUND, lambda: unary(ASK(fail_code=5, text=words), timeout=10))
    same(e.details(), words)


@case("unimplemented method and service")
def _():
    fails(CODE.UNIMPLEMENTED, lambda: ch.unary_unary(ECHO + "Nope", **TYPES)(ASK(), timeout=10))
    fails(CODE.UNIMPLEMENTED, lambda: next(ch.stream_stream("/no.Such/Method", **TYPES)(iter([ASK()]), timeout=10)))


@case("compressed messages are refused")
def _():
    fails(CODE.UNIMPLEMENTED, lambda: unary(ASK(payload=b"a" * 5000), timeout=10, compression=grpc.Compression.Gzip))


@case("too much metadata fails its call, and the server answers the next")
def _():
    try:
        fast(ASK(), timeout=10, metadata=(("x-big", "a" * 20000),))
    except grpc.RpcError as e:
        assert e.code() in (CODE.RESOURCE_EXHAUSTED, CODE.INTERNAL, CODE.UNKNOWN, CODE.UNAVAILABLE), e
    else:
        raise AssertionError("the call succeeded")
    same(fast(ASK(payload=b"ok"), timeout=10, wait_for_ready=True).payload, b"ok")


@case("a client stream that fails early")
def _():
    def forever():
        yield ASK(fail_code=9)
        for _ in range(10000):
            yield ASK(payload=b"p" * 1000)
            time.sleep(0.001)

    fails(CODE.FAILED_PRECONDITION, lambda: client_stream(forever(), timeout=20))


@case("3,200 calls from 16 threads")
def _():
    errors = []

    def calls():
        for i in range(200):
            try:
                same(unary(ASK(payload=b"%d" % i), timeout=30).payload, b"%d" % i)
            except Exception as e:  # counted
                errors.append(repr(e)[:200])

    threads = [threading.Thread(target=calls) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors[:2]


sys.exit(1 if failed else 0)
