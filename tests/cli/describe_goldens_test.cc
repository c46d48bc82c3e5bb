// What Velero's own command line printed of objects of its own server (tests/testdata/describe),
// held against ours.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/describe.h"
#include "model/codec.h"

namespace lateen::cli {
namespace {

DocumentSource documents_of(const Json& golden) {
  return [&golden](model::DownloadTargetKind kind) -> Result<Bytes> {
    const Json* document =
        find(find(golden, "documents"), JsonKey{std::string(model::to_string(kind))});
    if (document == nullptr) return Error(Code::NotFound, "file not found");
    return Bytes(as_text(document));
  };
}

template <typename T>
T object_of(const Json& golden) {
  auto object = model::from_json<T>(*find(golden, "object"));
  EXPECT_TRUE(object);
  return object ? std::move(*object) : T();
}

class DescribeGoldens : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto text = read_file(FilePath(LATEEN_TESTDATA) / "describe/goldens.json");
    ASSERT_TRUE(text);
    auto goldens = parse_json(*text);
    ASSERT_TRUE(goldens);
    goldens_ = std::move(*goldens);
  }

  // Of one kind; fails the test when there are none.
  std::vector<const Json*> of_kind(std::string_view kind) const {
    std::vector<const Json*> found;
    for (const Json& golden : goldens_.get_array()) {
      if (string_at(golden, "object.kind") == kind) found.push_back(&golden);
    }
    EXPECT_FALSE(found.empty());
    return found;
  }

 private:
  Json goldens_;
};

TEST_F(DescribeGoldens, BackupsAreDescribedAsVeleroDescribesThem) {
  for (const Json* golden : of_kind("Backup")) {
    SCOPED_TRACE(string_at(*golden, "object.metadata.name"));
    const DescribedBackup backup{.backup = object_of<model::Backup>(*golden),
                                 .document = documents_of(*golden)};
    EXPECT_EQ(describe_backup(backup, {}), string_at(*golden, "plain"));
    EXPECT_EQ(describe_backup(backup, {.details = true}), string_at(*golden, "details"));
    EXPECT_EQ(describe_backup_json(backup, {.details = true}), string_at(*golden, "json"));
  }
}

TEST_F(DescribeGoldens, RestoresAreDescribedAsVeleroDescribesThem) {
  for (const Json* golden : of_kind("Restore")) {
    SCOPED_TRACE(string_at(*golden, "object.metadata.name"));
    const DescribedRestore restore{.restore = object_of<model::Restore>(*golden),
                                   .document = documents_of(*golden)};
    EXPECT_EQ(describe_restore(restore, {}), string_at(*golden, "plain"));
    EXPECT_EQ(describe_restore(restore, {.details = true}), string_at(*golden, "details"));
  }
}

TEST_F(DescribeGoldens, SchedulesAreDescribedAsVeleroDescribesThem) {
  for (const Json* golden : of_kind("Schedule")) {
    SCOPED_TRACE(string_at(*golden, "object.metadata.name"));
    EXPECT_EQ(describe_schedule(object_of<model::Schedule>(*golden), {}),
              string_at(*golden, "plain"));
  }
}

}  // namespace
}  // namespace lateen::cli
