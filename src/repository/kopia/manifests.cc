#include "repository/kopia/manifests.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/gzip.h"
#include "repository/kopia/go_time.h"
#include "repository/kopia/object_id.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr ByteCount kMaxUnpacked = 1_GiB;
// When kopia merges them, too. They are read one by one whenever a repository is opened.
constexpr std::size_t kMergeFrom = 16;
constexpr std::chrono::hours kKeepMarks(7 * 24);

Result<Manifest> parse_manifest(const Json& value) {
  Manifest manifest{.id = std::string(string_at(value, "id")),
                    .deleted = bool_at(value, "deleted").value_or(false)};
  if (manifest.id.empty()) return Error(Code::Corrupt, "a manifest has no ID");
  manifest.modified =
      TRY(parse_go_time(string_at(value, "modified")).wrap("manifest {}", manifest.id));
  if (const JsonObject* labels = object_at(value, "labels")) {
    for (const auto& [key, label] : *labels) {
      manifest.labels.emplace(std::string(key), std::string(as_text(&label)));
    }
  }
  if (const Json* data = find(value, "data")) manifest.data = write_json_unsorted(*data);
  return manifest;
}

void append_manifest(std::string& out, const Manifest& manifest) {
  out += "{\"id\":";
  append_json_string(out, manifest.id);
  out += ",\"labels\":";
  if (manifest.deleted) {
    out += "null";
  } else {
    JsonObject labels;
    for (const auto& [key, value] : manifest.labels)
      labels[key] = value;
    out += write_json(Json(std::move(labels)));
  }
  out += ",\"modified\":\"";
  append_go_time(out, manifest.modified);
  out += manifest.deleted ? "\",\"deleted\":true,\"data\":null}" : "\",\"data\":";
  if (!manifest.deleted) out += (manifest.data.empty() ? "null" : manifest.data) + "}";
}

bool has_labels(const Manifest& manifest, const Labels& labels) {
  return std::ranges::all_of(labels, [&](const auto& label) {
    const auto it = manifest.labels.find(label.first);
    return it != manifest.labels.end() && it->second == label.second;
  });
}

}  // namespace

Result<std::vector<Manifest>> parse_manifests(BytesView json) {
  const Json value = TRY(parse_json(json));
  std::vector<Manifest> manifests;
  const JsonArray* entries = array_at(value, "entries");
  if (entries == nullptr) return manifests;
  for (const Json& entry : *entries)
    manifests.push_back(TRY(parse_manifest(entry)));
  return manifests;
}

std::string write_manifests(std::span<const Manifest> manifests) {
  std::string out = "{\"entries\":";
  char before = '[';
  for (const Manifest& manifest : manifests) {
    out += before;
    append_manifest(out, manifest);
    before = ',';
  }
  out += manifests.empty() ? "null}\n" : "]}\n";
  return out;
}

std::string new_manifest_id(Rng& rng) {
  Bytes random(kIdBytes, '\0');
  rng.fill(std::as_writable_bytes(std::span(random)));
  return hex_encode(random);
}

Status for_each_with_prefix(const ContentIndex& index,
                            std::uint8_t prefix,
                            const std::function<Status(const ContentEntry&)>& visit) {
  RowNumber low = 0;
  RowNumber high = index.rows();
  while (low < high) {
    const RowNumber middle = low + (high - low) / 2;
    if (index.row(middle).id.prefix < prefix) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; low < index.rows(); ++low) {
    const ContentEntry entry = index.row(low);
    if (entry.id.prefix != prefix) break;
    TRY(visit(entry));
  }
  return {};
}

Result<ManifestSet> ManifestSet::load(ContentReader& reader,
                                      std::vector<Error>* damaged,
                                      std::stop_token stop) {
  ManifestSet set;
  std::vector<ContentId> contents;
  TRY(for_each_with_prefix(reader.index(), kManifestPrefix,
                           [&](const ContentEntry& entry) -> Status {
                             if (!entry.deleted) contents.push_back(entry.id);
                             return {};
                           }));
  Workspace workspace;
  std::map<std::string, Manifest, std::less<>> latest;
  const auto read_one = [&](const ContentId& id) -> Status {
    const Bytes packed = TRY(reader.read(id, workspace, stop));
    const Bytes json = TRY(gunzip(packed, kMaxUnpacked).wrap("manifests {}", id.text()));
    for (Manifest& manifest : TRY(parse_manifests(json).wrap("manifests {}", id.text()))) {
      if (!manifest.deleted) set.written_live_.insert(manifest.id);
      const auto [it, fresh] = latest.try_emplace(manifest.id, manifest);
      if (!fresh && manifest.modified > it->second.modified) it->second = std::move(manifest);
    }
    return {};
  };
  for (const ContentId& id : contents) {
    auto read = read_one(id);
    if (read) {
      set.contents_.push_back(id);
    } else if (damaged != nullptr && !read.error().is(Code::Canceled)) {
      damaged->push_back(std::move(read.error()));
    } else {
      return std::move(read.error());
    }
  }
  for (const auto& [_, manifest] : latest) {
    if (manifest.deleted) set.removed_.push_back(manifest);
  }
  std::erase_if(latest, [](const auto& one) { return one.second.deleted; });
  set.by_id_ = std::move(latest);
  return set;
}

