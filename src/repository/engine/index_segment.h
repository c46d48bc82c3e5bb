// Sorted rows of an index, in memory or mapped from a file, with a filter in front of them that
// answers most questions about contents that are not there without touching a row.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "repository/buffer.h"
#include "repository/engine/index_row.h"

namespace lateen::repository {

// Immutable, so thread-safe.
class IndexSegment {
 public:
  // `rows` are sorted.
  static std::shared_ptr<const IndexSegment> in_memory(std::size_t hash_size, Buffer rows);

  // Rows that were written to a file, `offset` (of whole pages) from its start; the file's name may
  // be gone already.
  static Result<std::shared_ptr<const IndexSegment>> mapped(std::size_t hash_size,
                                                            int fd,
                                                            std::uint64_t rows,
                                                            ByteCount offset = 0);

  // Without rows; the functions above make it what it is.
  explicit IndexSegment(std::size_t hash_size) : layout_(hash_size) {}

  IndexSegment(const IndexSegment&) = delete;
  IndexSegment& operator=(const IndexSegment&) = delete;
  ~IndexSegment();

  std::uint64_t rows() const { return rows_; }

  // Gives back the memory of the pages that were looked at: after going through all of them. The
  // kernel has them still, or reads them again.
  void forget_pages() const;

  // For going through the rows in order: memory is given back, and these rows are read ahead.
  void enter_window(std::uint64_t first, std::uint64_t count) const;

  const char* row(std::uint64_t number) const { return bytes_ + number * layout_.size(); }

  ContentEntry entry(std::uint64_t number) const {
    note_lookup();
    return layout_.read(row(number));
  }

  // The first row of this content and how many there are; {0, 0} if none.
  std::pair<std::uint64_t, std::size_t> find(const ContentId& id) const;

  const IndexRow& layout() const { return layout_; }

 private:
  static constexpr std::uint64_t kSampleEvery = 64;  // rows: 1.25 MB for ten million

  // Each lookup may bring some dozen pages into our memory: of an index of 500 MB all would soon
  // stay.
  void note_lookup() const {
    constexpr ByteCount kLarge = 64_MiB;
    constexpr std::uint32_t kForgetEvery = 1024;
    if (map_size_ < kLarge) return;
    if (lookups_.fetch_add(1, std::memory_order_relaxed) % kForgetEvery == 0) forget_pages();
  }

  void prepare();
  bool may_have(const ContentId& id) const;
  std::uint64_t lower_bound(const char* key) const;
  std::uint64_t lower_bound(const char* key, std::uint64_t from, std::uint64_t to) const;

  const IndexRow layout_;
  Buffer memory_;        // or
  void* map_ = nullptr;  // a file's
  std::size_t map_size_ = 0;
  mutable std::atomic<std::uint32_t> lookups_ = 0;
  const char* bytes_ = nullptr;
  std::uint64_t rows_ = 0;
  std::vector<std::uint64_t> filter_;   // a word for every six rows or so, four bits a row
  std::vector<std::uint64_t> samples_;  // the first bytes of every kSampleEvery-th row
};

// Merges sorted rows. Rows of one content come one after the other, those of earlier sources first.
class RowMerge {
 public:
  struct Source {
    const char* rows = nullptr;
    std::uint64_t count = 0;
  };

  RowMerge(std::size_t hash_size, std::vector<Source> sources);

  // The rows of the next content, one for each time it is there; nothing at the end. Valid until
  // the next call.
  std::span<const char* const> next();

 private:
  bool less(std::size_t a, std::size_t b) const;

  const IndexRow layout_;
  std::vector<Source> sources_;
  std::vector<std::size_t> heap_;
  std::vector<const char*> same_;
};

// Sorts rows in place (through `scratch`); equal keys keep their order.
void sort_rows(std::size_t hash_size, Buffer& rows, Buffer& scratch);

}  // namespace lateen::repository
