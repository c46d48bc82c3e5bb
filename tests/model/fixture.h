// The bucket and objects that the real Velero 1.18.1 wrote
// (tests/testdata/velero-bucket/PROVENANCE.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/gzip.h"
#include "base/json.h"

namespace lateen::model {

inline FilePath velero_bucket() {
  return FilePath(LATEEN_TESTDATA) / "velero-bucket";
}

inline Bytes read_fixture(const FilePath& path) {
  Result<Bytes> bytes = read_file(path);
  EXPECT_TRUE(bytes) << path;
  return bytes ? *bytes : Bytes();
}

inline Bytes gunzip_fixture(const FilePath& path) {
  Result<Bytes> bytes = gunzip(read_fixture(path), 64_MiB);
  EXPECT_TRUE(bytes) << path;
  return bytes ? *bytes : Bytes();
}

inline Json parse(std::string_view text) {
  Result<Json> json = parse_json(text);
  EXPECT_TRUE(json) << text.substr(0, 200);
  return json ? *json : Json();
}

// Names below bucket/backups or bucket/restores.
inline std::vector<std::string> names_below(std::string_view directory) {
  std::vector<std::string> names;
  Result<std::vector<DirEntry>> entries = list_dir(velero_bucket() / "bucket" / directory);
  EXPECT_TRUE(entries) << "tests/testdata/velero-bucket is missing";
  if (entries) {
    for (const DirEntry& entry : *entries)
      names.push_back(entry.name);
  }
  return names;
}

}  // namespace lateen::model
