#include "assurance/drill.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/cron.h"
#include "base/hash.h"
#include "base/text.h"
#include "model/names.h"

namespace lateen::assurance {
namespace {

constexpr std::string_view kDefaultPrefix = "restore-test";
constexpr std::size_t kMaxNamespaceName = 63;

// What a drill never restores. Each reaches out of the namespace, or opens it, or belongs to a tool
// that would go and act on it.
constexpr std::array<std::string_view, 16> kLeftOut = {
    "ingresses.networking.k8s.io",
    "ingresses.extensions",
    "networkpolicies.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "apiservices.apiregistration.k8s.io",
    "applications.argoproj.io",
    "applicationsets.argoproj.io",
    "appprojects.argoproj.io",
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "helmreleases.helm.toolkit.fluxcd.io",
    "certificates.cert-manager.io",
    "dnsendpoints.externaldns.k8s.io",
    "leases.coordination.k8s.io"};

constexpr std::string_view kModifiers = R"(version: v1
resourceModifierRules:
- conditions:
    groupResource: cronjobs.batch
  mergePatches:
  - patchData: '{"spec": {"suspend": true}}'
- conditions:
    groupResource: services
    matches:
    - {path: /spec/type, value: LoadBalancer}
  mergePatches:
  - patchData: '{"spec": {"type": "ClusterIP", "loadBalancerIP": null, "loadBalancerClass": null, "externalTrafficPolicy": null, "healthCheckNodePort": null, "allocateLoadBalancerNodePorts": null, "loadBalancerSourceRanges": null}}'
)";

// Tracking labels and annotations, by the tools that act on what bears them.
constexpr std::array<std::string_view, 3> kTrackingAnnotations = {"argocd.argoproj.io/tracking-id",
                                                                  "meta.helm.sh/release-name",
                                                                  "meta.helm.sh/release-namespace"};
constexpr std::array<std::string_view, 5> kTrackingLabels = {
    "argocd.argoproj.io/instance", "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace", "helm.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/namespace"};

// A merge patch: null takes away what is there, and says nothing of what is not.
Json tracking_rule() {
  JsonObject annotations;
  for (const std::string_view key : kTrackingAnnotations)
    annotations[key] = nullptr;
  JsonObject labels;
  for (const std::string_view key : kTrackingLabels)
    labels[key] = nullptr;
  return JsonObject{{"metadata", JsonObject{{"annotations", std::move(annotations)},
                                            {"labels", std::move(labels)}}}};
}

std::string modifier_text() {
  return fmt::format(
      "{}- conditions:\n    groupResource: '**'\n  mergePatches:\n  - patchData: '{}'\n",
      kModifiers, write_json(tracking_rule()));
}

bool is_own(std::string_view ns, std::string_view server_namespace, std::string_view prefix) {
  return ns == server_namespace || ns == "kube-system" || ns == "kube-public" ||
         ns == "kube-node-lease" || ns.starts_with(fmt::format("{}-", prefix));
}

std::string_view prefix_of(const model::RestoreDrillSpec& spec) {
  return spec.namespace_prefix.empty() ? kDefaultPrefix : std::string_view(spec.namespace_prefix);
}

void check_problems(const model::DrillCheck& check, std::size_t i, model::StringList& problems) {
  const auto bad = [&](std::string_view why) {
    problems.push_back(fmt::format("spec.checks[{}] {}: {}", i, check.name, why));
  };
  // A misspelt expectation would be none.
  for (const JsonObject* unknown : {&check.unknown, &check.expect.unknown}) {
    for (const auto& field : *unknown)
      bad(fmt::format("there is no field \"{}\"", std::string_view(field.key())));
  }
  const std::string_view type = check.type;
  if (type == "podsReady" || type == "claimsBound") return;
  if (type != "exec" && type != "sql" && type != "http" && type != "file") {
    bad(fmt::format("type \"{}\" is none of podsReady, claimsBound, exec, sql, http, file", type));
    return;
  }
  if (check.pod.empty() && check.selector.empty())
    bad("neither pod nor selector says where to ask");
  if (type == "exec" && check.command.empty()) bad("it has no command");
  if (type == "sql" && check.query.empty()) bad("it has no query");
  if (type == "http" && (check.port < 1 || check.port > 65535)) bad("it has no port");
  if (type == "file" && !check.path.starts_with('/')) bad("its path is not absolute");
  if (type == "file" && check.expect.sha256.empty()) bad("expect.sha256 is missing");
}

std::string sh_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

model::StringList drill_problems(const model::RestoreDrillSpec& spec) {
  model::StringList problems;
  if (spec.source.schedule_name.empty() == spec.source.backup_name.empty())
    problems.emplace_back("spec.source: exactly one of scheduleName and backupName must be given");
  if (!spec.schedule.empty()) {
    const auto cron = CronSchedule::parse(spec.schedule);
    if (!cron) problems.push_back(fmt::format("spec.schedule: {}", cron.error().message()));
  }
  if (!spec.network.empty() && spec.network != "DenyAll" && spec.network != "Open")
    problems.push_back(
        fmt::format("spec.network: \"{}\" is neither DenyAll nor Open", spec.network));
  if (prefix_of(spec).size() > 30)
    problems.emplace_back("spec.namespacePrefix: it is longer than 30 characters");
  for (std::size_t i = 0; i < spec.checks.size(); ++i)
    check_problems(spec.checks[i], i, problems);
  return problems;
}

Result<model::Backup> choose_drill_backup(const model::DrillSource& source,
                                          const std::vector<model::Backup>& backups) {
  const model::Backup* chosen = nullptr;
  for (const model::Backup& backup : backups) {
    if (!source.backup_name.empty()) {
      if (backup.metadata.name == source.backup_name) chosen = &backup;
      continue;
    }
    const bool is_good =
        backup.status.phase == model::BackupPhase::Completed &&
        backup.metadata.label(model::labels::kScheduleName) == source.schedule_name;
    const bool is_newer =
        chosen == nullptr || backup.status.start_timestamp > chosen->status.start_timestamp;
    if (is_good && is_newer) chosen = &backup;
  }
  if (chosen != nullptr) return *chosen;
  if (!source.backup_name.empty())
    return Error(Code::NotFound, "there is no backup {}", source.backup_name);
  return Error(Code::NotFound, "there is no Completed backup of schedule {}", source.schedule_name)
      .with_hint("lateen backup get lists what there is, and what failed.");
}

Result<model::StringList> drill_namespaces(const model::RestoreDrillSpec& spec,
                                           const model::StringList& in_backup,
                                           std::string_view server_namespace) {
  model::StringList chosen;
  for (const std::string& ns : spec.included_namespaces) {
    if (std::find(in_backup.begin(), in_backup.end(), ns) == in_backup.end()) {
      return Error(Code::InvalidArgument, "namespace {} is not in the backup, which has: {}", ns,
                   join(in_backup, ", "));
    }
    chosen.push_back(ns);
  }
  if (!chosen.empty()) return chosen;
  for (const std::string& ns : in_backup) {
    if (!is_own(ns, server_namespace, prefix_of(spec))) chosen.push_back(ns);
  }
  if (chosen.empty())
    return Error(Code::InvalidArgument, "the backup holds no namespace that a drill could restore");
  return chosen;
}

model::StringMap drill_mapping(const model::RestoreDrillSpec& spec,
                               const model::StringList& namespaces,
                               std::string_view suffix) {
  model::StringMap mapping;
  for (const std::string& ns : namespaces) {
    std::string target = fmt::format("{}-{}", prefix_of(spec), suffix);
    if (namespaces.size() > 1) target += "-" + ns;
    if (target.size() > kMaxNamespaceName)
      target = target.substr(0, kMaxNamespaceName - 7) + "-" + sha256_hex(target).substr(0, 6);
    mapping[ns] = target;
  }
  return mapping;
}

std::string DrillNames::restore() const {
  return model::valid_name(fmt::format("drill-{}-{}", drill, run));
}

Json DrillNames::labels() const {
  return JsonObject{{kDrillLabel, model::valid_name(drill)},
                    {kDrillRunLabel, run},
                    {kDrillServerLabel, server_namespace}};
}

model::Restore drill_restore(const DrillNames& names,
                             const model::RestoreDrillSpec& spec,
                             const std::string& backup,
                             const model::StringMap& mapping) {
  model::Restore restore;
  restore.metadata.name = names.restore();
  restore.metadata.ns = names.server_namespace;
  const Json labels = names.labels();
  for (const auto& [key, value] : labels.as_object())
    restore.metadata.labels[std::string(key)] = as_text(&value);
  restore.spec.backup_name = backup;
  for (const auto& [ns, target] : mapping)
    restore.spec.included_namespaces.push_back(ns);
  restore.spec.namespace_mapping = mapping;
  restore.spec.excluded_resources.assign(kLeftOut.begin(), kLeftOut.end());
  restore.spec.excluded_resources.insert(restore.spec.excluded_resources.end(),
                                         spec.excluded_resources.begin(),
                                         spec.excluded_resources.end());
  model::TypedLocalObjectReference modifier;
  modifier.kind = "ConfigMap";
  modifier.name = names.restore();
  restore.spec.resource_modifier = modifier;
  return restore;
}

Json drill_modifiers(const DrillNames& names) {
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata", JsonObject{{"name", names.restore()},
                                            {"namespace", names.server_namespace},
                                            {"labels", names.labels()}}},
                    {"data", JsonObject{{"modifiers.yaml", modifier_text()}}}};
}

