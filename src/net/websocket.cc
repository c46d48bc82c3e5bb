#include "net/websocket.h"

#include <array>
#include <span>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"

namespace lateen::net {

namespace {

constexpr std::uint8_t kContinuation = 0x0;
constexpr std::uint8_t kText = 0x1;
constexpr std::uint8_t kBinary = 0x2;
constexpr std::uint8_t kClose = 0x8;
constexpr std::uint8_t kPing = 0x9;
constexpr std::uint8_t kPong = 0xA;

constexpr std::uint16_t kNoCloseCode = 1005;
constexpr std::size_t kMaxControl = 125;  // RFC 6455, 5.5
constexpr std::size_t kReadSize = 32 * 1024;

using Mask = std::array<char, 4>;

void apply_mask(std::span<char> bytes, const Mask& mask) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ mask.at(i % mask.size()));
  }
}

void append_big_endian(Bytes& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU);
  }
}

std::uint64_t read_big_endian(BytesView bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes)
    value = (value << 8U) | static_cast<unsigned char>(c);
  return value;
}

// 0x80: the last fragment, or (of the length) masked.
Bytes format_frame(std::uint8_t opcode, BytesView data, bool masked) {
  constexpr unsigned kBit = 0x80;
  const unsigned mask_bit = masked ? kBit : 0;
  Bytes frame;
  frame.reserve(data.size() + 14);
  frame += static_cast<char>(kBit | opcode);
  if (data.size() < 126) {
    frame += static_cast<char>(mask_bit | data.size());
  } else if (data.size() <= 0xFFFF) {
    frame += static_cast<char>(mask_bit | 126U);
    append_big_endian(frame, data.size(), 2);
  } else {
    frame += static_cast<char>(mask_bit | 127U);
    append_big_endian(frame, data.size(), 8);
  }
  if (!masked) return frame.append(data);
  Mask mask{};
  SystemRng rng;
  rng.fill(std::as_writable_bytes(std::span(mask)));
  frame.append(mask.data(), mask.size());
  const std::size_t at = frame.size();
  frame.append(data);
  apply_mask(std::span(frame).subspan(at), mask);
  return frame;
}

bool is_control(std::uint8_t opcode) {
  return (opcode & 0x8U) != 0;
}

// 1005, 1006 and 1015 are never sent; below 1000 and from 5000 nothing is defined.
bool is_close_code(std::uint16_t code) {
  return code >= 1000 && code < 5000 && code != 1004 && code != 1005 && code != 1006 &&
         code != 1015;
}

struct FrameHead {
  std::uint8_t opcode = 0;
  bool final = false;
  bool masked = false;
  bool reserved = false;
  std::uint64_t length = 0;
  std::size_t size = 0;  // of the head, mask and all
};

// Nothing if it is not all there yet.
std::optional<FrameHead> parse_head(BytesView bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  FrameHead head{.opcode = static_cast<std::uint8_t>(first & 0x0FU),
                 .final = (first & 0x80U) != 0,
                 .masked = (second & 0x80U) != 0,
                 .reserved = (first & 0x70U) != 0,
                 .length = second & 0x7FU,
                 .size = 2};
  const std::size_t extended = head.length == 126 ? 2 : head.length == 127 ? 8 : 0;
  const std::size_t mask = head.masked ? 4 : 0;
  if (bytes.size() < head.size + extended + mask) return std::nullopt;
  if (extended != 0) head.length = read_big_endian(bytes.substr(head.size, extended));
  head.size += extended + mask;
  return head;
}

}  // namespace

WebSocket::WebSocket(std::unique_ptr<ByteStream> stream,
                     Role role,
                     std::string protocol,
                     Bytes early)
    : stream_(std::move(stream)),
      role_(role),
      protocol_(std::move(protocol)),
      input_(std::move(early)) {}

Status WebSocket::send_binary(BytesView data, Deadline deadline, std::stop_token stop) {
  return send_frame(kBinary, data, deadline, std::move(stop));
}

Status WebSocket::send_text(BytesView data, Deadline deadline, std::stop_token stop) {
  return send_frame(kText, data, deadline, std::move(stop));
}

Status WebSocket::ping(BytesView data, Deadline deadline, std::stop_token stop) {
  if (data.size() > kMaxControl) {
    return Error(Code::InvalidArgument, "a ping carries at most {} bytes", kMaxControl);
  }
  return send_frame(kPing, data, deadline, std::move(stop));
}

Status WebSocket::close(std::uint16_t code,
                        std::string_view reason,
                        Deadline deadline,
                        std::stop_token stop) {
  {
    const Lock lock(mu_);
    if (close_sent_) return {};
  }
  Bytes payload;
  append_big_endian(payload, code, 2);
  payload.append(reason.substr(0, kMaxControl - payload.size()));
  return send_frame(kClose, payload, deadline, std::move(stop));
}

// Frames never mix, and a writer that waits for another one still hears its deadline and its stop.
Status WebSocket::take_turn(bool is_close, Deadline deadline, const std::stop_token& stop) {
  const Lock lock(mu_);
  const bool free = turn_.wait(mu_, deadline, stop,
                               [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !writing_; });
  if (!free) {
    if (stop.stop_requested()) return Error(Code::Canceled, "WebSocket: stopped");
    return Error(Code::DeadlineExceeded, "WebSocket: the peer is too slow");
  }
  if (close_sent_) return Error(Code::Unavailable, "WebSocket: closed");
  writing_ = true;
  close_sent_ = is_close;
  return {};
}

void WebSocket::end_turn() {
  const Lock lock(mu_);
  writing_ = false;
  turn_.notify_one();
}

