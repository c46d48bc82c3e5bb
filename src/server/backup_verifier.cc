#include "server/backup_verifier.h"

#include <algorithm>

#include "base/time.h"
#include "model/backup.h"
#include "model/locations.h"
#include "server/backup_signer.h"
#include "server/metrics.h"
#include "server/signing_keys.h"
#include "server/snapshot_check.h"

namespace lateen::server {
namespace {

using assurance::BackupVerdict;
using assurance::Finding;
using assurance::FindingLevel;

constexpr std::string_view kVerificationMap = "lateen-verification";

bool is_problem(const Finding& finding) {
  return finding.level == FindingLevel::Problem;
}

// One location at a time. Not thread-safe.
class LocationVerifier {
 public:
  LocationVerifier(const ServerContext& context,
                   const VerifyRequest& request,
                   assurance::TrustedKeys trusted,
                   VerifyReport& report)
      : context_(context), request_(request), trusted_(std::move(trusted)), report_(report) {}

  Status verify(const model::BackupStorageLocation& location, std::stop_token stop) {
    const std::string& place = location.metadata.name;
    const auto store = TRY(open_store(context_, location, stop));
    const auto ledger = TRY(read_ledger(context_, place, stop));
    const auto present = TRY(store->list_backups(stop).wrap("location {}", place));
    for (const std::string& name : present) {
      if (!is_wanted(name)) continue;
      TRY(verify_one(name, place, *store, ledger, stop).wrap("verifying backup {}", name));
    }
    if (!request_.names.empty()) return {};
    std::vector<assurance::Manifest> manifests;
    // Only another cluster's bucket needs them.
    for (const std::string& name : ledger.empty() ? present : std::vector<std::string>()) {
      auto stored = assurance::read_manifest(*store, name, trusted_, stop);
      if (stored && stored->signature.is_trusted) manifests.push_back(std::move(stored->manifest));
    }
    for (Finding& one : assurance::find_removed(ledger, manifests, present, context_.clock.now()))
      report_.removed.push_back(std::move(one));
    return {};
  }

 private:
  bool is_wanted(const std::string& name) const {
    const auto& names = request_.names;
    if (!names.empty()) return std::find(names.begin(), names.end(), name) != names.end();
    return assurance::in_part(name, request_.part, request_.parts);
  }

  Status verify_one(const std::string& name,
                    const std::string& location,
                    objects::BackupStore& store,
                    const assurance::SignedBackups& ledger,
                    std::stop_token stop) {
    assurance::VerifyOptions options{.trusted = trusted_};
    const auto entry = ledger.find(name);
    if (entry != ledger.end()) options.signed_backup = entry->second;
    BackupVerdict verdict = TRY(assurance::verify_files(store, name, options, stop));
    verdict.location = location;
    auto backup = store.get_metadata(name, stop);
    if (backup && model::is_terminal(backup->status.phase.value())) {
      backup->spec.storage_location = location;  // as it is called here
      TRY(check_snapshots(*backup, store, context_, {.read_data = request_.read_data}, verdict,
                          stop));
    }
    if (request_.tell) request_.tell(verdict);
    report_.backups.push_back(std::move(verdict));
    return {};
  }

  const ServerContext& context_;
  const VerifyRequest& request_;
  const assurance::TrustedKeys trusted_;
  VerifyReport& report_;
};

// Backups are trusted by nobody's word where there is no Secret (a cluster of Velero's).
Result<assurance::TrustedKeys> trusted_keys(const ServerContext& context,
                                            const VerifyRequest& request,
                                            std::stop_token stop) {
  assurance::TrustedKeys trusted;
  auto own = read_signing_keys(context, stop);
  if (own) {
    trusted = std::move(own->trusted);
  } else if (!own.error().is(Code::NotFound)) {
    return std::move(own).error();
  }
  trusted.keys.insert(trusted.keys.end(), request.trusted.begin(), request.trusted.end());
  return trusted;
}

class VerifyController final : public Controller {
 public:
  explicit VerifyController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "verify"; }

  Duration period() const override {
    return std::min<Duration>(context_.config.verify_frequency, std::chrono::minutes(10));
  }

  void reconcile(std::stop_token stop) override {
    const Status done = verify_if_due(stop);
    if (!done && !stop.stop_requested())
      context_.log.error("Could not verify backups", {{"error", done.error()}});
  }

 private:
  kube::ObjectPath map_path(std::string_view name = kVerificationMap) const {
    return {
        .gvr = {"", "v1", "configmaps"}, .ns = context_.cluster.ns(), .name = std::string(name)};
  }

