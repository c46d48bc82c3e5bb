#include "archive/index_lookup.h"

#include "archive/testing/archives.h"

namespace lateen::archive {
namespace {

using testing::Object;
using testing::write_archive;

// A stored file of which ranges are read, and how much of it was.
struct StoredBytes {
  Bytes bytes;
  std::size_t reads = 0;
  ByteCount read = 0;

  RangeFetch fetch() {
    return [this](ByteCount offset, ByteCount length) -> Result<Bytes> {
      Bytes part = offset > bytes.size() ? Bytes() : bytes.substr(offset, length);
      ++reads;
      read += part.size();
      return part;
    };
  }
};

std::vector<Object> many_objects(std::vector<std::string>& names, int count) {
  for (int i = 0; i < count; ++i)
    names.push_back("cm-" + std::to_string(i));
  std::vector<Object> objects;
  for (const std::string& name : names)
    objects.push_back(
        {{.group_resource = "configmaps", .ns = "shop", .name = name, .version = "v1"},
         "{\"name\":\"" + name + "\",\"pad\":\"" + std::string(100, '-') + "\"}"});
  return objects;
}

TEST(IndexLookup, FindsOneObjectByTwoSmallReads) {
  std::vector<std::string> names;
  const auto objects = many_objects(names, 6'000);
  const auto written = write_archive(objects);
  StoredBytes index{.bytes = written.index};
  const auto lookup = IndexLookup::open(index.bytes.size(), index.fetch());
  ASSERT_TRUE(lookup) << lookup.error().message();
  EXPECT_EQ(lookup->tarball_size(), written.tarball.size());
  const auto found = lookup->find("configmaps", "shop", "cm-1234", index.fetch());
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_TRUE(*found);
  EXPECT_EQ(index.reads, 2U);
  EXPECT_LT(index.read, index.bytes.size() / 6);
  const MemberRange& range = (**found).member;
  const auto json =
      (**found).extract(BytesView(written.tarball).substr(range.offset, range.length));
  ASSERT_TRUE(json) << json.error().message();
  EXPECT_EQ(*json, objects[1'234].json);
}

TEST(IndexLookup, FindsEveryObjectAndNoneThatIsNotThere) {
  std::vector<std::string> names;
  auto objects = many_objects(names, 700);
  objects.push_back({{.group_resource = "secrets", .ns = {}, .name = "alone", .version = "v1"},
                     "{\"big\":\"" + std::string(60'000, 'x') + "\"}"});
  objects.push_back({{.group_resource = "deployments.apps",
                      .ns = "shop",
                      .name = "old",
                      .version = "v1beta1",
                      .preferred = false},
                     "{}"});
  StoredBytes index{.bytes = write_archive(objects).index};
  const auto lookup = IndexLookup::open(index.bytes.size(), index.fetch());
  ASSERT_TRUE(lookup) << lookup.error().message();
  const auto holds = [&](std::string_view resource, std::string_view ns, std::string_view name) {
    const auto found = lookup->find(resource, ns, name, index.fetch());
    EXPECT_TRUE(found) << found.error().message();
    return found && found->has_value();
  };
  for (const std::string& name : names)
    EXPECT_TRUE(holds("configmaps", "shop", name)) << name;
  EXPECT_TRUE(holds("secrets", "", "alone"));
  EXPECT_FALSE(holds("secrets", "shop", "alone"));
  EXPECT_FALSE(holds("configmaps", "shop", "cm-700"));
  EXPECT_FALSE(holds("deployments.apps", "shop", "old")) << "not the preferred version";
}

TEST(IndexLookup, SaysThatAnOlderIndexHasNone) {
  std::vector<std::string> names;
  const auto written = write_archive(many_objects(names, 50));
  StoredBytes plain{.bytes = gzip_member(gunzip(written.index, 1_MiB).value())};
  const auto lookup = IndexLookup::open(plain.bytes.size(), plain.fetch());
  ASSERT_FALSE(lookup);
  EXPECT_EQ(lookup.error().code(), Code::Unsupported);
}

TEST(IndexLookup, AnyByteThatIsWrongIsNoticedOrDoesNotMatter) {
  std::vector<std::string> names;
  const auto written = write_archive(many_objects(names, 300));
  for (std::size_t at = 0; at < written.index.size(); at += 19) {
    StoredBytes index{.bytes = written.index};
    index.bytes[at] = static_cast<char>(index.bytes[at] ^ 0x10);
    const auto lookup = IndexLookup::open(index.bytes.size(), index.fetch());
    if (!lookup) continue;
    const auto found = lookup->find("configmaps", "shop", "cm-7", index.fetch());
    if (!found) continue;
    ASSERT_TRUE(*found) << at;
    EXPECT_EQ((**found).item().location.sha256,
              sha256_digest("{\"name\":\"cm-7\",\"pad\":\"" + std::string(100, '-') + "\"}"))
        << at;
  }
}

}  // namespace
}  // namespace lateen::archive