Status WebSocket::send_frame(std::uint8_t opcode,
                             BytesView data,
                             Deadline deadline,
                             std::stop_token stop) {
  const Bytes frame = format_frame(opcode, data, role_ == Role::Client);
  TRY(take_turn(opcode == kClose, deadline, stop));
  Status sent = stream_->write(frame, deadline, std::move(stop));
  end_turn();
  return std::move(sent).wrap("WebSocket");
}

Status WebSocket::read_more(Deadline deadline, std::stop_token stop) {
  input_.erase(0, std::exchange(consumed_, 0));
  const std::size_t had = input_.size();
  input_.resize(had + kReadSize);
  auto got = stream_->read_some(std::span(input_).subspan(had), deadline, std::move(stop));
  input_.resize(had + (got ? *got : 0));
  if (!got) return std::move(got).error().wrap("WebSocket");
  if (*got == 0) {
    ended_ = true;
    return Error(Code::Unavailable, "WebSocket: the peer has gone");
  }
  return {};
}

// The peer breaks the protocol, or asks too much of us: say so, if it listens, and end.
Error WebSocket::fail(std::uint16_t code, std::string_view why) {
  ended_ = true;
  constexpr auto kPatience = std::chrono::seconds(1);
  // Whether the peer hears the reason changes nothing here.
  (void)close(code, why, Deadline::after(kPatience), {});
  stream_->shutdown();
  return Error(Code::Corrupt, "WebSocket: {}", why);
}

Result<std::optional<WebSocket::Frame>> WebSocket::next_frame() {
  const BytesView input = BytesView(input_).substr(consumed_);
  const std::optional<FrameHead> head = parse_head(input);
  if (!head) return std::optional<Frame>();
  if (head->reserved) return fail(kCloseProtocolError, "an extension that was not agreed on");
  if (head->masked != (role_ == Role::Server)) {
    return fail(kCloseProtocolError, "a frame is masked wrongly");
  }
  if (is_control(head->opcode) && (head->length > kMaxControl || !head->final)) {
    return fail(kCloseProtocolError, "a control frame is too long");
  }
  if (head->length > max_message_ - partial_.size()) {
    return fail(kCloseTooBig, "a message is too large");
  }
  if (input.size() - head->size < head->length) return std::optional<Frame>();
  const auto length = static_cast<std::size_t>(head->length);
  Frame frame{.opcode = head->opcode, .final = head->final};
  frame.payload = input.substr(head->size, length);
  if (head->masked) {
    Mask mask{};
    input.copy(mask.data(), mask.size(), head->size - mask.size());
    apply_mask(frame.payload, mask);
  }
  consumed_ += head->size + length;
  return std::optional<Frame>(std::move(frame));
}

Result<std::optional<WebSocketMessage>> WebSocket::take_data(Frame frame) {
  const bool continues = frame.opcode == kContinuation;
  if (continues != (partial_opcode_ != 0)) {
    return fail(kCloseProtocolError, "a fragment is out of its order");
  }
  if (!continues) partial_opcode_ = frame.opcode;
  if (partial_.empty()) {
    partial_ = std::move(frame.payload);
  } else {
    partial_ += frame.payload;
  }
  if (!frame.final) return std::optional<WebSocketMessage>();
  const bool is_text = std::exchange(partial_opcode_, std::uint8_t{0}) == kText;
  if (is_text && !is_valid_utf8(partial_)) return fail(kCloseBadData, "a text is not UTF-8");
  using Kind = WebSocketMessage::Kind;
  WebSocketMessage message{.kind = is_text ? Kind::Text : Kind::Binary};
  message.data = std::exchange(partial_, {});
  return std::optional<WebSocketMessage>(std::move(message));
}

Result<std::optional<WebSocketMessage>> WebSocket::take_control(Frame frame,
                                                                Deadline deadline,
                                                                std::stop_token stop) {
  if (frame.opcode == kPong) return std::optional<WebSocketMessage>();
  if (frame.opcode == kPing) {
    Status answered = send_frame(kPong, frame.payload, deadline, std::move(stop));
    // After our own Close no pong is owed.
    if (!answered && !answered.error().is(Code::Unavailable)) return std::move(answered).error();
    return std::optional<WebSocketMessage>();
  }
  if (frame.opcode != kClose) return fail(kCloseProtocolError, "an unknown kind of frame");
  ended_ = true;
  WebSocketMessage message{.kind = WebSocketMessage::Kind::Close, .close_code = kNoCloseCode};
  std::uint16_t answer = kCloseNormal;
  if (frame.payload.size() >= 2) {
    message.close_code = static_cast<std::uint16_t>(read_big_endian(frame.payload.substr(0, 2)));
    message.data = frame.payload.substr(2);
    answer = is_close_code(message.close_code) ? message.close_code : kCloseProtocolError;
  }
  // The peer may already have gone: it has said all that it wanted.
  (void)close(answer, "", deadline, std::move(stop));
  return std::optional<WebSocketMessage>(std::move(message));
}

Result<WebSocketMessage> WebSocket::receive(Deadline deadline, std::stop_token stop) {
  for (;;) {
    if (ended_) return Error(Code::Unavailable, "WebSocket: closed");
    std::optional<Frame> frame = TRY(next_frame());
    if (!frame) {
      TRY(read_more(deadline, stop));
      continue;
    }
    const bool control = is_control(frame->opcode);
    if (!control && frame->opcode > kBinary) {
      return fail(kCloseProtocolError, "an unknown kind of frame");
    }
    auto taken =
        control ? take_control(std::move(*frame), deadline, stop) : take_data(std::move(*frame));
    if (!taken) return std::move(taken).error();
    if (*taken) return std::move(**taken);
  }
}

std::string websocket_accept_key(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
  return base64_encode(hash(HashAlgorithm::Sha1, std::string(key).append(kGuid)));
}

}  // namespace lateen::net