Json drill_namespace(const DrillNames& names, std::string_view ns) {
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "Namespace"},
                    {"metadata", JsonObject{{"name", ns}, {"labels", names.labels()}}}};
}

Json drill_network_policy(const DrillNames& names, std::string_view ns) {
  const Json same_run = JsonObject{
      {"namespaceSelector", JsonObject{{"matchLabels", JsonObject{{kDrillRunLabel, names.run}}}}}};
  const Json dns = JsonObject{
      {"to",
       JsonArray{JsonObject{{"namespaceSelector",
                             JsonObject{{"matchLabels", JsonObject{{"kubernetes.io/metadata.name",
                                                                    "kube-system"}}}}}}}},
      {"ports", JsonArray{JsonObject{{"protocol", "UDP"}, {"port", 53}},
                          JsonObject{{"protocol", "TCP"}, {"port", 53}}}}};
  return JsonObject{
      {"apiVersion", "networking.k8s.io/v1"},
      {"kind", "NetworkPolicy"},
      {"metadata",
       JsonObject{
           {"name", "lateen-drill-deny-all"}, {"namespace", ns}, {"labels", names.labels()}}},
      {"spec", JsonObject{{"podSelector", JsonObject()},
                          {"policyTypes", JsonArray{"Ingress", "Egress"}},
                          {"ingress", JsonArray{JsonObject{{"from", JsonArray{same_run}}}}},
                          {"egress", JsonArray{JsonObject{{"to", JsonArray{same_run}}}, dns}}}}};
}

