#include "archive/archive_writer.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "archive/archive_index.h"
#include "archive/archive_reader.h"
#include "archive/testing/archives.h"
#include "base/hash.h"
#include "base/json.h"

namespace lateen::archive {
namespace {

using testing::FixedClock;
using testing::lines_of;
using testing::Object;
using testing::output_of;
using testing::write_archive;

std::string object_json(const std::string& name, std::size_t padding) {
  return write_json(Json{{"kind", "ConfigMap"},
                         {"metadata", {{"name", name}}},
                         {"data", {{"x", std::string(padding, 'x')}}}});
}

TEST(ArchiveWriter, WritesWhatTarGzipAndJqRead) {
  const TempDir dir = TempDir::create().value();
  const std::string big = object_json("big", 200'000);
  const auto written = write_archive({
      {{.group_resource = "configmaps", .ns = "shop", .name = "small", .version = "v1"},
       object_json("small", 10)},
      {{.group_resource = "configmaps", .ns = "shop", .name = "big", .version = "v1"}, big},
      {{.group_resource = "namespaces", .ns = "", .name = "shop", .version = "v1"},
       object_json("shop", 0)},
      {{.group_resource = "x.example.com",
        .ns = "",
        .name = "old",
        .version = "v1beta1",
        .preferred = false},
       object_json("old", 40'000)},
  });
  const FilePath tarball = dir.path() / "b.tar.gz";
  const FilePath index = dir.path() / "b-index.json.gz";
  ASSERT_TRUE(write_file(tarball, written.tarball));
  ASSERT_TRUE(write_file(index, written.index));

  EXPECT_EQ(lines_of(output_of({"tar", "tzf", tarball.string()})),
            (std::vector<std::string>{
                "metadata/version", "resources/configmaps/namespaces/shop/small.json",
                "resources/configmaps/v1-preferredversion/namespaces/shop/small.json",
                "resources/configmaps/namespaces/shop/big.json",
                "resources/configmaps/v1-preferredversion/namespaces/shop/big.json",
                "resources/namespaces/cluster/shop.json",
                "resources/namespaces/v1-preferredversion/cluster/shop.json",
                "resources/x.example.com/v1beta1/cluster/old.json"}));
  output_of({"gzip", "-t", tarball.string(), index.string()});
  EXPECT_EQ(output_of({"tar", "xzOf", tarball.string(), "metadata/version"}), "1.1.0\n");
  for (const char* copy : {"", "v1-preferredversion/"}) {
    EXPECT_EQ(output_of({"tar", "xzOf", tarball.string(),
                         std::string("resources/configmaps/") + copy + "namespaces/shop/big.json"}),
              big);
  }
  const Bytes verbose =
      output_of({"tar", "tvzf", tarball.string(), "--full-time", "--utc", "metadata/version"});
  EXPECT_EQ(verbose, "-rwxr-xr-x 0/0               6 2026-11-22 10:37:37 metadata/version\n");

  // The index is JSON lines that jq reads; its end says what the tarball is.
  const auto index_text = gunzip(written.index, 1_MiB);
  ASSERT_TRUE(index_text);
  ASSERT_TRUE(write_file(dir.path() / "index.jsonl", *index_text));
  EXPECT_EQ(output_of({"jq", "-r", "select(.name) | .name", (dir.path() / "index.jsonl").string()}),
            "small\nbig\nshop\nold\n");
  EXPECT_EQ(
      output_of({"jq", "-r", "select(.end) | .sha256", (dir.path() / "index.jsonl").string()}),
      sha256_hex(written.tarball) + "\n");
  EXPECT_EQ(written.totals.items, 4U);
  EXPECT_EQ(written.totals.entries, 8U);
  EXPECT_EQ(written.totals.size, written.tarball.size());
  EXPECT_EQ(written.totals.sha256, sha256_hex(written.tarball));
}

TEST(ArchiveWriter, CutsTheTarballIntoMembersAndKeepsTheOrder) {
  std::vector<Object> objects;
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i)
    names.push_back("cm-" + std::to_string(i));
  for (const std::string& name : names) {
    objects.push_back(
        {{.group_resource = "configmaps", .ns = "shop", .name = name, .version = "v1"},
         object_json(name, 700)});
  }
  const auto written = write_archive(objects, {.backup = "b", .threads = 4, .member_size = 16_KiB});
  EXPECT_GT(written.totals.members, 40U);
  const auto tar = gunzip(written.tarball, 64_MiB);
  ASSERT_TRUE(tar);
  EXPECT_EQ(tar->size(), written.totals.unpacked_size);
  ViewSource source(*tar);
  TarReader reader(source);
  ASSERT_TRUE(reader.next());
  for (const Object& object : objects) {
    for (const ItemCopy copy : {ItemCopy::Plain, ItemCopy::Preferred}) {
      const auto entry = reader.next();
      ASSERT_TRUE(entry && *entry);
      EXPECT_EQ((*entry)->name, entry_name(object.key, copy));
      EXPECT_EQ(reader.read_all(1_MiB).value(), object.json);
    }
  }
}

TEST(ArchiveWriter, IsTheSameWithAnyNumberOfThreads) {
  std::vector<Object> objects;
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i)
    names.push_back("cm-" + std::to_string(i));
  for (const std::string& name : names) {
    objects.push_back({{.group_resource = "configmaps", .ns = "", .name = name, .version = "v1"},
                       object_json(name, name.size() % 2 == 0 ? 50'000 : 100)});
  }
  const auto one = write_archive(objects, {.backup = "b", .threads = 1, .member_size = 8_KiB});
  const auto many = write_archive(objects, {.backup = "b", .threads = 8, .member_size = 8_KiB});
  EXPECT_TRUE(one.tarball == many.tarball);
  EXPECT_TRUE(one.index == many.index);
}

TEST(ArchiveWriter, TakesObjectsFromManyThreads) {
  const FixedClock clock;
  BytesSink tarball;
  BytesSink index;
  ArchiveWriter writer(tarball, &index, clock, {.backup = "b", .threads = 2, .member_size = 8_KiB});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&writer, t] {
        for (int i = 0; i < 100; ++i) {
          const std::string name = std::to_string(t) + "-" + std::to_string(i);
          EXPECT_TRUE(
              writer.add({.group_resource = "pods", .ns = "n", .name = name, .version = "v1"},
                         object_json(name, 300), {}));
        }
      });
    }
  }
  const auto totals = writer.finish({});
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->items, 400U);
  ViewSource source(index.bytes());
  const auto read = ArchiveIndex::parse(source);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->table().items().size(), 400U);
}

