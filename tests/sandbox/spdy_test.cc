#include <gtest/gtest.h>

#include "base/hash.h"
#include "sandbox/http/spdy_frames.h"

namespace lateen::sandbox {
namespace {

TEST(Spdy, TheDictionaryIsTheSpecifications) {
  // Adler-32 of the dictionary of SPDY/3, as zlib names it in a stream that needs it: 0xe3c6a7c2.
  const Bytes& dictionary = spdy_dictionary();
  EXPECT_EQ(dictionary.size(), 1423U);
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const char c : dictionary) {
    a = (a + static_cast<unsigned char>(c)) % 65521U;
    b = (b + a) % 65521U;
  }
  EXPECT_EQ((b << 16U) | a, 0xe3c6a7c2U);
}

TEST(Spdy, HeaderBlocksComeBackFromTheOtherSide) {
  DictionaryDeflater deflater(spdy_dictionary());
  DictionaryInflater inflater(spdy_dictionary());
  for (const std::string_view type : {"error", "stdin", "stdout"}) {
    const SpdyHeaders headers = {{"streamtype", std::string(type)}, {"port", "80"}};
    const auto block = inflater.inflate(deflater.deflate(encode_spdy_headers(headers)), 4096);
    ASSERT_TRUE(block) << block.error().describe();
    const auto back = decode_spdy_headers(*block);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, headers);
  }
}

TEST(Spdy, FramesSayWhatTheyAre) {
  SpdyFrame frame;
  const Bytes data = spdy_data(7, "hello", true);
  EXPECT_EQ(parse_spdy_head(data, frame).value(), 5U);
  EXPECT_FALSE(frame.control);
  EXPECT_EQ(frame.stream, 7U);
  EXPECT_EQ(frame.flags, kSpdyFin);
  const Bytes ping = spdy_control(SpdyType::Ping, 0, "abcd");
  EXPECT_EQ(parse_spdy_head(ping, frame).value(), 4U);
  EXPECT_TRUE(frame.control);
  EXPECT_EQ(frame.type, SpdyType::Ping);
}

TEST(Spdy, HostileFramesAreRefused) {
  SpdyFrame frame;
  EXPECT_EQ(parse_spdy_head(Bytes("\x80\x02\x00\x01\x00\x00\x00\x00", 8), frame).error().code(),
            Code::Unsupported);
  EXPECT_EQ(parse_spdy_head(Bytes("\x00\x00\x00\x01\x00\xff\xff\xff", 8), frame).error().code(),
            Code::Corrupt);
  EXPECT_EQ(decode_spdy_headers(Bytes("\x00\x00\x00\x01\xff\xff\xff\xff", 8)).error().code(),
            Code::Corrupt);
  EXPECT_EQ(decode_spdy_headers("").error().code(), Code::Corrupt);
  DictionaryInflater inflater(spdy_dictionary());
  EXPECT_EQ(inflater.inflate("not zlib at all", 4096).error().code(), Code::Corrupt);
}

}  // namespace
}  // namespace lateen::sandbox
