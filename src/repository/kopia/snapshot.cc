#include "repository/kopia/snapshot.h"

#include <array>

#include "repository/kopia/directory.h"
#include "repository/kopia/go_time.h"
#include "repository/kopia/object_id.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::string_view kPlainTag = "tag:";
constexpr std::array<std::string_view, 4> kSourceLabels = {"type", "hostname", "username", "path"};

std::string text_at(const Json& value, std::string_view path) {
  return std::string(string_at(value, path));
}

std::uint64_t count_at(const Json& value, std::string_view path) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(int_at(value, path).value_or(0), 0));
}

Result<TimePoint> time_at(const Json& value, std::string_view path) {
  const std::string_view text = string_at(value, path);
  if (text.empty()) return TimePoint{};
  return parse_go_time(text).wrap("{}", path);
}

SnapshotStats parse_stats(const Json& value, const DirectorySummary* summary) {
  SnapshotStats stats{.size = count_at(value, "stats.totalSize"),
                      .files = count_at(value, "stats.fileCount"),
                      .dirs = count_at(value, "stats.dirCount"),
                      .failed = count_at(value, "stats.errorCount")};
  stats.upload.files_unchanged = count_at(value, "stats.cachedFiles");
  stats.upload.files_new = count_at(value, "stats.nonCachedFiles");
  stats.upload.excluded_files = count_at(value, "stats.excludedFileCount");
  stats.upload.excluded_dirs = count_at(value, "stats.excludedDirCount");
  stats.upload.excluded_bytes = count_at(value, "stats.excludedTotalSize");
  stats.upload.passed_over = count_at(value, "stats.ignoredErrorCount");
  if (summary != nullptr) {
    stats.size = summary->size;
    stats.files = summary->files;
    stats.dirs = summary->dirs;
  }
  return stats;
}

JsonObject write_stats(const Snapshot& snapshot) {
  const UploadStats& upload = snapshot.stats.upload;
  JsonObject stats;
  stats["totalSize"] = snapshot.stats.size;
  stats["excludedTotalSize"] = upload.excluded_bytes;
  stats["fileCount"] = snapshot.stats.files;
  stats["cachedFiles"] = upload.files_unchanged;
  stats["nonCachedFiles"] = upload.files_new + upload.files_changed;
  stats["dirCount"] = snapshot.stats.dirs;
  stats["excludedFileCount"] = upload.excluded_files;
  stats["excludedDirCount"] = upload.excluded_dirs;
  // Kopia counts what could not be read here, not what it has no place for.
  stats["ignoredErrorCount"] = 0;
  stats["errorCount"] = snapshot.stats.failed;
  return stats;
}

}  // namespace

TagLabel label_of_tag(std::string_view tag) {
  const std::size_t equals = tag.find('=');
  if (equals == std::string_view::npos)
    return {.key = std::string(kPlainTag) + std::string(tag), .value = ""};
  return {.key = std::string(tag.substr(0, equals)), .value = std::string(tag.substr(equals + 1))};
}

std::string tag_of_label(std::string_view key, std::string_view value) {
  if (value.empty() && key.starts_with(kPlainTag)) return std::string(key.substr(kPlainTag.size()));
  return fmt::format("{}={}", key, value);
}

