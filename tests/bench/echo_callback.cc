// echo_callback - the echo service on gRPC's C++ callback API: echo_callback [CERTS]
#include "tests/bench/echo_peer.h"

class Service final : public Echo::CallbackService
{
    grpc::ServerUnaryReactor *Unary(grpc::CallbackServerContext *context,
                                    const EchoRequest *request, EchoResponse *response) override
    {
        response->set_payload(request->payload());
        grpc::ServerUnaryReactor *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

int main(int argc, char **argv)
{
    Service service;

    return serve(&service, argc, argv);
}
