// What goes wrong between us and an object store: each call of a transfer spoilt in each way. It
// completes, or fails with one clear error, and never leaves an unfinished upload.
#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/temp.h"
#include "s3/servers.h"

namespace lateen::objects::s3 {
namespace {

constexpr std::size_t kPart = 5_MiB;  // the least that S3 takes

Bytes some_bytes(std::size_t size) {
  Bytes bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& c : bytes) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return bytes;
}

// A new bucket behind a proxy that is told what to spoil.
class S3Faults : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { proxy_ = start_fault_proxy(moto_url()); }

  static void TearDownTestSuite() { proxy_.reset(); }

  void SetUp() override {
    ASSERT_NE(proxy_, nullptr);
    bucket_ = make_bucket(moto_url());
    S3Config config = test_config(proxy_->url(), bucket_);
    config.part_size = kPart;
    config.parallel = 2;
    config.stall_timeout = std::chrono::seconds(3);
    config.completion_timeout = std::chrono::seconds(4);
    config.attempts = 4;
    store_ = std::move(*open_s3_store(std::move(config), std::make_unique<Renewed>(renewals_)));
    spoil("[]");
  }

  void TearDown() override {
    store_.reset();
    EXPECT_EQ(unfinished_uploads(moto_url(), bucket_), 0U);
  }

  // Credentials that can be had anew when a server says that they have expired.
  class Renewed final : public net::aws::CredentialsProvider {
   public:
    explicit Renewed(std::atomic<int>& renewals) : renewals_(renewals) {}

    Result<net::aws::Credentials> get(std::stop_token) override { return test_credentials(); }

    bool refuse(const net::aws::Credentials&) override {
      ++renewals_;
      return true;
    }

   private:
    std::atomic<int>& renewals_;
  };

  void spoil(const std::string& rules) {
    const auto answer = proxy_->ask(fmt::format(R"({{"rules": {}}})", rules));
    ASSERT_TRUE(answer && *answer == "ok") << (answer ? *answer : answer.error().message());
  }

  std::string seen() { return proxy_->ask(R"({"seen": true})").value_or("?"); }

  Status upload(BytesView bytes) {
    const auto upload = TRY(store_->begin_upload("backups/b/b.tar.gz"));
    constexpr std::size_t kPiece = 777'777;
    for (std::size_t at = 0; at < bytes.size(); at += kPiece)
      TRY(upload->write(bytes.substr(at, kPiece)));
    return upload->complete();
  }

  static inline std::unique_ptr<ServerProgram> proxy_;
  std::string bucket_;
  std::atomic<int> renewals_ = 0;
  std::unique_ptr<ObjectStore> store_;
};

struct Fault {
  const char* name;
  const char* rules;
  bool ends_well;
};

class S3UploadFaults : public S3Faults, public ::testing::WithParamInterface<Fault> {};

