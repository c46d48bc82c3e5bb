#include "plugins/log_line.h"

#include <gtest/gtest.h>

#include "plugins/line_buffer.h"

namespace lateen::plugins {
namespace {

std::string shown(const PluginLogLine& line) {
  return format_log_entry(
      {.time = {}, .level = line.level, .message = line.message, .fields = line.fields},
      LogFormat::Text);
}

TEST(PluginLogLine, KeepsLevelMessageAndFields) {
  const auto line = parse_log_line(
      R"({"@level":"error","@message":"no such bucket","level":"error","error.file":"/go/s3.go:12",)"
      R"("tries":3,"ok":false,"list":[1],"@timestamp":"2026-01-01T00:00:00.000000Z","time":"x"})");
  EXPECT_EQ(shown(line),
            "time=\"1970-01-01T00:00:00Z\" level=error msg=\"no such bucket\" "
            "error.file=\"/go/s3.go:12\" list=\"[1]\" ok=false tries=3\n");
}

TEST(PluginLogLine, OfAnUnknownLevelIsDebug) {
  EXPECT_EQ(parse_log_line(R"({"@message":"x"})").level, LogLevel::Debug);
  EXPECT_EQ(parse_log_line(R"({"@level":"loud","@message":"x"})").level, LogLevel::Debug);
  EXPECT_EQ(parse_log_line(R"({"@level":"warn","@message":"x"})").level, LogLevel::Warning);
}

TEST(PluginLogLine, ThatIsNoJsonIsTheMessage) {
  EXPECT_EQ(parse_log_line("panic: oh no").message, "panic: oh no");
  EXPECT_EQ(parse_log_line("panic: oh no").level, LogLevel::Debug);
  EXPECT_EQ(parse_log_line("[WARN] careful").level, LogLevel::Warning);
  EXPECT_EQ(parse_log_line("{broken").message, "{broken");
  EXPECT_EQ(parse_log_line("bad \xff byte").message, "bad \xef\xbf\xbd byte");
}

TEST(LineBuffer, CutsLinesWhereverThePiecesEnd) {
  const std::string text = "one\ntwo\n\nthree\nrest";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    LineBuffer buffer;
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += size) {
      buffer.add(text.substr(at, size), [&](std::string_view line) { lines.emplace_back(line); });
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three"})) << size;
    EXPECT_EQ(buffer.take_rest(), "rest");
  }
}

TEST(LineBuffer, GivesALongLineInPieces) {
  LineBuffer buffer(4);
  std::vector<std::string> lines;
  buffer.add("abcdefghij\nk\n", [&](std::string_view line) { lines.emplace_back(line); });
  EXPECT_EQ(lines, (std::vector<std::string>{"abcd", "efgh", "ij", "k"}));
}

}  // namespace
}  // namespace lateen::plugins
