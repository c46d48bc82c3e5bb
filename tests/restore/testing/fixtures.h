// The tarballs and objects of the real Velero (testdata/velero-bucket), and small helpers.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "archive/archive_reader.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/json.h"
#include "base/yaml.h"
#include "kube/object.h"

namespace lateen::restore::samples {

inline Json yaml(std::string_view text) {
  auto parsed = parse_yaml(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message());
  return parsed ? std::move(*parsed) : Json();
}

inline FilePath velero_bucket() {
  return FilePath(LATEEN_TESTDATA) / "velero-bucket";
}

inline Json read_json(const FilePath& path) {
  auto bytes = read_file(path);
  EXPECT_TRUE(bytes) << path;
  if (!bytes) return {};
  auto text = path.extension() == ".gz" ? gunzip(*bytes, 64_MiB) : std::move(bytes);
  auto json = parse_json(*text);
  EXPECT_TRUE(json) << path;
  return json ? std::move(*json) : Json();
}

inline archive::ArchiveReader open_velero(const std::string& backup) {
  auto reader = archive::ArchiveReader::open(
      velero_bucket() / "bucket" / "backups" / backup / (backup + ".tar.gz"), {}, {});
  if (!reader) {
    ADD_FAILURE() << reader.error().describe();
    std::abort();
  }
  return std::move(*reader);
}

inline Json object_of(const archive::ArchiveReader& archive,
                      std::string_view kind,
                      std::string_view ns,
                      std::string_view name) {
  const archive::ArchivedItem* item = archive.find(kind, ns, name);
  if (item == nullptr) {
    ADD_FAILURE() << kind << " " << ns << "/" << name << " is not in the archive";
    return {};
  }
  return parse_json(archive.read(*item).value()).value();
}

}  // namespace lateen::restore::samples
