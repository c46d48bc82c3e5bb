#include "archive/archive_writer.h"

#include <algorithm>
#include <utility>

#include "archive/index_writer.h"
#include "archive/item_table.h"
#include "archive/member_pipeline.h"
#include "base/hash.h"
#include "base/tar.h"

namespace lateen::archive {

namespace {

// Deflate refers back this far. The second copy of a smaller object is nearly free where it stands,
// behind the first; a larger one is packed once, as a member of its own, and the packed bytes are
// written twice.
constexpr std::size_t kWindow = 32 << 10;

Status check_key(const ItemKey& key) {
  const auto bad = [](std::string_view part) { return part.find('/') != std::string_view::npos; };
  if (key.group_resource.empty() || key.name.empty() || key.version.empty() ||
      bad(key.group_resource) || bad(key.ns) || bad(key.name) || bad(key.version) ||
      !is_safe_entry_name(entry_name(key, ItemCopy::Preferred))) {
    return Error(Code::InvalidArgument, "{} {}/{} of version \"{}\" cannot be named in an archive",
                 key.group_resource, key.ns, key.name, key.version);
  }
  return {};
}

}  // namespace

struct ArchiveWriter::State {
  State(ByteSink& sink, ByteSink* index_sink, const Clock& wall_clock, ArchiveWriterOptions wanted)
      : tarball(sink),
        clock(wall_clock),
        options(std::move(wanted)),
        pipeline(options.threads, [this](const Member& member) { return write(member); }) {
    if (index_sink != nullptr) index.emplace(*index_sink);
  }

  // In the pipeline's writing thread: the only one that touches the sinks and `totals` until
  // finish().
  Status write(const Member& member) {
    const Member& packed = member.same == nullptr ? member : *member.same;
    if (index && totals.members == 0) TRY(index->begin(options.backup));
    TRY(tarball.write(packed.packed));
    digest.update(packed.packed);
    if (index) {
      const MemberRange range{.offset = totals.size,
                              .length = packed.packed.size(),
                              .unpacked_size = packed.unpacked_size};
      TRY(index->add_member(range, member.index_lines));
    }
    totals.size += packed.packed.size();
    totals.unpacked_size += packed.unpacked_size;
    ++totals.members;
    return {};
  }

  Status append_header(std::string_view name, std::size_t size) LATEEN_REQUIRES(mu) {
    ++entries;
    return append_tar_header(filling->raw, {.name = name, .size = size, .modified = clock.now()});
  }

  Status append_file(std::string_view name, BytesView content) LATEEN_REQUIRES(mu) {
    TRY(append_header(name, content.size()));
    filling->raw += content;
    filling->raw.append(tar_padding(content.size()), '\0');
    return {};
  }

  Status push_filling(std::stop_token stop) LATEEN_REQUIRES(mu) {
    return pipeline.push(std::exchange(filling, std::make_shared<Member>()), stop);
  }

  Status add_small(const ItemKey& key, BytesView json, const Sha256Digest& sha256)
      LATEEN_REQUIRES(mu) {
    const ItemCopy first = key.preferred ? ItemCopy::Plain : ItemCopy::Versioned;
    TRY(append_file(entry_name(key, first), json));
    const std::size_t stored = json.size() + tar_padding(json.size());
    filling->index_lines += index_item_line(
        key, {.offset = filling->raw.size() - stored, .size = json.size(), .sha256 = sha256});
    if (!key.preferred) return {};
    return append_file(entry_name(key, ItemCopy::Preferred), json);
  }

  // Header, content, header, and the content's packed bytes once more: four members.
  Status add_large(const ItemKey& key,
                   BytesView json,
                   const Sha256Digest& sha256,
                   const std::stop_token& stop) LATEEN_REQUIRES(mu) {
    TRY(append_header(entry_name(key, ItemCopy::Plain), json.size()));
    TRY(push_filling(stop));
    auto content = std::make_shared<Member>();
    content->raw.reserve(json.size() + kTarBlock);
    content->raw = json;
    content->raw.append(tar_padding(json.size()), '\0');
    content->index_lines =
        index_item_line(key, {.offset = 0, .size = json.size(), .sha256 = sha256});
    TRY(pipeline.push(content, stop));
    TRY(append_header(entry_name(key, ItemCopy::Preferred), json.size()));
    TRY(push_filling(stop));
    auto again = std::make_shared<Member>();
    again->same = std::move(content);
    return pipeline.push(std::move(again), stop);
  }

  ByteSink& tarball;
  const Clock& clock;
  const ArchiveWriterOptions options;
  std::optional<IndexWriter> index;
  Sha256 digest;
  ArchiveTotals totals;

  // Held while waiting for the pipeline: the order of the calls is the order of the archive, so
  // whoever comes later has to wait anyway.
  Mutex mu;
  std::shared_ptr<Member> filling LATEEN_GUARDED_BY(mu) = std::make_shared<Member>();
  std::uint64_t items LATEEN_GUARDED_BY(mu) = 0;
  std::uint64_t entries LATEEN_GUARDED_BY(mu) = 0;
  bool broken LATEEN_GUARDED_BY(mu) = false;  // half an object is in the pipeline, or it has ended

  MemberPipeline pipeline;  // last: its threads use all of the above
};

ArchiveWriter::ArchiveWriter(ByteSink& tarball,
                             ByteSink* index,
                             const Clock& clock,
                             ArchiveWriterOptions options)
    : state_(std::make_unique<State>(tarball, index, clock, std::move(options))) {
  const Lock lock(state_->mu);
  const std::string version = fmt::format("{}\n", kFormatVersion);
  const Status written = state_->append_file(kVersionEntry, version);
  LATEEN_ASSERT(written.has_value(), "a constant name is a good name");
}

ArchiveWriter::~ArchiveWriter() = default;

Status ArchiveWriter::add(const ItemKey& item, BytesView json, std::stop_token stop) {
  TRY(check_key(item));
  const Sha256Digest sha256 = sha256_digest(json);
  State& s = *state_;
  const Lock lock(s.mu);
  if (s.broken)
    return Error(Code::Internal, "the archive has ended or failed, nothing can be added");
  const bool large = item.preferred && json.size() >= kWindow;
  Status added = large ? s.add_large(item, json, sha256, stop) : s.add_small(item, json, sha256);
  if (added && s.filling->raw.size() >= s.options.member_size) added = s.push_filling(stop);
  if (added) {
    ++s.items;
  } else {
    s.broken = true;
  }
  return added;
}

Result<ArchiveTotals> ArchiveWriter::finish(std::stop_token stop) {
  State& s = *state_;
  const Lock lock(s.mu);
  if (s.broken) return Error(Code::Internal, "the archive has ended or failed before");
  s.broken = true;
  append_tar_end(s.filling->raw);
  TRY(s.push_filling(stop));
  TRY(s.pipeline.finish(stop));
  s.totals.items = s.items;
  s.totals.entries = s.entries;
  s.totals.sha256 = s.digest.finish_hex();
  if (s.index) TRY(s.index->finish(s.totals));
  return s.totals;
}

}  // namespace lateen::archive
