#include "plugins/channel.h"

#include <functional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <go_plugin.pb.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <velero/shared.pb.h>

namespace lateen::plugins {
namespace {

using grpc::ByteBuffer;

struct CodeWord {
  grpc::StatusCode grpc;
  std::string_view word;  // as Go's gRPC prints it
  Code code;
};

// A plugin's own errors are all Unknown, a panic in it is Aborted.
constexpr CodeWord kCodes[] = {
    {grpc::StatusCode::CANCELLED, "Canceled", Code::Canceled},
    {grpc::StatusCode::UNKNOWN, "Unknown", Code::Internal},
    {grpc::StatusCode::INVALID_ARGUMENT, "InvalidArgument", Code::InvalidArgument},
    {grpc::StatusCode::DEADLINE_EXCEEDED, "DeadlineExceeded", Code::DeadlineExceeded},
    {grpc::StatusCode::NOT_FOUND, "NotFound", Code::NotFound},
    {grpc::StatusCode::ALREADY_EXISTS, "AlreadyExists", Code::AlreadyExists},
    {grpc::StatusCode::PERMISSION_DENIED, "PermissionDenied", Code::Forbidden},
    {grpc::StatusCode::RESOURCE_EXHAUSTED, "ResourceExhausted", Code::TooManyRequests},
    {grpc::StatusCode::FAILED_PRECONDITION, "FailedPrecondition", Code::Conflict},
    {grpc::StatusCode::ABORTED, "Aborted", Code::Internal},
    {grpc::StatusCode::OUT_OF_RANGE, "OutOfRange", Code::InvalidArgument},
    {grpc::StatusCode::UNIMPLEMENTED, "Unimplemented", Code::Unsupported},
    {grpc::StatusCode::INTERNAL, "Internal", Code::Internal},
    {grpc::StatusCode::UNAVAILABLE, "Unavailable", Code::Unavailable},
    {grpc::StatusCode::DATA_LOSS, "DataLoss", Code::Corrupt},
    {grpc::StatusCode::UNAUTHENTICATED, "Unauthenticated", Code::Unauthenticated},
};

const CodeWord& code_word(grpc::StatusCode code) {
  for (const CodeWord& one : kCodes) {
    if (one.grpc == code) return one;
  }
  return kCodes[1];
}

// Where in the plugin the error was born: the innermost frame of its stack. Empty if it does not
// say.
std::string origin_of(const grpc::Status& status) {
  plugin::RpcStatus details;
  if (!details.ParseFromString(status.error_details())) return {};
  for (const google::protobuf::Any& detail : details.details()) {
    generated::Stack stack;
    if (!detail.Is<generated::Stack>() || !detail.UnpackTo(&stack) || stack.frames().empty()) {
      continue;
    }
    const generated::StackFrame& frame = stack.frames(0);
    return fmt::format("Raised in the plugin by {} at {}:{}.", frame.function(), frame.file(),
                       frame.line());
  }
  return {};
}

Error error_of(const grpc::Status& status) {
  const CodeWord& word = code_word(status.error_code());
  return Error(word.code, "rpc error: code = {} desc = {}", word.word, status.error_message())
      .with_hint(origin_of(status))
      .with_retryable(word.code == Code::Unavailable);
}

Error canceled() {
  return {Code::Canceled, "stopped while a plugin was asked"};
}

Error too_slow(std::string_view method) {
  return Error(Code::DeadlineExceeded, "the plugin has not answered {} in time", method);
}

ByteBuffer to_buffer(BytesView bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return {&slice, 1};
}

Result<Bytes> to_bytes(const ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return Error(Code::Internal, "a plugin's message is broken");
  Bytes bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

gpr_timespec at(Deadline deadline) {
  if (deadline.is_never()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(deadline.remaining().count(), GPR_TIMESPAN));
}

// What each call needs. One operation is under way at a time, and each is waited for.
struct CallState {
  explicit CallState(const std::stop_token& stop)
      : on_stop(stop, [this] { context.TryCancel(); }) {}

  // Waits for the operation under way: false if it failed. Past the deadline the call is cancelled,
  // which ends the operation, too.
  bool wait(Deadline deadline) {
    void* tag = nullptr;
    bool ok = false;
    auto got = queue.AsyncNext(&tag, &ok, at(deadline));
    if (got == grpc::CompletionQueue::TIMEOUT) {
      timed_out = true;
      context.TryCancel();
      return queue.Next(&tag, &ok) && ok;
    }
    return got == grpc::CompletionQueue::GOT_EVENT && ok;
  }

  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  bool timed_out = false;
  std::stop_callback<std::function<void()>> on_stop;
};

void drain(grpc::CompletionQueue& queue) {
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
}

class GrpcStream final : public Stream {
 public:
  GrpcStream(grpc::GenericStub& stub, std::string method, Duration patience, std::stop_token stop)
      : method_(std::move(method)), patience_(patience), stop_(std::move(stop)), state_(stop_) {
    call_ = stub.PrepareCall(&state_.context, method_, &state_.queue);
  }

  ~GrpcStream() override {
    if (!over_) {
      state_.context.TryCancel();
      grpc::Status status;
      finish(status);
    }
    drain(state_.queue);
  }

  Status start() {
    call_->StartCall(nullptr);
    return wait() ? Status() : Status(why());
  }

  Status write(BytesView message) override {
    if (over_) return Error(Code::Internal, "a call that is over is written to");
    call_->Write(to_buffer(message), nullptr);
    return wait() ? Status() : Status(why());
  }

  Status end_writes() override {
    if (over_) return Error(Code::Internal, "a call that is over is written to");
    call_->WritesDone(nullptr);
    return wait() ? Status() : Status(why());
  }

  Result<std::optional<Bytes>> read() override {
    if (over_) return std::optional<Bytes>();
    ByteBuffer buffer;
    call_->Read(&buffer, nullptr);
    if (wait()) return std::optional<Bytes>(TRY(to_bytes(buffer)));
    grpc::Status status;
    finish(status);
    if (status.ok()) return std::optional<Bytes>();
    return explain(status);
  }

 private:
  bool wait() { return state_.wait(Deadline::after(patience_)); }

  void finish(grpc::Status& status) {
    call_->Finish(&status, nullptr);
    (void)wait();  // the status says it
    over_ = true;
  }

  // Why an operation failed: the call's own end.
  Error why() {
    grpc::Status status;
    finish(status);
    if (status.ok()) return {Code::Unavailable, "the plugin ended {} before all was sent", method_};
    return explain(status);
  }

  Error explain(const grpc::Status& status) const {
    if (stop_.stop_requested()) return canceled();
    if (state_.timed_out) return too_slow(method_);
    return error_of(status);
  }

  const std::string method_;
  const Duration patience_;
  const std::stop_token stop_;
  CallState state_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool over_ = false;
};

std::string target_of(const Handshake& handshake) {
  return handshake.network == "unix" ? "unix:" + handshake.address : handshake.address;
}

grpc::ChannelArguments arguments() {
  grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(-1);  // an object may be larger than gRPC's 4 MiB
  args.SetMaxSendMessageSize(-1);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A plugin that was restarted may listen at an old one's path: nothing is shared between them.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return args;
}

}  // namespace

struct Channel::Rep {
  explicit Rep(const Handshake& handshake)
      : stub(grpc::CreateCustomChannel(
            target_of(handshake), grpc::InsecureChannelCredentials(), arguments())) {}

