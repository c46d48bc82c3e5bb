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

// Deflate refers back 32 KiB, and between the two copies of an object stands a header. The second
// copy of a smaller object is nearly free where it stands, behind the first; a larger one is packed
// once, as a member of its own, and the packed bytes are written twice.
constexpr std::size_t kWindow = 30 << 10;

bool is_name(std::string_view part) {
  return part.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos && part != "." &&
         part != "..";
}

Status check_key(const ItemKey& key) {
  if (key.group_resource.empty() || key.name.empty() || key.version.empty() || !is_name(key.name) ||
      !why_no_object(key).empty()) {
    return Error(Code::InvalidArgument, "{} {}/{} of version \"{}\" cannot be named in an archive",
                 key.group_resource, key.ns, key.name, key.version);
  }
  return {};
}

// What stands before an object's JSON, for each of its copies. Made before the writer's lock is
// taken.
struct Headers {
  std::string first;
  std::string second;  // empty: there is one copy
};

Result<Headers> make_headers(const ItemKey& key, ByteCount size, TimePoint now) {
  Headers headers;
  std::string name;
  append_entry_name(name, key, key.preferred ? ItemCopy::Plain : ItemCopy::Versioned);
  headers.first.reserve(kTarBlock);
  TRY(append_tar_header(headers.first, {.name = name, .size = size, .modified = now}));
  if (!key.preferred) return headers;
  name.clear();
  append_entry_name(name, key, ItemCopy::Preferred);
  headers.second.reserve(kTarBlock);
  TRY(append_tar_header(headers.second, {.name = name, .size = size, .modified = now}));
  return headers;
}

void append_padded(Bytes& raw, BytesView content) {
  raw += content;
  raw.append(tar_padding(content.size()), '\0');
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

  std::shared_ptr<Member> empty_member() {
    auto member = std::make_shared<Member>();
    member->raw = pipeline.spare_room();
    // The object that fills it up is nearly always smaller than this.
    member->raw.reserve(options.member_size + kWindow);
    return member;
  }

  Status push_filling(std::stop_token stop) LATEEN_REQUIRES(mu) {
    return pipeline.push(std::exchange(filling, empty_member()), stop);
  }

  void add_version() LATEEN_REQUIRES(mu) {
    const std::string version = fmt::format("{}\n", kFormatVersion);
    const Status named = append_tar_header(
        filling->raw, {.name = kVersionEntry, .size = version.size(), .modified = clock.now()});
    LATEEN_ASSERT(named.has_value(), "a constant name is a good name");
    append_padded(filling->raw, version);
    ++entries;
  }

  void add_small(const ItemKey& key,
                 BytesView json,
                 const Sha256Digest& sha256,
                 const Headers& headers) LATEEN_REQUIRES(mu) {
    Bytes& raw = filling->raw;
    raw += headers.first;
    filling->index_lines.add(key, {.offset = raw.size(), .size = json.size(), .sha256 = sha256});
    append_padded(raw, json);
    ++entries;
    if (headers.second.empty()) return;
    raw += headers.second;
    append_padded(raw, json);
    ++entries;
  }

  // Header, content, header, and the content's packed bytes once more: four members.
  Status add_large(const ItemKey& key,
                   BytesView json,
                   const Sha256Digest& sha256,
                   const Headers& headers,
                   const std::stop_token& stop) LATEEN_REQUIRES(mu) {
    filling->raw += headers.first;
    TRY(push_filling(stop));
    auto content = std::make_shared<Member>();
    content->raw.reserve(json.size() + kTarBlock);
    append_padded(content->raw, json);
    content->index_lines.add(key, {.offset = 0, .size = json.size(), .sha256 = sha256});
    TRY(pipeline.push(content, stop));
    filling->raw += headers.second;
    TRY(push_filling(stop));
    auto again = std::make_shared<Member>();
    again->same = std::move(content);
    entries += 2;
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
  std::shared_ptr<Member> filling LATEEN_GUARDED_BY(mu);
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
  state_->filling = state_->empty_member();
  state_->add_version();
}

ArchiveWriter::~ArchiveWriter() = default;

Status ArchiveWriter::add(const ItemKey& item, BytesView json, std::stop_token stop) {
  TRY(check_key(item));
  State& s = *state_;
  const Sha256Digest sha256 = sha256_digest(json);
  const Headers headers = TRY(make_headers(item, json.size(), s.clock.now()));
  const Lock lock(s.mu);
  if (s.broken)
    return Error(Code::Internal, "the archive has ended or failed, nothing can be added");
  Status added;
  if (item.preferred && json.size() >= kWindow) {
    added = s.add_large(item, json, sha256, headers, stop);
  } else {
    s.add_small(item, json, sha256, headers);
  }
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
