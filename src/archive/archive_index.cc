#include "archive/archive_index.h"

#include <array>

#include "archive/index_lines.h"
#include "base/gzip.h"
#include "base/json.h"

namespace lateen::archive {

namespace {

// Longer than any object's names: 63 + 253 + 253 characters, escaped.
constexpr std::size_t kMaxLine = 64 << 10;

// Lines of a gzipped text. Not thread-safe.
class LineReader {
 public:
  explicit LineReader(ByteSource& gzipped) : stream_(gzipped) {}

  // Without its newline; nothing at the end. The view lives until the next call.
  Result<std::optional<std::string_view>> next() {
    while (true) {
      const std::size_t newline = buffer_.find('\n', searched_);
      if (newline != std::string::npos) {
        const std::string_view line = std::string_view(buffer_).substr(begin_, newline - begin_);
        begin_ = searched_ = newline + 1;
        return std::optional(line);
      }
      buffer_.erase(0, begin_);
      begin_ = 0;
      searched_ = buffer_.size();
      if (buffer_.size() > kMaxLine)
        return Error(Code::Corrupt, "a line of more than {} bytes", kMaxLine);
      std::array<char, 32 << 10> room;
      const std::size_t n = TRY(stream_.read(room));
      if (n == 0 && !buffer_.empty()) return Error(Code::Corrupt, "it ends inside a line");
      if (n == 0) return std::optional<std::string_view>();
      buffer_.append(room.data(), n);
    }
  }

 private:
  GunzipStream stream_;
  std::string buffer_;
  std::size_t begin_ = 0;     // of the next line
  std::size_t searched_ = 0;  // no newline before this
};

}  // namespace

std::string index_file_name(std::string_view backup) {
  return fmt::format("{}-index.json.gz", backup);
}

// Puts an index together line by line. Not thread-safe.
class IndexParser {
 public:
  explicit IndexParser(const ArchiveLimits& limits) : limits_(limits), index_(limits.max_items) {}

  Status take(std::string_view text) {
    ++line_;
    const Json line = TRY(parse_json(text).wrap("line {}", line_)).as_object();
    if (line_ == 1) return take_header(line);
    if (ended_) return broken("something follows the end");
    if (find(line, "end") != nullptr) return take_end(line);
    if (find(line, "member") != nullptr) return take_member(line);
    if (find(line, "block") != nullptr) return {};  // of the lookup: index_lookup.h
    return take_item(line);
  }

  Result<ArchiveIndex> finish() {
    if (!ended_) return Error(Code::Corrupt, "it has no end: it was not written to the end");
    return std::move(index_);
  }

 private:
  Error broken(std::string_view why) const { return {Code::Corrupt, "line {}: {}", line_, why}; }

  Status take_header(const Json& line) {
    if (string_at(line, "format") != kIndexFormat) return broken("not an archive index");
    const auto version = int_at(line, "version");
    if (version != kIndexVersion) {
      return Error(Code::Unsupported, "it is of version {}, this program knows {}",
                   version.value_or(0), kIndexVersion);
    }
    index_.backup_ = string_at(line, "backup");
    return {};
  }

  Status take_member(const Json& line) {
    const MemberRange member = TRY(read_member_line(line, limits_).wrap("line {}", line_));
    const ByteCount end =
        index_.members_.empty() ? 0 : index_.members_.back().offset + index_.members_.back().length;
    if (member.offset != end) return broken("a member that does not follow the last one");
    index_.members_.push_back(member);
    return {};
  }

  Status take_item(const Json& line) {
    if (index_.members_.empty()) return broken("an object before any member");
    const ItemLine item =
        TRY(read_item_line(line, index_.members_.back(), index_.members_.size() - 1)
                .wrap("line {}", line_));
    return index_.table_->put(item.entry, item.location);
  }

  Status take_end(const Json& line) {
    ended_ = true;
    const auto size = index_count_at(line, "size");
    const ByteCount end =
        index_.members_.empty() ? 0 : index_.members_.back().offset + index_.members_.back().length;
    if (!size || *size != end || index_count_at(line, "members") != index_.members_.size() ||
        index_count_at(line, "items") != index_.table_->items().size()) {
      return broken("the end does not fit what came before");
    }
    index_.tarball_size_ = *size;
    index_.tarball_sha256_ = string_at(line, "sha256");
    return {};
  }

  const ArchiveLimits limits_;
  ArchiveIndex index_;
  std::size_t line_ = 0;
  bool ended_ = false;
};

Result<ArchiveIndex> ArchiveIndex::parse(ByteSource& gzipped, const ArchiveLimits& limits) {
  LineReader lines(gzipped);
  IndexParser parser(limits);
  while (true) {
    const auto line = TRY(lines.next().wrap("reading an archive index"));
    if (!line) return parser.finish().wrap("reading an archive index");
    TRY(parser.take(*line).wrap("reading an archive index"));
  }
}

Result<Bytes> ArchiveIndex::extract(const ArchivedItem& item, BytesView member) const {
  const Bytes unpacked = TRY(gunzip_member(member, this->member(item).unpacked_size)
                                 .wrap("member {} of the tarball", item.location.member));
  return Bytes(TRY(cut_item(item, unpacked)));
}

Result<BytesView> cut_item(const ArchivedItem& item, BytesView unpacked_member) {
  const auto& [offset, size, member, sha256] = item.location;
  const bool inside = offset <= unpacked_member.size() && size <= unpacked_member.size() - offset;
  const BytesView json = inside ? unpacked_member.substr(offset, size) : BytesView();
  if (!inside || sha256_digest(json) != sha256) {
    return Error(Code::Corrupt, "{} is not what it was when it was written: its digest differs",
                 entry_name(item.key, item.key.preferred ? ItemCopy::Plain : ItemCopy::Versioned));
  }
  return json;
}

}  // namespace lateen::archive