TEST_P(S3UploadFaults, EndWellOrInOneError) {
  const Bytes bytes = some_bytes(2 * kPart + 12'345);
  spoil(GetParam().rules);
  const Status done = upload(bytes);
  EXPECT_EQ(done.has_value(), GetParam().ends_well) << (done ? "" : done.error().describe());
  spoil("[]");
  const auto stored = store_->get("backups/b/b.tar.gz");
  if (done) {
    ASSERT_TRUE(stored) << stored.error().describe();
    EXPECT_TRUE(*stored == bytes);
  } else {
    EXPECT_NE(done.error().message().find("s3://" + bucket_ + "/backups/b/b.tar.gz"),
              std::string::npos)
        << done.error().message();
    EXPECT_EQ(stored.error().code(), Code::NotFound);
  }
}

#define CREATE R"("method": "POST", "match": "?uploads")"
#define PART R"("method": "PUT", "match": "partNumber=2")"
#define FINISH R"("method": "POST", "match": "?uploadId")"

const std::vector<Fault> kFaults = {
    {"CreateAnswers500", "[{" CREATE R"(, "do": "500", "times": 2}])", true},
    {"CreateIsTold503", "[{" CREATE R"(, "do": "503"}])", true},
    {"CreateIsReset", "[{" CREATE R"(, "do": "reset"}])", true},
    {"CreatesAnswerIsLost", "[{" CREATE R"(, "do": "lost"}])", true},
    {"CreatesAnswerIsCut", "[{" CREATE R"(, "do": "truncate"}])", true},
    {"CreateStalls", "[{" CREATE R"(, "do": "stall"}])", true},
    {"CreateHasAnExpiredToken", "[{" CREATE R"(, "do": "expired"}])", true},
    {"CreateAlwaysFails", "[{" CREATE R"(, "do": "500", "times": 0}])", false},
    {"PartAnswers500", "[{" PART R"(, "do": "500", "times": 2}])", true},
    {"PartIsToldToSlowDown", "[{" PART R"(, "do": "slowdown", "times": 3}])", true},
    {"PartIsReset", "[{" PART R"(, "do": "reset"}])", true},
    {"PartsAnswerIsLost", "[{" PART R"(, "do": "lost"}])", true},
    {"PartsAnswerIsCut", "[{" PART R"(, "do": "truncate"}])", true},
    {"PartStalls", "[{" PART R"(, "do": "stall"}])", true},
    {"PartIsNotTaken", "[{" PART R"(, "do": "deaf"}])", true},
    {"PartHasAnExpiredToken", "[{" PART R"(, "do": "expired"}])", true},
    {"PartAlwaysFails", "[{" PART R"(, "do": "503", "times": 0}])", false},
    {"PartIsAlwaysReset", "[{" PART R"(, "do": "reset", "times": 0}])", false},
    {"PartAlwaysStalls", "[{" PART R"(, "do": "stall", "times": 0}])", false},
    {"PartsTokenStaysExpired", "[{" PART R"(, "do": "expired", "times": 0}])", false},
    {"FinishAnswers500", "[{" FINISH R"(, "do": "500", "times": 2}])", true},
    {"FinishAnswers200WithAnError", "[{" FINISH R"(, "do": "error200"}])", true},
    {"FinishIsReset", "[{" FINISH R"(, "do": "reset"}])", true},
    {"FinishsAnswerIsLost", "[{" FINISH R"(, "do": "lost"}])", true},
    {"FinishsAnswerIsCut", "[{" FINISH R"(, "do": "truncate"}])", true},
    {"FinishStalls", "[{" FINISH R"(, "do": "stall"}])", true},
    {"FinishHasAnExpiredToken", "[{" FINISH R"(, "do": "expired"}])", true},
    {"FinishAlwaysFails", "[{" FINISH R"(, "do": "503", "times": 0}])", false},
    {"AbortFailsAtFirst",
     "[{" PART R"(, "do": "500", "times": 0}, {"method": "DELETE", "do": "503", "times": 2}])",
     false},
    {"AbortsAnswerIsLost",
     "[{" PART R"(, "do": "500", "times": 0}, {"method": "DELETE", "do": "lost"}])", false}};

std::string fault_name(const ::testing::TestParamInfo<Fault>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(, S3UploadFaults, ::testing::ValuesIn(kFaults), fault_name);

TEST_F(S3Faults, AnUploadThatIsDroppedOrStoppedIsAborted) {
  const Bytes bytes = some_bytes(2 * kPart);
  {
    const auto dropped = store_->begin_upload("dropped");
    ASSERT_TRUE((*dropped)->write(bytes));
  }
  EXPECT_NE(seen().find("DELETE"), std::string::npos);
  std::stop_source stop;
  const auto stopped = store_->begin_upload("stopped", stop.get_token());
  ASSERT_TRUE((*stopped)->write(bytes));
  stop.request_stop();
  EXPECT_EQ((*stopped)->complete().error().code(), Code::Canceled);
}

// Every other call, spoilt once in each way.
TEST_F(S3Faults, SingleCallsAreTriedAgain) {
  ASSERT_TRUE(store_->put("k", "some text"));
  for (const char* const fault :
       {"500", "503", "slowdown", "reset", "lost", "truncate", "stall", "expired"}) {
    SCOPED_TRACE(fault);
    const auto once = [&] { spoil(fmt::format(R"([{{"do": "{}", "times": 1}}])", fault)); };
    once();
    EXPECT_TRUE(store_->put("k", "some text"));
    once();
    EXPECT_EQ(store_->get("k").value_or("?"), "some text");
    once();
    EXPECT_EQ(store_->get_range("k", 5, 4).value_or("?"), "text");
    once();
    EXPECT_EQ(store_->head("k").value_or(ObjectInfo{}).size, 9U);
    once();
    EXPECT_EQ(store_->list("").value_or(ListPage{}).objects.size(), 1U);
    once();
    EXPECT_TRUE(store_->list_prefixes(""));
    once();
    EXPECT_TRUE(store_->remove("k"));
    ASSERT_TRUE(store_->put("k", "some text"));
    once();
    EXPECT_TRUE(store_->remove_below("", {}));
    ASSERT_TRUE(store_->put("k", "some text"));
  }
  EXPECT_GE(renewals_, 8);
}

TEST_F(S3Faults, ABrokenReadGoesOnWhereItWas) {
  const Bytes bytes = some_bytes(3'000'000);
  ASSERT_TRUE(store_->put("large", bytes));
  for (const char* const fault : {"truncate", "stall"}) {
    spoil(fmt::format(R"([{{"method": "GET", "do": "{}", "times": 2}}])", fault));
    const auto got = store_->get("large");
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_TRUE(*got == bytes) << fault;
  }
}

TEST_F(S3Faults, AReplacedObjectIsNotReadInTwoHalves) {
  const Bytes bytes = some_bytes(3'000'000);
  ASSERT_TRUE(store_->put("large", bytes));
  spoil(R"([{"method": "GET", "do": "truncate", "times": 1}])");
  const auto reader = store_->open_read("large");
  ASSERT_TRUE(reader);
  ASSERT_TRUE(ask_s3(moto_url(), "PUT", "/" + bucket_ + "/large", some_bytes(2'999'999)));
  Bytes room(bytes.size(), '\0');
  const auto read = read_fully(**reader, room);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Code::Conflict);
}

TEST_F(S3Faults, DamageOnTheWayIsSeen) {
  ASSERT_TRUE(store_->put("k", "some text"));
  spoil(R"([{"method": "GET", "do": "flip", "times": 0}])");
  const auto got = store_->get("k");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::Corrupt);
  EXPECT_NE(got.error().message().find("is damaged: its CRC32 is"), std::string::npos)
      << got.error().message();
}

TEST_F(S3Faults, ALargeDownloadComesInRangesAndWhole) {
  const Bytes bytes = some_bytes(70'000'000);
  ASSERT_TRUE(store_->put("large", bytes));
  spoil(R"([{"method": "GET", "do": "truncate", "skip": 1, "times": 2}])");
  auto file = TempFile::create();
  ASSERT_TRUE(file);
  const Status done = store_->download("large", file->fd(), {});
  ASSERT_TRUE(done) << done.error().describe();
  ASSERT_TRUE(file->seek(0));
  EXPECT_EQ(sha256_hex(*read_all(file->fd(), 100_MiB)), sha256_hex(bytes));
}

// When nothing works, many calls together don't each try to the end.
TEST_F(S3Faults, RetriesHaveABudget) {
  spoil(R"([{"do": "503", "times": 0}])");
  for (int i = 0; i < 60; ++i)
    EXPECT_FALSE(store_->head("k"));
  const std::string requests = seen();
  const auto count = static_cast<std::size_t>(std::ranges::count(requests, '"')) / 2;
  EXPECT_LT(count, 60U * 4U);
  EXPECT_GE(count, 100U);
}

}  // namespace
}  // namespace lateen::objects::s3