Result<Snapshot> parse_snapshot(const Manifest& manifest) {
  const Json value = TRY(parse_json(manifest.data).wrap("snapshot {}", manifest.id));
  Snapshot snapshot{.id = manifest.id,
                    .host = text_at(value, "source.host"),
                    .user = text_at(value, "source.userName"),
                    .paths = {text_at(value, "source.path")},
                    .description = text_at(value, "description"),
                    .incomplete = text_at(value, "incomplete")};
  snapshot.time = TRY(time_at(value, "startTime").wrap("snapshot {}", manifest.id));
  snapshot.end = TRY(time_at(value, "endTime").wrap("snapshot {}", manifest.id));
  const Json* root = find(value, "rootEntry");
  if (root == nullptr || !root->is_object()) {
    return Error(Code::Corrupt, "snapshot {} has no root", manifest.id);
  }
  RootEntry entry =
      TRY(parse_root_entry(write_json_unsorted(*root)).wrap("snapshot {}", manifest.id));
  if (snapshot.incomplete.empty()) snapshot.incomplete = entry.incomplete;
  snapshot.root = std::move(entry.stored);
  snapshot.stats = parse_stats(value, snapshot.root.summary.get());
  if (const JsonObject* tags = object_at(value, "tags")) {
    for (const auto& [key, tag] : *tags)
      snapshot.tags.push_back(tag_of_label(key, as_text(&tag)));
  }
  if (const JsonArray* pins = array_at(value, "pins")) {
    for (const Json& pin : *pins)
      snapshot.pins.emplace_back(as_text(&pin));
  }
  return snapshot;
}

Bytes write_snapshot(const Snapshot& snapshot) {
  JsonObject source;
  source["host"] = snapshot.host;
  source["userName"] = snapshot.user;
  source["path"] = snapshot.paths.empty() ? "" : snapshot.paths.front();
  JsonObject value;
  value["id"] = "";
  value["source"] = std::move(source);
  value["description"] = snapshot.description;
  value["startTime"] = format_go_time_json(snapshot.time);
  value["endTime"] = format_go_time_json(snapshot.end.value_or(snapshot.time));
  value["stats"] = write_stats(snapshot);
  if (!snapshot.incomplete.empty()) value["incomplete"] = snapshot.incomplete;
  // The root goes in as text, in kopia's order of fields.
  std::string out = write_json_unsorted(value);
  out.pop_back();
  out += ",\"rootEntry\":";
  append_entry(out, snapshot.root, snapshot.incomplete);
  if (!snapshot.tags.empty()) {
    JsonObject tags;
    for (const std::string& tag : snapshot.tags) {
      const TagLabel label = label_of_tag(tag);
      tags[label.key] = label.value;
    }
    out += ",\"tags\":" + write_json(Json(std::move(tags)));
  }
  if (!snapshot.pins.empty()) {
    JsonArray pins;
    for (const std::string& pin : snapshot.pins)
      pins.emplace_back(pin);
    out += ",\"pins\":" + write_json(Json(std::move(pins)));
  }
  return out + "}";
}

Labels source_labels(const Source& source) {
  return {{"type", "snapshot"},
          {"hostname", source.host},
          {"username", source.user},
          {"path", source.path}};
}

Result<Labels> snapshot_labels(const Snapshot& snapshot) {
  Labels labels = source_labels({.host = snapshot.host,
                                 .user = snapshot.user,
                                 .path = snapshot.paths.empty() ? "" : snapshot.paths.front()});
  for (const std::string& tag : snapshot.tags) {
    TagLabel label = label_of_tag(tag);
    for (const std::string_view taken : kSourceLabels) {
      if (label.key != taken) continue;
      return Error(Code::InvalidArgument, "a snapshot cannot have the tag \"{}\"", label.key)
          .with_hint("kopia finds snapshots by labels of this name: choose another.");
    }
    labels.insert_or_assign(std::move(label.key), std::move(label.value));
  }
  return labels;
}

// ---- Policies.

Labels global_policy_labels() {
  return {{"type", "policy"}, {"policyType", "global"}};
}

Labels policy_labels(const Source& source) {
  return {{"type", "policy"},
          {"policyType", "path"},
          {"hostname", source.host},
          {"username", source.user},
          {"path", source.path}};
}

