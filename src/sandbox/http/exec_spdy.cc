#include "sandbox/http/exec_spdy.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "base/text.h"
#include "sandbox/http/spdy_frames.h"

namespace lateen::sandbox {

namespace {

constexpr auto kSendWait = std::chrono::seconds(60);
constexpr std::size_t kMaxResize = 4096;
// As large as Go's copy buffer: what one data frame carries.
constexpr std::size_t kDataPiece = 32 * 1024;

std::optional<ExecChannel> channel_named(std::string_view name) {
  if (name == "stdin") return ExecChannel::Stdin;
  if (name == "stdout") return ExecChannel::Stdout;
  if (name == "stderr") return ExecChannel::Stderr;
  if (name == "error") return ExecChannel::Error;
  if (name == "resize") return ExecChannel::Resize;
  return std::nullopt;
}

}  // namespace

std::string choose_stream_protocol(const std::vector<std::string_view>& offered) {
  for (const std::string_view value : offered) {
    for (const std::string& one : split_trimmed(value, ',')) {
      if (one == "v4.channel.k8s.io") return one;
    }
  }
  return {};
}

SpdyPeer::SpdyPeer(net::ByteStream& stream)
    : stream_(stream), inflater_(spdy_dictionary()), deflater_(spdy_dictionary()) {}

Result<std::optional<SpdyFrame>> SpdyPeer::read_frame(Deadline deadline, std::stop_token stop) {
  while (true) {
    SpdyFrame frame;
    if (input_.size() >= kSpdyFrameHead) {
      const std::size_t length = TRY(parse_spdy_head(input_, frame));
      if (input_.size() >= kSpdyFrameHead + length) {
        frame.payload = input_.substr(kSpdyFrameHead, length);
        input_.erase(0, kSpdyFrameHead + length);
        return std::optional<SpdyFrame>(std::move(frame));
      }
    }
    std::array<char, 16 * 1024> buffer{};
    auto count = stream_.read_some(buffer, deadline, stop);
    if (!count && count.error().is(Code::DeadlineExceeded)) return std::optional<SpdyFrame>();
    if (!count) return std::move(count.error());
    if (*count == 0) return Error(Code::Unavailable, "the client has closed the connection");
    input_.append(buffer.data(), *count);
  }
}

Status SpdyPeer::write(BytesView bytes, std::stop_token stop) {
  return stream_.write(bytes, Deadline::after(kSendWait), stop);
}

Status SpdyPeer::open_channel(const SpdyFrame& frame, std::stop_token stop) {
  // stream id, associated id, priority and slot, then the headers.
  if (frame.payload.size() < 10) return Error(Code::Corrupt, "a SPDY stream without its id");
  const std::uint32_t id = spdy_u32(frame.payload, 0);
  const Bytes block = TRY(inflater_.inflate(BytesView(frame.payload).substr(10), kSpdyMaxHeaders));
  const SpdyHeaders headers = TRY(decode_spdy_headers(block));
  std::optional<ExecChannel> channel;
  for (const auto& [name, value] : headers) {
    if (equals_ignoring_case(name, "streamtype")) channel = channel_named(value);
  }
  Bytes reply;
  put_spdy_u32(reply, id);
  const Lock lock(mu_);
  turn_.wait(mu_, Deadline::never(), stop,
             [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !writing_; });
  if (channel) channels_[*channel] = id;
  reply += deflater_.deflate(encode_spdy_headers({}));
  writing_ = true;
  mu_.unlock();
  Status sent = write(spdy_control(SpdyType::SynReply, 0, reply), stop);
  mu_.lock();
  writing_ = false;
  turn_.notify_all();
  return sent;
}

Status SpdyPeer::accept_channels(const std::set<ExecChannel>& wanted,
                                 Deadline deadline,
                                 std::stop_token stop) {
  while (true) {
    {
      const Lock lock(mu_);
      const bool all =
          std::ranges::all_of(wanted, [this](ExecChannel one) LATEEN_NO_THREAD_SAFETY_ANALYSIS {
            return channels_.contains(one);
          });
      if (all) return {};
    }
    const std::optional<SpdyFrame> frame = TRY(read_frame(deadline, stop));
    if (!frame) return Error(Code::DeadlineExceeded, "the client did not open its streams in time");
    TRY(take(*frame, stop));
  }
}

std::optional<ExecInput> SpdyPeer::take_data(const SpdyFrame& frame) {
  std::optional<ExecChannel> channel;
  {
    const Lock lock(mu_);
    for (const auto& [one, id] : channels_) {
      if (id == frame.stream) channel = one;
    }
  }
  if (channel == ExecChannel::Stdin) {
    if (!frame.payload.empty())
      return ExecInput{.kind = ExecInput::Kind::Stdin, .bytes = frame.payload};
    if ((frame.flags & kSpdyFin) != 0) return ExecInput{.kind = ExecInput::Kind::StdinEnd};
  }
  if (channel == ExecChannel::Resize && !frame.payload.empty()) {
    resize_ += frame.payload;
    const auto end = resize_.rfind('}');
    if (end == Bytes::npos) {
      if (resize_.size() > kMaxResize) resize_.clear();
      return std::nullopt;
    }
    // Only the newest size counts.
    const auto begin = resize_.rfind('{', end);
    const ExecInput input = parse_resize(
        begin == Bytes::npos ? BytesView() : BytesView(resize_).substr(begin, end + 1 - begin));
    resize_.erase(0, end + 1);
    return input;
  }
  return std::nullopt;
}

Result<std::optional<ExecInput>> SpdyPeer::take(const SpdyFrame& frame, std::stop_token stop) {
  if (!frame.control) return take_data(frame);
  switch (frame.type) {
    case SpdyType::SynStream:
      TRY(open_channel(frame, stop));
      break;
    case SpdyType::Ping: {
      const Lock lock(mu_);
      turn_.wait(mu_, Deadline::never(), stop,
                 [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !writing_; });
      writing_ = true;
      mu_.unlock();
      Status sent = write(spdy_control(SpdyType::Ping, 0, frame.payload), stop);
      mu_.lock();
      writing_ = false;
      turn_.notify_all();
      TRY(std::move(sent));
      break;
    }
    case SpdyType::GoAway:
      return std::optional<ExecInput>(ExecInput{.kind = ExecInput::Kind::Gone});
    case SpdyType::RstStream: {
      const std::uint32_t id = spdy_u32(frame.payload, 0);
      const Lock lock(mu_);
      const auto input = channels_.find(ExecChannel::Stdin);
      if (input != channels_.end() && input->second == id) {
        return std::optional<ExecInput>(ExecInput{.kind = ExecInput::Kind::StdinEnd});
      }
      break;
    }
    case SpdyType::Headers:
      // Not used, but it moves the compression on.
      if (frame.payload.size() >= 4)
        TRY(inflater_.inflate(BytesView(frame.payload).substr(4), kSpdyMaxHeaders));
      break;
    case SpdyType::SynReply:
    case SpdyType::Settings:
    case SpdyType::WindowUpdate:
      break;
  }
  return std::optional<ExecInput>();
}

std::optional<ExecInput> SpdyPeer::receive(Deadline deadline, std::stop_token stop) {
  auto frame = read_frame(deadline, stop);
  if (!frame) return ExecInput{.kind = ExecInput::Kind::Gone};
  if (!*frame) return std::nullopt;
  const bool last_of_stdin =
      !(*frame)->control && ((*frame)->flags & kSpdyFin) != 0 && !(*frame)->payload.empty();
  auto input = take(**frame, stop);
  if (!input) return ExecInput{.kind = ExecInput::Kind::Gone};
  if (last_of_stdin) {
    // The end that came with the bytes is told next: as if it were a frame of its own.
    input_.insert(0, spdy_data((*frame)->stream, {}, true));
  }
  return *input;
}

Status SpdyPeer::send(ExecChannel channel, BytesView bytes, std::stop_token stop) {
  const Lock lock(mu_);
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return {};
  const std::uint32_t id = found->second;
  while (!bytes.empty()) {
    turn_.wait(mu_, Deadline::never(), stop,
               [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !writing_; });
    if (stop.stop_requested()) return Error(Code::Canceled, "the exec session was stopped");
    writing_ = true;
    mu_.unlock();
    Status sent = write(spdy_data(id, bytes.substr(0, kDataPiece), false), stop);
    mu_.lock();
    writing_ = false;
    turn_.notify_all();
    TRY(std::move(sent));
    bytes.remove_prefix(std::min(bytes.size(), kDataPiece));
  }
  return {};
}

Status SpdyPeer::finish(const Json& status, std::stop_token stop) {
  TRY(send(ExecChannel::Error, write_json_unsorted(status), stop));
  std::map<ExecChannel, std::uint32_t> channels;
  {
    const Lock lock(mu_);
    turn_.wait(mu_, Deadline::never(), stop,
               [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !writing_; });
    channels = channels_;
  }
  // The receiving thread writes replies only to streams and pings, which come before this or not at
  // all.
  for (const auto& [channel, id] : channels)
    TRY(write(spdy_data(id, {}, true), stop));
  return {};
}

}  // namespace lateen::sandbox
