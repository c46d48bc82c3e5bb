// Builders and readers of archives for tests.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "archive/archive_writer.h"
#include "base/byte_source.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/process.h"
#include "base/tar.h"
#include "base/temp.h"

namespace lateen::archive::testing {

using NamedEntries = std::vector<std::pair<std::string, std::string>>;

class FixedClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::seconds(1'795'343'857)); }
};

inline FilePath testdata(const std::string& name) {
  return FilePath(LATEEN_TESTDATA) / name;
}

inline FilePath velero_tarball(const std::string& backup) {
  return testdata("velero-bucket/bucket/backups/" + backup + "/" + backup + ".tar.gz");
}

// A tar.gz of these files, by our own tar writer but nothing of archive/.
inline Bytes tarball_of(const NamedEntries& files) {
  Bytes tar;
  for (const auto& [name, content] : files) {
    EXPECT_TRUE(append_tar_header(tar, {.name = name, .size = content.size()})) << name;
    tar += content;
    tar.append(tar_padding(content.size()), '\0');
  }
  append_tar_end(tar);
  return gzip_member(tar);
}

// What the real tar or another program prints.
inline Bytes output_of(std::vector<std::string> argv) {
  const std::string name = argv[0];
  auto result = run_process({.argv = std::move(argv), .max_output = 256_MiB},
                            Deadline::after(std::chrono::seconds(60)), {});
  EXPECT_TRUE(result) << (result ? "" : result.error().message());
  if (!result) return {};
  EXPECT_TRUE(result->ok()) << name << ": " << result->err;
  return std::move(result->out);
}

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

struct WrittenArchive {
  Bytes tarball;
  Bytes index;
  ArchiveTotals totals;
};

struct Object {
  ItemKey key;
  std::string json;
};

inline WrittenArchive write_archive(const std::vector<Object>& objects,
                                    ArchiveWriterOptions options = {.backup = "b", .threads = 3}) {
  const FixedClock clock;
  BytesSink tarball;
  BytesSink index;
  ArchiveWriter writer(tarball, &index, clock, std::move(options));
  for (const Object& object : objects)
    EXPECT_TRUE(writer.add(object.key, object.json, {}));
  auto totals = writer.finish({});
  EXPECT_TRUE(totals) << (totals ? "" : totals.error().message());
  return {
      .tarball = tarball.take(), .index = index.take(), .totals = totals.value_or(ArchiveTotals{})};
}

}  // namespace lateen::archive::testing