namespace {

// "/a/b" → "/a/b", "/a", "/": the policies that apply, narrowest first.
std::vector<std::string> path_and_parents(const std::string& path) {
  std::vector<std::string> paths = {path};
  std::string_view rest = path;
  while (!rest.empty() && rest != "/") {
    const std::size_t slash = rest.rfind('/');
    if (slash == std::string_view::npos) break;
    rest = slash == 0 ? std::string_view("/") : rest.substr(0, slash);
    paths.emplace_back(rest);
  }
  return paths;
}

std::optional<std::string> compressor_in(const ManifestSet& manifests, const Labels& labels) {
  const auto found = manifests.find(labels);
  if (found.empty()) return std::nullopt;
  const auto policy = parse_json(found.front()->data);
  if (!policy) return std::nullopt;
  std::string name = text_at(*policy, "compression.compressorName");
  if (name.empty()) return std::nullopt;
  return name;
}

JsonObject retention_of(std::int64_t latest,
                        std::int64_t hourly,
                        std::int64_t daily,
                        std::int64_t weekly,
                        std::int64_t monthly,
                        std::int64_t annual) {
  JsonObject retention;
  retention["keepLatest"] = latest;
  retention["keepHourly"] = hourly;
  retention["keepDaily"] = daily;
  retention["keepWeekly"] = weekly;
  retention["keepMonthly"] = monthly;
  retention["keepAnnual"] = annual;
  return retention;
}

JsonObject nested(std::string_view key, Json value) {
  JsonObject object;
  object[key] = std::move(value);
  return object;
}

// All sections, since kopia writes all of them.
JsonObject policy_of(JsonObject retention, std::string_view compressor) {
  JsonObject policy;
  policy["retention"] = std::move(retention);
  policy["files"] = JsonObject();
  policy["errorHandling"] = nested("ignoreUnknownTypes", true);
  policy["scheduling"] = nested("manual", true);
  policy["compression"] = nested("compressorName", Json(compressor));
  policy["metadataCompression"] = JsonObject();
  policy["splitter"] = JsonObject();
  policy["actions"] = JsonObject();
  policy["osSnapshots"] = nested("volumeShadowCopy", JsonObject());
  JsonObject logging;
  logging["directories"] = JsonObject();
  logging["entries"] = JsonObject();
  policy["logging"] = std::move(logging);
  policy["upload"] = JsonObject();
  return policy;
}

}  // namespace

std::optional<std::string> compressor_of(const ManifestSet& manifests, const Source& source) {
  for (const std::string& path : path_and_parents(source.path)) {
    if (auto name = compressor_in(
            manifests, policy_labels({.host = source.host, .user = source.user, .path = path}))) {
      return name;
    }
  }
  const Labels user = {{"type", "policy"},
                       {"policyType", "user"},
                       {"hostname", source.host},
                       {"username", source.user}};
  if (auto name = compressor_in(manifests, user)) return name;
  const Labels host = {{"type", "policy"}, {"policyType", "host"}, {"hostname", source.host}};
  if (auto name = compressor_in(manifests, host)) return name;
  return compressor_in(manifests, global_policy_labels());
}

Json global_policy(std::string_view compressor) {
  JsonObject policy = policy_of(retention_of(10, 48, 7, 4, 24, 3), compressor);
  policy["scheduling"] = JsonObject();
  JsonObject upload;
  upload["maxParallelSnapshots"] = 1;
  upload["parallelUploadAboveSize"] = std::int64_t{2} << 30;
  policy["upload"] = std::move(upload);
  return policy;
}

Json velero_policy(std::size_t parallel_files) {
  constexpr std::int64_t kAll = 2147483647;
  JsonObject policy = policy_of(retention_of(kAll, kAll, kAll, kAll, kAll, kAll), "none");
  JsonObject upload;
  upload["maxParallelFileReads"] = parallel_files;
  upload["parallelUploadAboveSize"] = std::int64_t{2} << 30;
  policy["upload"] = std::move(upload);
  return policy;
}

std::string Source::to_string() const {
  return fmt::format("{}@{}:{}", user, host, path);
}

}  // namespace lateen::repository::kopia
