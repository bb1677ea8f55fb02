// echo_peer.h - what the two C++ servers share: credentials, the port line, waiting for
// SIGTERM. They are what a reasonable user of gRPC's C++ library writes: its defaults, nothing
// tuned.
#ifndef WARD_BENCH_ECHO_PEER_H
#define WARD_BENCH_ECHO_PEER_H

#include "ward/test/v1/echo.grpc.pb.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <sstream>
#include <string>

using ward::test::v1::Echo;
using ward::test::v1::EchoRequest;
using ward::test::v1::EchoResponse;

inline std::string contents(const std::string &path)
{
    std::ifstream file(path);
    std::stringstream text;

    text << file.rdbuf();
    return text.str();
}

// Client certificates are asked for and checked, as Ward's servers do.
inline std::shared_ptr<grpc::ServerCredentials> credentials(int argc, char **argv)
{
    if (argc < 2)
        return grpc::InsecureServerCredentials();
    std::string dir = argv[1];
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = contents(dir + "/ca.pem");
    options.pem_key_cert_pairs.push_back(
        {contents(dir + "/echo.key"), contents(dir + "/echo.pem")});
    return grpc::SslServerCredentials(options);
}

// abseil's lock-order checker, which Debian's build leaves on and common/rpc switches off. The
// peers keep it, as their users do, unless QUIET_PEERS is set: that run says how much of a
// ratio it is.
extern "C" void absl_deadlock_mode(int mode) __asm__(
    "_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE")
    __attribute__((weak));

inline int serve(grpc::Service *service, int argc, char **argv)
{
    grpc::ServerBuilder builder;
    sigset_t stop;
    int port = 0, got;

    if (std::getenv("QUIET_PEERS") != nullptr && absl_deadlock_mode != nullptr)
        absl_deadlock_mode(0);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, nullptr);
    builder.AddListeningPort("127.0.0.1:0", credentials(argc, argv), &port);
    builder.RegisterService(service);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (server == nullptr || port == 0)
        return 1;
    std::printf("%d\n", port);
    std::fflush(stdout);
    sigwait(&stop, &got);
    server->Shutdown();
    return 0;
}

#endif
