// A snapshot's folder as a tar file with everything in it: owners, links, devices, attributes
// (PAX).
#pragma once

#include <string>

#include "base/byte_source.h"
#include "base/result.h"
#include "repository/tree/entry.h"

namespace lateen::cli::repo {

// Not thread-safe.
class TarStream {
 public:
  explicit TarStream(ByteSink& sink) : sink_(sink) {}

  // The header of an entry; a file's bytes and then pad() follow it. Sockets have none.
  Status add(const std::string& path, const repository::Entry& entry);
  Status pad(ByteCount size);
  Status finish();

 private:
  ByteSink& sink_;
};

}  // namespace lateen::cli::repo
