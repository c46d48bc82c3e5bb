// An ObjectStore that counts what goes through it: for metrics, and for tests that promise "one
// GET".
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "objects/object_store.h"

namespace lateen::objects {

// Thread-safe.
struct StoreCounters {
  std::atomic<std::uint64_t> gets = 0;  // get, get_range, open_read
  std::atomic<std::uint64_t> heads = 0;
  std::atomic<std::uint64_t> puts = 0;   // put, completed uploads
  std::atomic<std::uint64_t> lists = 0;  // pages, list_prefixes
  std::atomic<std::uint64_t> removes = 0;
  std::atomic<std::uint64_t> bytes_read = 0;
  std::atomic<std::uint64_t> bytes_written = 0;
};

// `counters` must outlive the store.
std::unique_ptr<ObjectStore> make_counting(std::unique_ptr<ObjectStore> store,
                                           StoreCounters& counters);

}  // namespace lateen::objects