  // Turns are counted by the clock, so that a restart neither repeats nor skips one.
  Status verify_if_due(std::stop_token stop) {
    const std::int64_t turn =
        context_.clock.now().time_since_epoch() / context_.config.verify_frequency;
    auto last = context_.client().get(map_path(), {}, stop);
    if (!last && !last.error().is(Code::NotFound)) return std::move(last).error();
    const std::string_view noted =
        last ? as_text(find(find(*last, "data"), JsonKey{"turn"})) : std::string_view();
    if (noted == std::to_string(turn)) return {};
    const std::size_t parts = context_.config.verify_parts;
    VerifyRequest request{.part = 1 + static_cast<std::size_t>(turn) % parts, .parts = parts};
    request.tell = [this](const BackupVerdict& verdict) { tell(verdict); };
    const VerifyReport report = TRY(verify_backups(context_, request, stop));
    for (const Finding& one : report.removed) {
      if (!is_problem(one)) continue;
      context_.log.error("A backup was removed from its bucket",
                         {{"backup", one.object}, {"error", one.message}});
    }
    const auto wrong = static_cast<std::size_t>(
        std::count_if(report.backups.begin(), report.backups.end(),
                      [](const BackupVerdict& one) { return one.has_problem(); }) +
        std::count_if(report.removed.begin(), report.removed.end(), is_problem));
    measure(report.backups.size(), wrong);
    return note(turn, report, last.has_value(), stop);
  }

  void measure(std::size_t count, std::size_t wrong) const {
    Metrics& metrics = context_.metrics;
    metrics.count("lateen_backup_verified_total", "Stored backups that were verified", {},
                  static_cast<double>(count));
    metrics.set_gauges("lateen_backup_verify_problems",
                       "Backups that were found wrong when they were last verified",
                       {{.value = static_cast<double>(wrong)}});
    const std::chrono::duration<double> now = context_.clock.now().time_since_epoch();
    metrics.set_gauges("lateen_backup_verify_last_timestamp_seconds",
                       "When backups were last verified, Unix seconds", {{.value = now.count()}});
  }

  void tell(const BackupVerdict& verdict) const {
    for (const Finding& one : verdict.findings) {
      if (!is_problem(one)) continue;
      context_.log.error("A stored backup is not what it was", {{"backup", verdict.backup},
                                                                {"finding", one.id},
                                                                {"object", one.object},
                                                                {"error", one.message}});
    }
  }

  Status note(std::int64_t turn, const VerifyReport& report, bool exists, std::stop_token stop) {
    JsonObject data{{"turn", std::to_string(turn)},
                    {"time", format_rfc3339(context_.clock.now())},
                    {"report.json", write_json(report_json(report))}};
    const Json map = JsonObject{
        {"apiVersion", "v1"},
        {"kind", "ConfigMap"},
        {"metadata", JsonObject{{"name", kVerificationMap}, {"namespace", context_.cluster.ns()}}},
        {"data", std::move(data)}};
    if (exists) {
      TRY(context_.client().patch(map_path(), kube::PatchType::Merge, map, {}, stop));
    } else {
      TRY(context_.client().create(map_path({}), map, {}, stop));
    }
    return {};
  }

  const ServerContext context_;
};

}  // namespace

bool VerifyReport::has_problem() const {
  return std::any_of(backups.begin(), backups.end(),
                     [](const BackupVerdict& one) { return one.has_problem(); }) ||
         std::any_of(removed.begin(), removed.end(), is_problem);
}

Json report_json(const VerifyReport& report) {
  JsonArray backups;
  for (const BackupVerdict& one : report.backups)
    backups.push_back(assurance::verdict_json(one));
  JsonArray removed;
  for (const Finding& one : report.removed) {
    removed.push_back(JsonObject{{"id", one.id},
                                 {"level", is_problem(one) ? "problem" : "note"},
                                 {"backup", one.object},
                                 {"message", one.message}});
  }
  return JsonObject{{"verified", !report.has_problem()},
                    {"backups", std::move(backups)},
                    {"removed", std::move(removed)}};
}

Result<VerifyReport> verify_backups(const ServerContext& context,
                                    const VerifyRequest& request,
                                    std::stop_token stop) {
  VerifyReport report;
  auto trusted = TRY(trusted_keys(context, request, stop));
  LocationVerifier verifier(context, request, std::move(trusted), report);
  for (const auto& location : TRY(context.cluster.list<model::BackupStorageLocation>({}, stop))) {
    if (!request.location.empty() && location.metadata.name != request.location) continue;
    TRY(verifier.verify(location, stop));
  }
  for (const std::string& name : request.names) {
    const bool found = std::any_of(report.backups.begin(), report.backups.end(),
                                   [&](const BackupVerdict& one) { return one.backup == name; });
    if (!found) {
      return Error(Code::NotFound, "backup {} is in no bucket of this cluster's locations", name)
          .with_hint(
              "lateen backup get lists the backups; lateen verify --all says which ones "
              "were removed.");
    }
  }
  return report;
}

std::unique_ptr<Controller> make_verify_controller(const ServerContext& context) {
  return std::make_unique<VerifyController>(context);
}

}  // namespace lateen::server
