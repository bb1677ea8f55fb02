// interop PORT CERTIFICATES - gRPC's C++ client over the cases of gRPC's interoperability list that apply to Ward.
#include "ward/test/v1/echo.grpc.pb.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <grpcpp/grpcpp.h>
#include <sstream>
#include <string>
#include <thread>

using grpc::ClientContext;
using ward::test::v1::Echo;
using ward::test::v1::EchoRequest;
using ward::test::v1::EchoResponse;

static std::string pki;
static std::unique_ptr<Echo::Stub> stub;
static int n_failed;

static std::string read(const std::string &name)
{
    std::ifstream f(pki + "/" + name);
    std::stringstream s;
    s << f.rdbuf();
    return s.str();
}

static void check(const std::string &name, bool ok)
{
    std::printf("%s %s\n", ok ? "ok" : "FAILED", name.c_str());
    n_failed += ok ? 0 : 1;
}

static void limit(ClientContext &c, int ms)
{
    c.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(ms));
}

// One unary call; prepare sets what is particular.
static grpc::Status ask(const EchoRequest &q, EchoResponse *r, int ms = 20000,
                        const std::function<void(ClientContext &)> &prepare = {})
{
    ClientContext c;
    limit(c, ms);
    if (prepare)
        prepare(c);
    return stub->Unary(&c, q, r);
}

static void unary()
{
    for (size_t n : {size_t{0}, size_t{100}, size_t{1000000}, size_t{3900000}}) {
        EchoRequest q;
        EchoResponse r;
        q.set_payload(std::string(n, 'a'));
        check("unary of " + std::to_string(n) + " bytes",
              ask(q, &r).ok() && r.payload() == q.payload() && r.peer() == "friend");
    }
    EchoRequest q;
    EchoResponse r;
    q.set_payload(std::string(5000000, 'a'));
    check("a message above the limit", ask(q, &r).error_code() == grpc::RESOURCE_EXHAUSTED);
}

static void streams()
{
    EchoRequest q;
    EchoResponse r;
    int n = 0;
    {
        ClientContext c;
        q.set_repeat(1000);
        auto s = stub->ServerStream(&c, q);
        while (s->Read(&r))
            n++;
        check("server stream", n == 1000 && s->Finish().ok());
    }
    {
        ClientContext c;
        auto s = stub->ClientStream(&c, &r);
        for (int i = 0; i < 1000; i++)
            s->Write(q);
        s->WritesDone();
        check("client stream", s->Finish().ok() && r.received() == 1000);
    }
    {
        ClientContext c;
        auto s = stub->Bidi(&c);
        bool ok = true;
        for (int i = 0; i < 300; i++) {
            q.set_payload(std::to_string(i));
            ok = ok && s->Write(q) && s->Read(&r) && r.payload() == q.payload();
        }
        s->WritesDone();
        check("ping-pong", ok && !s->Read(&r) && s->Finish().ok());
    }
    {
        ClientContext c;
        auto s = stub->Bidi(&c);
        s->WritesDone();
        check("empty stream", !s->Read(&r) && s->Finish().ok());
    }
}

static void ends()
{
    EchoRequest q;
    EchoResponse r;
    q.set_sleep_ms(20000);
    check("timeout on a sleeping server",
          ask(q, &r, 150).error_code() == grpc::DEADLINE_EXCEEDED);
    {
        ClientContext c;
        std::thread t([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            c.TryCancel();
        });
        check("cancel of a unary call", stub->Unary(&c, q, &r).error_code() == grpc::CANCELLED);
        t.join();
    }
    {
        ClientContext c;
        auto s = stub->ClientStream(&c, &r);
        c.TryCancel();
        check("cancel after begin", s->Finish().error_code() == grpc::CANCELLED);
    }
    {
        ClientContext c;
        EchoRequest slow;
        slow.set_repeat(1000);
        slow.set_sleep_ms(20);
        auto s = stub->ServerStream(&c, slow);
        bool first = s->Read(&r);
        c.TryCancel();
        while (s->Read(&r))
            ;
        check("cancel after the first response",
              first && s->Finish().error_code() == grpc::CANCELLED);
    }
}

static void statuses()
{
    const std::string words = "\t\ntest with whitespace\r\nand Unicode \xe2\x98\xba 100 %";
    EchoRequest q;
    EchoResponse r;
    q.set_fail_code(9);
    q.set_text(words);
    auto s = ask(q, &r);
    check("status, special message and details",
          s.error_code() == 9 && s.error_message() == words && s.error_details().size() > 4);
    q.Clear();
    check("custom metadata", ask(q, &r, 20000, [](ClientContext &c) {
                                 c.AddMetadata("x-text", "a, b");
                                 c.AddMetadata("x-some-bin", std::string("\0\xff", 2));
                             }).ok());
    check("compressed messages are refused", ask(q, &r, 20000, [&](ClientContext &c) {
                                                 q.set_payload(std::string(5000, 'a'));
                                                 c.set_compression_algorithm(GRPC_COMPRESS_GZIP);
                                             }).error_code() == grpc::UNIMPLEMENTED);
}

int main(int, char **argv)
{
    grpc::ChannelArguments args;

    pki = argv[2];
    args.SetMaxReceiveMessageSize(-1);
    args.SetMaxSendMessageSize(-1);
    stub = Echo::NewStub(grpc::CreateCustomChannel(
        "localhost:" + std::string(argv[1]),
        grpc::SslCredentials({read("ca.pem"), read("friend.key"), read("friend.pem")}), args));
    unary();
    streams();
    ends();
    statuses();
    return n_failed == 0 ? 0 : 1;
}
