"""What a client of Ward needs beside the stubs: why a call failed, and when to make it again."""

import random
import time
from typing import NamedTuple

import grpc

try:
    from google.rpc import error_details_pb2, status_pb2
except ImportError:
    from ward_protos import error_details_pb2, status_pb2


class Details(NamedTuple):
    """Of docs/errors.md. Programs decide by `code` and `reason`, never by the sentence."""

    code: grpc.StatusCode
    reason: str  # "" where the status was made by the client itself
    field: str  # the request's field at fault, or ""
    retry_after_s: float  # 0 without RetryInfo
    message: str


def details(error):
    """Reads google.rpc.Status from the trailing metadata of a grpc.RpcError."""
    reason, field, retry = "", "", 0.0
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for any_ in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.ErrorInfo()
            bad = error_details_pb2.BadRequest()
            wait = error_details_pb2.RetryInfo()
            if any_.Unpack(info):
                reason = info.reason
            elif any_.Unpack(bad) and bad.field_violations:
                field = bad.field_violations[0].field
            elif any_.Unpack(wait):
                retry = wait.retry_delay.seconds + wait.retry_delay.nanos / 1e9
    return Details(error.code(), reason, field, retry, error.details())


def may_repeat(d, idempotent):
    """Whether the same call may be made again. idempotent: it reads only, or has an idempotency key (send the same one).

    CANCELLED of a call that you did not cancel: the server or a proxy ended it.
    """
    if d.code == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return d.retry_after_s > 0
    return idempotent and d.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


def call(method, request, token=None, timeout=10.0, tries=4, idempotent=True):
    """Makes a unary call, and again where that helps: after RetryInfo (no longer than `timeout`), else after 0.1, 0.4, 1.6 s with jitter."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    for n in range(tries):
        try:
            return method(request, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            d = details(error)
            if n + 1 == tries or not may_repeat(d, idempotent) or d.retry_after_s > timeout:
                raise
            time.sleep(max(d.retry_after_s, 0.1 * 4**n * random.uniform(0.5, 1.5)))


# A connection whose other end is gone without a word is noticed by its pings; without them each call waits for its own deadline.
CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 30000),
    ("grpc.keepalive_timeout_ms", 10000),
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'),
)


def channel(target, ca, cert, key):
    """A channel over mutual TLS. The three are PEM files."""
    def read(name):
        with open(name, "rb") as file:
            return file.read()
    credentials = grpc.ssl_channel_credentials(read(ca), read(key), read(cert))
    return grpc.secure_channel(target, credentials, CHANNEL_OPTIONS)
