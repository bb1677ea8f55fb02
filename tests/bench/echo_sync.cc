// echo_sync - the echo service on gRPC's C++ synchronous API: echo_sync [CERTS]
#include "tests/bench/echo_peer.h"

class Service final : public Echo::Service
{
    grpc::Status Unary(grpc::ServerContext *, const EchoRequest *request,
                       EchoResponse *response) override
    {
        response->set_payload(request->payload());
        return grpc::Status::OK;
    }
};

int main(int argc, char **argv)
{
    Service service;

    return serve(&service, argc, argv);
}
