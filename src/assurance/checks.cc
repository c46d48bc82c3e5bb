#include "assurance/checks.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lateen::assurance {
namespace {

constexpr std::array<CheckInfo, 29> kCatalogue = {{
    {"pre-api-server", CheckGroup::Before, 0, "the API server answers, and is not too old"},
    {"pre-permissions", CheckGroup::Before, 0, "you may create what an install creates"},
    {"pre-definitions", CheckGroup::Before, 0, "no definitions of another version are in the way"},
    {"pre-other-server", CheckGroup::Before, 0, "no other server is at work in the namespace"},
    {"pre-snapshot-api", CheckGroup::Before, 0, "volumes can be snapshotted through CSI"},
    {"location-available", CheckGroup::Production, 1, "backup storage locations are Available"},
    {"schedule-enabled", CheckGroup::Production, 2, "schedules are Enabled and not paused"},
    {"schedule-fresh", CheckGroup::Production, 2, "the last good backup is young enough"},
    {"drill-fresh", CheckGroup::Production, 3, "a restore drill passed within 90 days"},
    {"bucket-versioning", CheckGroup::Production, 4, "the bucket keeps versions"},
    {"bucket-encryption", CheckGroup::Production, 4, "the bucket encrypts with a key of KMS"},
    {"bucket-lifecycle", CheckGroup::Production, 4, "old objects go to cheaper storage"},
    {"bucket-secure-transport", CheckGroup::Production, 4, "the bucket denies plain HTTP"},
    {"snapshot-tags", CheckGroup::Production, 5, "snapshots can be found by their tags"},
    {"snapshot-quota", CheckGroup::Production, 5, "the account has room for the snapshots"},
    {"bucket-replication", CheckGroup::Production, 6, "the bucket is replicated to another region"},
    {"bucket-public-access-block", CheckGroup::Beyond, 0, "the bucket cannot be made public"},
    {"bucket-object-lock", CheckGroup::Beyond, 0, "objects cannot be deleted before their time"},
    {"last-good-guard", CheckGroup::Beyond, 0, "the last good backup outlives bad ones"},
    {"clock", CheckGroup::Beyond, 0, "clocks agree"},
    {"volume-paths", CheckGroup::Beyond, 0, "every claim that is backed up has a path"},
    {"exclusions", CheckGroup::Beyond, 0, "no namespace of people's own is left out"},
    {"repository-key", CheckGroup::Beyond, 0, "the repositories' key is a secret"},
    {"key-escrow", CheckGroup::Beyond, 0, "keys are kept outside the cluster, too"},
    {"signing-key", CheckGroup::Beyond, 0, "backups are signed"},
    {"alert-route", CheckGroup::Beyond, 0, "somebody is told when a backup fails"},
    {"server-running", CheckGroup::Beyond, 0, "a server answers"},
    {"deep-canary", CheckGroup::Deep, 0, "an object can be written, read and deleted"},
    {"deep-csi-snapshot", CheckGroup::Deep, 0, "a CSI snapshot becomes ready"},
}};

std::size_t place_of(std::string_view id) {
  const auto at = std::ranges::find(kCatalogue, id, &CheckInfo::id);
  return static_cast<std::size_t>(at - kCatalogue.begin());
}

CheckResult result(CheckVerdict verdict,
                   std::string_view id,
                   std::string subject,
                   std::string evidence,
                   std::string next) {
  LATEEN_ASSERT(find_check(id) != nullptr, "every check is in the catalogue");
  return {.id = std::string(id),
          .subject = std::move(subject),
          .verdict = verdict,
          .evidence = std::move(evidence),
          .next = std::move(next)};
}

}  // namespace

std::string_view to_string(CheckVerdict verdict) {
  switch (verdict) {
    case CheckVerdict::Ok:
      return "ok";
    case CheckVerdict::Warning:
      return "warning";
    case CheckVerdict::Failed:
      return "failed";
  }
  return "failed";
}

std::span<const CheckInfo> check_catalogue() {
  return kCatalogue;
}

const CheckInfo* find_check(std::string_view id) {
  const std::size_t place = place_of(id);
  return place == kCatalogue.size() ? nullptr : &kCatalogue[place];
}

std::string anchor_of(std::string_view id) {
  return fmt::format("docs/reference/checks.md#{}", id);
}

CheckResult passed(std::string_view id, std::string subject, std::string evidence) {
  return result(CheckVerdict::Ok, id, std::move(subject), std::move(evidence), {});
}

CheckResult warned(std::string_view id,
                   std::string subject,
                   std::string evidence,
                   std::string next) {
  return result(CheckVerdict::Warning, id, std::move(subject), std::move(evidence),
                std::move(next));
}

CheckResult failed(std::string_view id,
                   std::string subject,
                   std::string evidence,
                   std::string next) {
  return result(CheckVerdict::Failed, id, std::move(subject), std::move(evidence), std::move(next));
}

void sort_checks(std::vector<CheckResult>& results) {
  std::ranges::stable_sort(results, {}, [](const CheckResult& one) { return place_of(one.id); });
}

bool any_failed(const std::vector<CheckResult>& results) {
  return std::ranges::any_of(
      results, [](const CheckResult& one) { return one.verdict == CheckVerdict::Failed; });
}

Json to_json(const std::vector<CheckResult>& results) {
  JsonArray checks;
  for (const CheckResult& one : results) {
    const CheckInfo& info = *find_check(one.id);
    JsonObject json{{"id", one.id}, {"title", info.title}};
    if (info.row > 0) json["row"] = info.row;
    if (!one.subject.empty()) json["subject"] = one.subject;
    json["verdict"] = to_string(one.verdict);
    json["evidence"] = one.evidence;
    if (!one.next.empty()) json["next"] = one.next;
    json["doc"] = anchor_of(one.id);
    checks.push_back(std::move(json));
  }
  return JsonObject{{"apiVersion", "lateen.io/v1"},
                    {"kind", "CheckReport"},
                    {"checks", std::move(checks)},
                    {"failed", any_failed(results)}};
}

}  // namespace lateen::assurance