std::vector<const Manifest*> ManifestSet::find(const Labels& labels) const {
  std::vector<const Manifest*> found;
  for (const auto& [_, manifest] : by_id_) {
    if (has_labels(manifest, labels)) found.push_back(&manifest);
  }
  std::ranges::sort(found, [](const Manifest* a, const Manifest* b) {
    return a->modified != b->modified ? a->modified > b->modified : a->id < b->id;
  });
  return found;
}

const Manifest* ManifestSet::find_id(std::string_view id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &it->second;
}

// A clock that stands still, or went back, must not make a change look older than what it changes.
TimePoint ManifestSet::later_than(const std::string& id, const Clock& clock) const {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return clock.now();
  return std::max(clock.now(), it->second.modified + std::chrono::milliseconds(1));
}

std::string ManifestSet::add(Labels labels, Bytes data, const Clock& clock, Rng& rng) {
  Manifest manifest{.id = new_manifest_id(rng),
                    .labels = std::move(labels),
                    .modified = clock.now(),
                    .data = std::move(data)};
  std::string id = manifest.id;
  changes_.insert_or_assign(id, manifest);
  by_id_.insert_or_assign(id, std::move(manifest));
  return id;
}

std::string ManifestSet::replace(Labels labels, Bytes data, const Clock& clock, Rng& rng) {
  std::vector<std::string> old;
  for (const Manifest* manifest : find(labels))
    old.push_back(manifest->id);
  for (const std::string& id : old)
    remove(id, clock);
  return add(std::move(labels), std::move(data), clock, rng);
}

void ManifestSet::remove(const std::string& id, const Clock& clock) {
  if (!by_id_.contains(id)) return;
  changes_.insert_or_assign(id,
                            Manifest{.id = id, .modified = later_than(id, clock), .deleted = true});
  by_id_.erase(id);
}

// A mark of deletion must outlive every content that has what it deletes: those that are merged
// here are only marked deleted, and whoever moves one of them meanwhile brings it back. So the mark
// stays for a week after the last merge that still found what it deletes.
Status ManifestSet::write_all(ContentWriter& writer,
                              const ContentIndex& index,
                              const Clock& clock,
                              Workspace& workspace) {
  std::vector<Manifest> all;
  for (const auto& [_, manifest] : by_id_)
    all.push_back(manifest);
  for (const auto& [_, manifest] : changes_) {
    if (manifest.deleted) removed_.push_back(manifest);
  }
  for (Manifest& manifest : removed_) {
    if (written_live_.contains(manifest.id)) {
      manifest.modified = std::max(manifest.modified, clock.now());
    }
  }
  std::erase_if(removed_, [&](const Manifest& manifest) {
    return manifest.modified < clock.now() - kKeepMarks;
  });
  written_live_.clear();
  all.insert(all.end(), removed_.begin(), removed_.end());
  const ContentId merged =
      TRY(writer.add(kManifestPrefix, gzip_member(write_manifests(all)), workspace));
  for (const ContentId& id : contents_) {
    auto entry = index.find(id);
    if (!entry || entry->deleted || id == merged) continue;
    entry->deleted = true;
    entry->time = std::max(entry->time + 1, index_seconds(clock.now()));
    TRY(writer.add_entry(*entry));
  }
  contents_ = {merged};
  changes_.clear();
  return {};
}

Status ManifestSet::write(ContentWriter& writer,
                          const ContentIndex& index,
                          const Clock& clock,
                          Workspace& workspace) {
  if (changes_.empty()) return {};
  if (contents_.size() >= kMergeFrom) return write_all(writer, index, clock, workspace);
  std::vector<Manifest> changed;
  for (const auto& [_, manifest] : changes_) {
    changed.push_back(manifest);
    if (manifest.deleted) {
      removed_.push_back(manifest);
    } else {
      written_live_.insert(manifest.id);
    }
  }
  contents_.push_back(
      TRY(writer.add(kManifestPrefix, gzip_member(write_manifests(changed)), workspace)));
  changes_.clear();
  return {};
}

}  // namespace lateen::repository::kopia