std::vector<std::string> check_command(const model::DrillCheck& check, std::string_view address) {
  if (check.type == "exec") return check.command;
  if (check.type == "file") return {"sha256sum", check.path};
  if (check.type == "http") {
    const std::string host =
        address.find(':') == address.npos ? std::string(address) : fmt::format("[{}]", address);
    const std::string url =
        sh_quoted(fmt::format("{}://{}:{}{}{}", check.scheme.empty() ? "http" : check.scheme, host,
                              check.port, check.path.starts_with('/') ? "" : "/", check.path));
    return {"sh", "-c",
            fmt::format("if command -v curl >/dev/null; then exec curl -fsSk -m 20 {0}; "
                        "else exec wget -q -T 20 -O - {0}; fi",
                        url)};
  }
  if (check.type != "sql") return {};
  if (check.engine == "mysql") {
    std::vector<std::string> command = {"mysql", "--batch", "--skip-column-names"};
    if (!check.host.empty()) command.push_back("--host=" + check.host);
    if (!check.user.empty()) command.push_back("--user=" + check.user);
    command.push_back("--execute=" + check.query);
    if (!check.database.empty()) command.push_back(check.database);
    return command;
  }
  std::vector<std::string> command = {"psql", "--no-psqlrc", "--tuples-only", "--no-align",
                                      "--set=ON_ERROR_STOP=1"};
  if (!check.host.empty()) command.push_back("--host=" + check.host);
  if (!check.user.empty()) command.push_back("--username=" + check.user);
  if (!check.database.empty()) command.push_back("--dbname=" + check.database);
  command.push_back("--command=" + check.query);
  return command;
}

std::string judge_answer(const model::DrillCheck& check,
                         int exit_code,
                         std::string_view out,
                         std::string_view err) {
  if (exit_code != 0) {
    return fmt::format("the command ended with exit code {}: {}", exit_code,
                       trim(err).empty() ? trim(out) : trim(err));
  }
  const model::DrillExpectation& expect = check.expect;
  const std::string_view answer = trim(out);
  if (!expect.equals.empty() && answer != trim(expect.equals))
    return fmt::format("expected \"{}\", got \"{}\"", trim(expect.equals), answer.substr(0, 200));
  if (!expect.contains.empty() && out.find(expect.contains) == out.npos)
    return fmt::format("the answer does not contain \"{}\"", expect.contains);
  if (expect.minimum) {
    const auto number = parse_int(answer);
    if (!number) return fmt::format("expected a number, got \"{}\"", answer.substr(0, 200));
    if (*number < *expect.minimum)
      return fmt::format("expected at least {}, got {}", *expect.minimum, *number);
  }
  if (!expect.sha256.empty()) {
    const std::string digest =
        check.type == "file" ? std::string(answer.substr(0, 64)) : sha256_hex(out);
    if (digest != to_lower(expect.sha256))
      return fmt::format("expected SHA-256 {}, got {}", to_lower(expect.sha256), digest);
  }
  return {};
}

}  // namespace lateen::assurance
