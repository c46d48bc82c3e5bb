// Making a damaged repository whole again, without what is lost.
#include <algorithm>
#include <map>

#include "repository/engine/content_writer.h"
#include "repository/engine/damage.h"
#include "repository/restic/index_file.h"
#include "repository/restic/opened.h"
#include "repository/restic/pack_session.h"
#include "repository/restic/pack_survey.h"

namespace lateen::repository::restic {
namespace {

constexpr std::size_t kHeadersAtOnce = 8;

// Packs that no index describes as they are.
std::vector<SurveyedPack> undescribed(std::span<const SurveyedPack> packs) {
  std::vector<SurveyedPack> out;
  for (const SurveyedPack& pack : packs) {
    if (pack.on_disk && (!pack.in_index || pack.size_by_index != pack.size_on_disk)) {
      out.push_back(pack);
    }
  }
  return out;
}

}  // namespace

Result<RepairReport> Opened::repair_index(Progress& progress, std::stop_token stop) {
  TRY(lock(LockMode::Exclusive, stop));
  RepairReport report;
  TRY(reload_index({.tolerant = true}, stop));
  const auto listed = TRY(list_files(*store_, FileType::Pack, stop));
  const auto packs = survey_packs(*index_.index, listed, nullptr);
  const std::vector<SurveyedPack> unknown = undescribed(packs);

  Mutex mu;
  std::map<Id, std::vector<PackedBlob>> headers;
  const auto read = [&](std::size_t i, const std::stop_token& told) -> Status {
    const SurveyedPack& pack = unknown[i];
    auto blobs = read_pack_header(*store_, files_.key(), pack.id, pack.size_on_disk, told);
    if (told.stop_requested()) return Error(Code::Canceled, "reading packs was stopped");
    const Lock lock(mu);
    if (blobs) {
      headers.emplace(pack.id, std::move(*blobs));
    } else {
      report.lost.push_back(fmt::format("pack {}: {}", pack.id.hex(), blobs.error().message()));
      progress.problems.add("pack " + pack.id.hex(), std::move(blobs).error());
    }
    return {};
  };
  TRY(parallel_for(unknown.size(), kHeadersAtOnce, read, stop));

  IndexEncoder fresh;
  const auto save = [&]() -> Status {
    TRY(still_locked());
    TRY(files_.save(FileType::Index, fresh.finish(), stop));
    return {};
  };
  for (const auto& [pack, blobs] : headers) {
    fresh.add(pack, blobs);
    if (fresh.blob_count() >= kBlobsPerIndex) TRY(save());
  }
  // Killed between the two, a pack whose description was wrong is in no index: running this again
  // finds it, and prune removes nothing while snapshots need it.
  std::set<Id> wrong;
  for (const SurveyedPack& pack : packs) {
    if (pack.in_index && (!pack.on_disk || pack.size_by_index != pack.size_on_disk)) {
      wrong.insert(pack.id);
      if (!pack.on_disk) report.lost.push_back(fmt::format("pack {} is gone", pack.id.hex()));
    }
  }
  if (!wrong.empty() || !index_.problems.empty()) TRY(drop_from_index(wrong, stop));
  if (!fresh.empty()) TRY(save());
  if (!headers.empty()) {
    report.done.push_back(fmt::format("{} packs are in the index again", headers.size()));
  }
  if (!index_.problems.empty()) {
    report.done.push_back(fmt::format("{} damaged or contradicting index files were replaced",
                                      index_.problems.size()));
  }
  TRY(reload_index({}, stop));
  return report;
}

Result<RepairReport> Opened::repair_packs(std::span<const std::string> packs,
                                          Progress& progress,
                                          std::stop_token stop) {
  std::set<Id> ids;
  for (const std::string& text : packs)
    ids.insert(TRY(parse_id(text)));
  TRY(lock(LockMode::Exclusive, stop));
  TRY(reload_index({}, stop));
  const ContentIndex& index = *index_.index;
  std::vector<ContentEntry> wanted;
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    const Id pack = TRY(parse_id(index.packs().name(entry.pack)));
    if (ids.contains(pack)) wanted.push_back(entry);
  }
  Mutex mu;
  ContentSet lost;
  for (const ContentEntry& entry : wanted)
    lost.insert(entry.id);
  ResticPackSession session(files_, [this] { return still_locked(); });
  ContentWriter writer(*store_, format_, session, *index_.index, writer_options({}));
  const std::uint64_t total = lost.size();
  TRY(read_contents(
      std::move(wanted), *reader_,
      [&](const ContentEntry& entry, BytesView plain, Workspace& workspace) -> Status {
        {
          const Lock lock(mu);
          if (lost.erase(entry.id) == 0) return {};
        }
        return writer.add_again(entry, plain, workspace);
      },
      progress, stop, access_.threads));
  TRY(writer.flush(stop));
  TRY(drop_from_index(ids, stop));
  TRY(still_locked());
  const std::vector<Id> list(ids.begin(), ids.end());
  TRY(remove_files(*store_, FileType::Pack, list, stop));
  TRY(reload_index({}, stop));

  RepairReport report;
  report.done.push_back(
      fmt::format("{} of {} blobs of {} packs were saved", total - lost.size(), total, ids.size()));
  std::erase_if(lost, [this](const ContentId& id) { return index_.index->has_live(id); });
  for (const ContentId& id : lost)
    report.lost.push_back("blob " + to_id(id).hex());
  std::sort(report.lost.begin(), report.lost.end());
  return report;
}

}  // namespace lateen::repository::restic
