#include "cli/check_iam.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/session.h"
#include "cli/table.h"
#include "kube/object.h"
#include "model/locations.h"

namespace lateen::cli {
namespace {

using assurance::IamScenario;
using assurance::IamVerdict;

constexpr int kDenied = 1;

std::string value_at(const model::StringMap& config, std::string_view key) {
  const auto at = config.find(key);
  return at == config.end() ? std::string() : at->second;
}

void take_location(const model::BackupStorageLocation& location, IamScenario& scenario) {
  const model::StringMap& config = location.spec.config;
  if (location.spec.object_storage) {
    scenario.bucket = location.spec.object_storage->bucket;
    scenario.prefix = location.spec.object_storage->prefix;
  }
  if (const auto region = value_at(config, "region"); !region.empty()) scenario.region = region;
  const std::string key = value_at(config, "kmsKeyId");
  if (key.starts_with("arn:")) scenario.kms_key_arn = key;
  scenario.object_lock = !value_at(config, "objectLockMode").empty();
  scenario.tagging = !value_at(config, "tagging").empty();
}

void take_snapshot_locations(const std::vector<model::VolumeSnapshotLocation>& locations,
                             IamScenario& scenario) {
  scenario.native_snapshots = false;
  for (const model::VolumeSnapshotLocation& location : locations) {
    const std::string& provider = location.spec.provider;
    if (provider != "aws" && provider != "velero.io/aws") continue;
    scenario.native_snapshots = true;
    if (value_at(location.spec.config, "tagProfile") == "owned")
      scenario.tags = assurance::TagProfile::Owned;
    if (value_at(location.spec.config, "copySnapshots") == "true") scenario.copies_snapshots = true;
  }
}

// "arn:aws:iam::123456789012:role/velero" of the server's ServiceAccount (IRSA).
std::string account_of_role(const Session& session, std::stop_token stop) {
  const auto account = session.client->get(
      {.gvr = {"", "v1", "serviceaccounts"}, .ns = session.ns(), .name = "velero"}, {}, stop);
  if (!account) return {};
  constexpr std::size_t kAccount = 4;
  const std::string_view role = kube::annotation_of(*account, "eks.amazonaws.com/role-arn");
  const std::vector<std::string_view> parts = split(role, ':');
  return parts.size() > kAccount ? std::string(parts[kAccount]) : std::string();
}

// From the cluster, unless the bucket is given: then no cluster is asked.
Result<IamScenario> read_scenario(const Invocation& call) {
  IamScenario scenario;
  scenario.bucket = call.flags.text("bucket");
  if (scenario.bucket.empty()) {
    const Session session = TRY(open_session(call));
    take_location(TRY(session.cluster.get<model::BackupStorageLocation>(call.flags.text("location"),
                                                                        call.stop)),
                  scenario);
    take_snapshot_locations(TRY(session.cluster.list<model::VolumeSnapshotLocation>("", call.stop)),
                            scenario);
    if (const auto account = account_of_role(session, call.stop); !account.empty())
      scenario.account = account;
  }
  if (call.flags.given("region")) scenario.region = call.flags.text("region");
  if (call.flags.given("account")) scenario.account = call.flags.text("account");
  if (call.flags.given("tag-profile")) {
    scenario.tags = call.flags.text("tag-profile") == "owned" ? assurance::TagProfile::Owned
                                                              : assurance::TagProfile::Velero;
  }
  return scenario;
}

Result<assurance::IamPolicy> read_policies(const std::vector<std::string>& files) {
  constexpr ByteCount kMost = 1_MiB;
  std::optional<assurance::IamPolicy> policy;
  for (const std::string& file : files) {
    const Bytes text = TRY(read_file(file, kMost));
    assurance::IamPolicy one = TRY(assurance::IamPolicy::parse(text).wrap("{}", file));
    if (policy) {
      policy->join(std::move(one));
    } else {
      policy = std::move(one);
    }
  }
  return *policy;
}

bool is_denied(const IamVerdict& one) {
  return one.call.required && !one.decision.allowed;
}

Result<int> check_iam(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const IamScenario scenario = TRY(read_scenario(call));
  const std::vector<std::string> files = call.flags.texts("policy");
  if (files.empty()) {
    if (format == OutputFormat::Table) {
      call.console.line(
          "No policy was given (--policy FILE): this is the smallest one that will do.");
      call.console.line(
          "What is attached: aws iam list-attached-role-policies --role-name ROLE; aws iam "
          "get-policy-version …; aws iam get-role-policy …\n");
    }
    call.console.out(
        print_document(assurance::minimal_policy(scenario),
                       format == OutputFormat::Table ? OutputFormat::JsonText : format));
    return 0;
  }
  const auto verdicts = assurance::judge_policy(TRY(read_policies(files)), scenario);
  call.console.out(format == OutputFormat::Table
                       ? print_iam(verdicts, scenario)
                       : print_document(iam_document(verdicts, scenario), format));
  return std::any_of(verdicts.begin(), verdicts.end(), is_denied) ? kDenied : 0;
}

}  // namespace

std::string print_iam(const std::vector<IamVerdict>& verdicts, const IamScenario& scenario) {
  std::string text;
  bool denied = false;
  for (const IamVerdict& one : verdicts) {
    denied = denied || is_denied(one);
    const char* mark = one.decision.allowed ? "✓" : one.call.required ? "✗" : "‼";
    text +=
        fmt::format("  {} {} on {}\n", mark, one.call.request.action, one.call.request.resource);
    if (one.decision.allowed) continue;
    text += fmt::format("      {}. It is for: {}\n", one.decision.reason, one.call.purpose);
  }
  if (!denied) return text + "\nThe policy allows all that Lateen needs.\n";
  return text +
         fmt::format("\nThe smallest policy that allows what Lateen needs:\n{}",
                     print_document(assurance::minimal_policy(scenario), OutputFormat::JsonText));
}

Json iam_document(const std::vector<IamVerdict>& verdicts, const IamScenario& scenario) {
  JsonArray calls;
  bool denied = false;
  for (const IamVerdict& one : verdicts) {
    denied = denied || is_denied(one);
    calls.push_back(JsonObject{{"action", one.call.request.action},
                               {"resource", one.call.request.resource},
                               {"allowed", one.decision.allowed},
                               {"required", one.call.required},
                               {"reason", one.decision.reason},
                               {"purpose", one.call.purpose}});
  }
  return JsonObject{{"apiVersion", "lateen.io/v1"},
                    {"kind", "IamReport"},
                    {"calls", std::move(calls)},
                    {"denied", denied},
                    {"minimalPolicy", assurance::minimal_policy(scenario)}};
}

Command check_iam_command() {
  return {.name = "iam",
          .usage = "",
          .summary = "Hold an IAM policy against the calls that Lateen will make",
          .flags = {{.name = "policy",
                     .kind = FlagKind::Texts,
                     .usage = "A file with the policy of the server's role, as JSON; several are "
                              "taken together. Without it, the smallest policy is printed.",
                     .names = "file"},
                    {.name = "location",
                     .usage = "The backup storage location whose bucket is written.",
                     .value = "default",
                     .names = "backup-location"},
                    {.name = "bucket",
                     .usage = "A bucket instead of a location: no cluster is asked then."},
                    {.name = "region", .usage = "The region, where the location does not say."},
                    {.name = "account", .usage = "The AWS account, for policies that name it."},
                    {.name = "tag-profile",
                     .usage = "How snapshots are tagged: velero or owned.",
                     .words = {"velero", "owned"}},
                    {.name = "output",
                     .usage = "Output display format. Valid formats are 'table', 'json', 'yaml'.",
                     .value = "table",
                     .shorthand = "o",
                     .words = {"table", "json", "yaml"}}},
          .run = check_iam,
          .text =
              "Evaluates the policy here, as AWS would: AWS is not asked, and nothing is changed. "
              "Each call that is denied is named,\nwith the statement that comes nearest to "
              "allowing it, and what the call is for.\n\nExit code 0: all that is needed is "
              "allowed; 1: something is denied, or an error.",
          .max_args = 0};
}

}  // namespace lateen::cli
