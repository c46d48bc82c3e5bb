// SPDY/3.1 as far as Kubernetes' clients use it: streams with headers, data, pings. Layout
// (draft-mbelshe-httpbis-spdy-00):
//
//   control  1|version 3 (15 bits)|type (16)   flags (8)|length (24)   payload
//   data     0|stream id (31)                  flags (8)|length (24)   bytes
//
// Header blocks are one zlib stream for each direction, started with the dictionary below.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/zlib_dictionary.h"

namespace lateen::sandbox {

enum class SpdyType : std::uint16_t {
  SynStream = 1,
  SynReply = 2,
  RstStream = 3,
  Settings = 4,
  Ping = 6,
  GoAway = 7,
  Headers = 8,
  WindowUpdate = 9,
};

inline constexpr std::uint8_t kSpdyFin = 0x01;
inline constexpr std::size_t kSpdyFrameHead = 8;
// Nobody sends more; a peer that does is broken.
inline constexpr std::size_t kSpdyMaxPayload = 1U << 20U;
inline constexpr std::size_t kSpdyMaxHeaders = 64 * 1024;

struct SpdyFrame {
  bool control = false;
  SpdyType type = SpdyType::SynStream;  // of a control frame
  std::uint32_t stream = 0;             // of a data frame
  std::uint8_t flags = 0;
  Bytes payload = {};
};

// The head of a frame: its payload's length. Unsupported for another version.
Result<std::size_t> parse_spdy_head(BytesView head, SpdyFrame& frame);

Bytes spdy_data(std::uint32_t stream, BytesView bytes, bool fin);
Bytes spdy_control(SpdyType type, std::uint8_t flags, BytesView payload);

std::uint32_t spdy_u32(BytesView bytes, std::size_t at);  // 0 past the end
void put_spdy_u32(Bytes& out, std::uint32_t number);

using SpdyHeaders = std::vector<std::pair<std::string, std::string>>;

// The plain block inside the compression: count, then length-prefixed names and values.
Bytes encode_spdy_headers(const SpdyHeaders& headers);
Result<SpdyHeaders> decode_spdy_headers(BytesView block);

// The SPDY/3 dictionary.
const Bytes& spdy_dictionary();

}  // namespace lateen::sandbox
