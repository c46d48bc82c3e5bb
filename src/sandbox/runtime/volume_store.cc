#include "sandbox/runtime/volume_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/json.h"
#include "base/time.h"

namespace lateen::sandbox {
namespace {

// Handles come from API objects that anyone may write: they must not lead out of our directories.
Status check_id(const std::string& id) {
  const bool plain = !id.empty() && id.size() <= 253 && id.front() != '.' &&
                     id.find('/') == std::string::npos && id.find('\0') == std::string::npos;
  if (plain) return Status();
  return Error(Code::InvalidArgument,
               "\"{}\" is not the handle of a volume or snapshot of this sandbox", id);
}

Status sync_file_system(const FilePath& path) {
  const UniqueFd fd = TRY(open_for_reading(path));
  if (syncfs(fd.get()) != 0)
    return errno_error(errno, fmt::format("writing {} to disk", path.string()));
  return Status();
}

Json to_json(const SnapshotInfo& info) {
  return JsonObject{{"volume", info.volume},
                    {"created", format_rfc3339_nano(info.created)},
                    {"size", info.size},
                    {"cloned", info.cloned}};
}

// Any user may be the one that a pod runs as, as on a freshly made disk with a permissive driver;
// fsGroup narrows it.
constexpr mode_t kNewVolumeMode = 0777;

}  // namespace

VolumeStore::VolumeStore(FilePath dir, VolumePauser& pauser, const Clock& clock)
    : dir_(std::move(dir)), pauser_(pauser), clock_(clock) {}

Status VolumeStore::open() {
  for (const char* name : {"volumes", "snapshots", "work"})
    TRY(make_dirs(dir_ / name));
  // Nothing in work/ has a name that anybody was told.
  for (const DirEntry& entry : TRY(list_dir(dir_ / "work")))
    TRY(remove_tree(dir_ / "work" / entry.name));
  return Status();
}

bool VolumeStore::has_volume(const std::string& id) const {
  return check_id(id) && path_exists(volume_path(id));
}

FilePath VolumeStore::work_path(std::string_view what, const std::string& id) const {
  return dir_ / "work" / fmt::format("{}-{}", what, id);
}

Status VolumeStore::finish(const FilePath& made, const FilePath& place) const {
  TRY(sync_file_system(made));
  TRY(rename_file(made, place));
  return sync_dir(place.parent_path());
}

Status VolumeStore::create_volume(const std::string& id) {
  TRY(check_id(id));
  if (has_volume(id)) return Status();
  const FilePath work = work_path("volume", id);
  TRY(remove_tree(work));
  TRY(make_dirs(work / "data"));
  if (chmod((work / "data").c_str(), kNewVolumeMode) != 0) return errno_error(errno, work.string());
  return finish(work, dir_ / "volumes" / id);
}

Status VolumeStore::create_volume_from_snapshot(const std::string& id,
                                                const std::string& snapshot,
                                                std::stop_token stop) {
  TRY(check_id(id));
  if (has_volume(id)) return Status();
  TRY(find_snapshot(snapshot));
  const FilePath work = work_path("volume", id);
  TRY(remove_tree(work));
  TRY(make_dirs(work));
  TRY(copy_tree(dir_ / "snapshots" / snapshot / "data", work / "data", stop));
  return finish(work, dir_ / "volumes" / id);
}

Result<bool> VolumeStore::copy_paused(const std::string& source,
                                      const FilePath& to,
                                      std::stop_token stop) {
  const std::unique_ptr<VolumePause> pause = TRY(pauser_.pause_users_of(source));
  const CopiedTree copied = TRY(copy_tree(volume_path(source), to, stop));
  return copied.all_cloned;
}

Status VolumeStore::clone_volume(const std::string& id,
                                 const std::string& source,
                                 std::stop_token stop) {
  TRY(check_id(id));
  TRY(check_id(source));
  if (has_volume(id)) return Status();
  if (!has_volume(source)) return Error(Code::NotFound, "volume {} does not exist", source);
  const FilePath work = work_path("volume", id);
  TRY(remove_tree(work));
  TRY(make_dirs(work));
  TRY(copy_paused(source, work / "data", stop));
  return finish(work, dir_ / "volumes" / id);
}

Status VolumeStore::remove_volume(const std::string& id) {
  TRY(check_id(id));
  // Renamed first: a crash in the middle must not leave half a volume under its name.
  const FilePath work = work_path("removed-volume", id);
  TRY(remove_tree(work));
  if (!path_exists(dir_ / "volumes" / id)) return Status();
  TRY(rename_file(dir_ / "volumes" / id, work));
  return remove_tree(work);
}

Result<SnapshotInfo> VolumeStore::create_snapshot(const std::string& id,
                                                  const std::string& volume,
                                                  std::int64_t size,
                                                  std::stop_token stop) {
  TRY(check_id(id));
  auto existing = find_snapshot(id);
  if (existing || !existing.error().is(Code::NotFound)) return existing;
  TRY(check_id(volume));
  if (!has_volume(volume)) return Error(Code::NotFound, "volume {} does not exist", volume);
  const FilePath work = work_path("snapshot", id);
  TRY(remove_tree(work));
  TRY(make_dirs(work));
  SnapshotInfo info{.id = id, .volume = volume, .created = clock_.now(), .size = size};
  info.cloned = TRY(copy_paused(volume, work / "data", stop));
  TRY(write_file(work / "snapshot.json", write_json(to_json(info))));
  TRY(finish(work, dir_ / "snapshots" / id));
  return info;
}

Result<SnapshotInfo> VolumeStore::find_snapshot(const std::string& id) const {
  TRY(check_id(id));
  auto text = read_file(dir_ / "snapshots" / id / "snapshot.json", 64_KiB);
  if (!text && text.error().is(Code::NotFound))
    return Error(Code::NotFound, "snapshot {} does not exist", id);
  if (!text) return std::move(text).error();
  const Json json = TRY(parse_json(*text));
  const TimePoint created = TRY(parse_rfc3339(string_at(json, "created")));
  return SnapshotInfo{.id = id,
                      .volume = std::string(string_at(json, "volume")),
                      .created = created,
                      .size = int_at(json, "size").value_or(0),
                      .cloned = bool_at(json, "cloned").value_or(false)};
}

Status VolumeStore::remove_snapshot(const std::string& id) {
  TRY(check_id(id));
  const FilePath work = work_path("removed-snapshot", id);
  TRY(remove_tree(work));
  if (!path_exists(dir_ / "snapshots" / id)) return Status();
  TRY(rename_file(dir_ / "snapshots" / id, work));
  return remove_tree(work);
}

}  // namespace lateen::sandbox