  grpc::GenericStub stub;  // thread-safe, and none of its calls is const
};

Channel::Channel(const Handshake& handshake) : rep_(std::make_unique<Rep>(handshake)) {}

Channel::~Channel() = default;

Result<Bytes> Channel::call(std::string_view method,
                            BytesView request,
                            Deadline deadline,
                            std::stop_token stop) const {
  if (stop.stop_requested()) return canceled();
  // An answer that is there already would be taken, late as it is; and the plugin would have acted.
  if (deadline.expired()) return too_slow(method);
  const std::string name(method);
  CallState state(stop);
  ByteBuffer answer;
  grpc::Status status;
  const auto call =
      rep_->stub.PrepareUnaryCall(&state.context, name, to_buffer(request), &state.queue);
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  (void)state.wait(deadline);  // the status says it
  drain(state.queue);
  if (status.ok()) return to_bytes(answer);
  if (stop.stop_requested()) return canceled();
  if (state.timed_out) return too_slow(method);
  return error_of(status);
}

Result<std::unique_ptr<Stream>> Channel::open(std::string_view method,
                                              Duration patience,
                                              std::stop_token stop) const {
  if (stop.stop_requested()) return canceled();
  auto stream = std::make_unique<GrpcStream>(rep_->stub, std::string(method), patience, stop);
  TRY(stream->start());
  return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace lateen::plugins
