// A snapshot's folder as a zip file: entries are stored as they are (their sums follow them), and
// sizes may be as large as they like (zip64). Modes, links and times are kept; owners are not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "repository/tree/entry.h"

namespace lateen::cli::repo {

// Not thread-safe.
class ZipStream {
 public:
  explicit ZipStream(ByteSink& sink) : sink_(sink) {}

  // The header of a folder, file or link. A file's bytes go through content(), and then end_file()
  // follows.
  Status add(const std::string& path, const repository::Entry& entry);

  ByteSink& content() { return content_; }

  Status end_file();
  // The list of all entries, without which it is no zip file.
  Status finish();

 private:
  struct Listed {
    std::string name = {};
    std::uint32_t attributes = 0;
    std::uint32_t time = 0;  // of MS-DOS
    std::int64_t unix_time = 0;
    std::uint32_t crc = 0;
    ByteCount size = 0;
    ByteCount at = 0;  // its header
  };

  // Counts and sums what goes through.
  class Content final : public ByteSink {
   public:
    explicit Content(ZipStream& zip) : zip_(zip) {}

    Status write(BytesView bytes) override;

   private:
    ZipStream& zip_;
  };

  Status write(BytesView bytes);

  ByteSink& sink_;
  Content content_{*this};
  ByteCount offset_ = 0;
  std::vector<Listed> listed_;  // about 100 bytes an entry: zip has its list at the end
};

}  // namespace lateen::cli::repo
