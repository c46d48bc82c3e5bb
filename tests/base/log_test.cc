#include "base/log.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log_capture.h"
#include "base/temp.h"
#include "base/testing/fake_clock.h"
#include "base/time.h"

namespace lateen {
namespace {

// What logrus 1.9.3 writes for these entries, as text and as JSON.
const std::string kText[] = {
    "time=\"2026-05-20T02:00:01Z\" level=info msg=\"Backed up item\" backup=velero/nightly name=db "
    "namespace=shop resource=pods\n",
    "time=\"2026-05-20T02:00:01Z\" level=warning a=\"two words\" k=v=\"x=y\" n=-5 t=true z=\n",
    "time=\"2026-05-20T02:00:01Z\" level=error msg=\"tab\\tquote\\\"back\\\\slash\\nnl \\x01 \\xff "
    "caf\303\251 \\u200b \360\237\230\200 \\u00a0\" fields.level=l fields.msg=m fields.time=t "
    "html=\"<a&b>\\u2028\"\n",
    "time=\"2026-05-20T02:00:01Z\" level=debug msg=numbers a=1.5 b=1e+06 c=1e+21 d=1e-07 e=100 "
    "f=0.0001 g=1.2345678925e+08 h=1e+20 i=-1e-05\n",
    "time=\"2026-05-20T02:00:01Z\" level=trace msg=a/b@c^d+e-f_g.h error=\"no such thing\" "
    "logrus.ErrorKey=x\n",
};
const std::string kJson[] = {
    "{\"backup\":\"velero/nightly\",\"level\":\"info\",\"msg\":\"Backed up "
    "item\",\"name\":\"db\",\"namespace\":\"shop\",\"resource\":\"pods\",\"time\":\"2026-05-20T02:"
    "00:01Z\"}\n",
    "{\"a\":\"two "
    "words\",\"k=v\":\"x=y\",\"level\":\"warning\",\"msg\":\"\",\"n\":-5,\"t\":true,\"time\":"
    "\"2026-05-20T02:00:01Z\",\"z\":\"\"}\n",
    "{\"fields.level\":\"l\",\"fields.msg\":\"m\",\"fields.time\":\"t\",\"html\":"
    "\"\\u003ca\\u0026b\\u003e\\u2028\",\"level\":\"error\",\"msg\":"
    "\"tab\\tquote\\\"back\\\\slash\\nnl \\u0001 \\ufffd caf\303\251 \342\200\213 \360\237\230\200 "
    "\302\240\",\"time\":\"2026-05-20T02:00:01Z\"}\n",
    "{\"a\":1.5,\"b\":1000000,\"c\":1e+21,\"d\":1e-7,\"e\":100,\"f\":0.0001,\"g\":123456789.25,"
    "\"h\":100000000000000000000,\"i\":-0.00001,\"level\":\"debug\",\"msg\":\"numbers\",\"time\":"
    "\"2026-05-20T02:00:01Z\"}\n",
    "{\"error.message\":\"no such "
    "thing\",\"level\":\"trace\",\"logrus.ErrorKey\":\"x\",\"msg\":\"a/"
    "b@c^d+e-f_g.h\",\"time\":\"2026-05-20T02:00:01Z\"}\n",
};

std::vector<LogEntry> entries() {
  const TimePoint at = parse_rfc3339("2026-05-20T02:00:01.000000999Z").value();
  const std::string hard =
      "tab\tquote\"back\\slash\nnl \x01 \xff caf\303\251 \342\200\213 \360\237\230\200 \302\240";
  return {
      {at,
       LogLevel::Info,
       "Backed up item",
       {{"resource", "pods"}, {"namespace", "shop"}, {"name", "db"}, {"backup", "velero/nightly"}}},
      {at,
       LogLevel::Warning,
       "",
       {{"z", ""}, {"a", "two words"}, {"n", -5}, {"t", true}, {"k=v", "x=y"}}},
      {at,
       LogLevel::Error,
       hard,
       {{"time", "t"}, {"msg", "m"}, {"level", "l"}, {"html", "<a&b>\342\200\250"}}},
      {at,
       LogLevel::Debug,
       "numbers",
       {{"a", 1.5},
        {"b", 1e6},
        {"c", 1e21},
        {"d", 1e-7},
        {"e", 100.0},
        {"f", 0.0001},
        {"g", 123456789.25},
        {"h", 1e20},
        {"i", -0.00001}}},
      {at,
       LogLevel::Trace,
       "a/b@c^d+e-f_g.h",
       {{"logrus.ErrorKey", "x"}, {"error", Error(Code::NotFound, "no such thing")}}}};
}

TEST(Log, WritesTextAsLogrusDoes) {
  const auto all = entries();
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(format_log_entry(all[i], LogFormat::Text), kText[i]);
  }
}

TEST(Log, WritesJsonAsLogrusDoesInVelero) {
  const auto all = entries();
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(format_log_entry(all[i], LogFormat::JsonLine), kJson[i]);
  }
}

TEST(Log, CarriesTheFieldsOfItsRequestAndTheLastOfEqualKeysCounts) {
  Bytes lines;
  const auto sink =
      std::make_shared<CapturingSink>(LogLevel::Info, LogFormat::Text, append_lines_to(lines));
  const Log log(sink, std::make_shared<FakeClock>("2026-05-20T02:00:01Z"));
  log.with("backup", "velero/nightly")
      .with({{"name", "outer"}, {"n", 1}})
      .info("Hello", {{"name", "inner"}});
  log.debug("not shown");
  EXPECT_EQ(
      lines,
      "time=\"2026-05-20T02:00:01Z\" level=info msg=Hello backup=velero/nightly n=1 name=inner\n");
}

TEST(Log, MadeOfNothingIsSilentUntilItIsGivenASink) {
  const Log silent;
  silent.with("a", 1).error("nobody hears this");
  Bytes lines;
  silent
      .to(std::make_shared<CapturingSink>(LogLevel::Info, LogFormat::Text, append_lines_to(lines)))
      .info("heard");
  EXPECT_NE(lines.find("msg=heard"), Bytes::npos);
}

TEST(Log, ToADescriptorHoldsWhatIsAtItsLevel) {
  TempFile file = TempFile::create().value();
  const Log log(make_fd_sink(file.fd(), LogLevel::Warning, LogFormat::Text),
                std::make_shared<FakeClock>("2026-05-20T02:00:01Z"));
  log.info("quiet");
  log.warning("loud");
  ASSERT_TRUE(file.seek(0));
  EXPECT_EQ(read_all(file.fd(), 1_KiB).value(),
            "time=\"2026-05-20T02:00:01Z\" level=warning msg=loud\n");
}

TEST(LogLevel, IsReadInVelerosWords) {
  EXPECT_EQ(parse_log_level("WARN").value(), LogLevel::Warning);
  EXPECT_EQ(parse_log_level("panic").value(), LogLevel::Error);
  EXPECT_EQ(parse_log_level("loud").error().message(), "invalid log level \"loud\"");
  EXPECT_EQ(parse_log_format("json").value(), LogFormat::JsonLine);
  EXPECT_FALSE(parse_log_format("xml"));
}

}  // namespace
}  // namespace lateen