// Fails from a number of bytes on, like a full disk.
class FailingSink final : public ByteSink {
 public:
  explicit FailingSink(ByteCount room) : room_(room) {}

  Status write(BytesView bytes) override {
    if (bytes.size() > room_) return Error(Code::Io, "no space left");
    room_ -= bytes.size();
    return {};
  }

 private:
  ByteCount room_;
};

TEST(ArchiveWriter, GivesTheSinksErrorToTheCaller) {
  const FixedClock clock;
  for (const ByteCount room : {ByteCount{0}, 1_KiB, 20_KiB}) {
    FailingSink sink(room);
    ArchiveWriter writer(sink, nullptr, clock, {.backup = "b", .threads = 2, .member_size = 1_KiB});
    std::optional<Error> error;
    for (int i = 0; i < 1000 && !error; ++i) {
      auto added = writer.add(
          {.group_resource = "pods", .ns = "n", .name = std::to_string(i), .version = "v1"},
          object_json("x", 500), {});
      if (!added) error = added.error();
    }
    ASSERT_TRUE(error);
    EXPECT_EQ(error->message(), "no space left");
    EXPECT_FALSE(writer.finish({}));
  }
}

// Never comes back until it is let go.
class StuckSink final : public ByteSink {
 public:
  Status write(BytesView /*bytes*/) override {
    released.wait(false);
    return {};
  }

  std::atomic<bool> released = false;
};

TEST(ArchiveWriter, StopsWaitingWhenToldTo) {
  const FixedClock clock;
  StuckSink sink;
  std::stop_source stop;
  ArchiveWriter writer(sink, nullptr, clock, {.backup = "b", .threads = 1, .member_size = 1_KiB});
  std::optional<Error> error;
  int added_before = 0;
  while (!error) {
    if (added_before == 4) stop.request_stop();  // the pipeline may or may not be full: both end
    auto added = writer.add({.group_resource = "pods", .ns = "n", .name = "x", .version = "v1"},
                            object_json("x", 900), stop.get_token());
    if (!added) error = added.error();
    ++added_before;
    ASSERT_LT(added_before, 100);
  }
  EXPECT_EQ(error->code(), Code::Canceled);
  sink.released = true;
  sink.released.notify_all();
}

TEST(ArchiveWriter, LeavesATarballThatReadersRefuseWhenItDoesNotFinish) {
  const FixedClock clock;
  const TempDir dir = TempDir::create().value();
  BytesSink sink;
  {
    ArchiveWriter writer(sink, nullptr, clock, {.backup = "b", .threads = 1, .member_size = 1_KiB});
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(writer.add(
          {.group_resource = "pods", .ns = "n", .name = std::to_string(i), .version = "v1"},
          object_json("x", 900), {}));
    }
  }
  ASSERT_TRUE(write_file(dir.path() / "t", sink.bytes()));
  const auto refused = ArchiveReader::open(dir.path() / "t", {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::Corrupt);
}

TEST(ArchiveWriter, RefusesNamesThatLeadElsewhereAndGoesOn) {
  const FixedClock clock;
  BytesSink sink;
  ArchiveWriter writer(sink, nullptr, clock, {});
  const auto refused =
      writer.add({.group_resource = "pods", .ns = "..", .name = "x", .version = "v1"}, "{}", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::InvalidArgument);
  EXPECT_FALSE(
      writer.add({.group_resource = "pods", .ns = "a/b", .name = "x", .version = "v1"}, "{}", {}));
  EXPECT_FALSE(
      writer.add({.group_resource = "pods", .ns = "a", .name = "x", .version = ""}, "{}", {}));
  EXPECT_TRUE(
      writer.add({.group_resource = "pods", .ns = "a", .name = "x", .version = "v1"}, "{}", {}));
  EXPECT_EQ(writer.finish({}).value().items, 1U);
}

}  // namespace
}  // namespace lateen::archive
