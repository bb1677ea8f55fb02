"""A client as KServe's and Triton's: python3-grpcio over a stub that protoc made of upstream/grpc_service.proto.

oip_client.py TARGET CA KEY CERT: reads one JSON line {"method", "request" (protobuf's JSON), "token"} at a time from standard input, and
answers each with a line {"response"} or {"code", "details"}.
"""
import json
import sys

import grpc
from google.protobuf import json_format

import grpc_service_pb2 as pb
import grpc_service_pb2_grpc as rpc


def main():
    target, ca, key, cert = sys.argv[1:]
    read = lambda path: open(path, "rb").read()
    channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(read(ca), read(key), read(cert)))
    stub = rpc.GRPCInferenceServiceStub(channel)
    for line in sys.stdin:
        ask = json.loads(line)
        request = json_format.ParseDict(ask["request"], getattr(pb, ask["method"] + "Request")())
        metadata = [("authorization", "Bearer " + ask["token"])] if ask.get("token") else []
        try:
            response = getattr(stub, ask["method"])(request, metadata=metadata, timeout=60)
            answer = {"response": json_format.MessageToDict(response, preserving_proto_field_name=True)}
        except grpc.RpcError as err:
            answer = {"code": err.code().name, "details": err.details()}
        print(json.dumps(answer), flush=True)


main()
