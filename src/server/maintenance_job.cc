#include "server/maintenance_job.h"

#include <algorithm>

#include "base/quantity.h"
#include "base/time.h"
#include "kube/node_affinity.h"
#include "kube/object.h"
#include "model/names.h"

namespace lateen::server {
namespace {

constexpr std::size_t kKeptRuns = 3;
constexpr std::size_t kLongestJobName = 63;
constexpr std::int64_t kLongestJobSeconds = 24 * 60 * 60;

Status set_resource(Json& resources, std::string_view path, std::string_view text) {
  if (text.empty()) return {};
  const Quantity quantity = TRY(Quantity::parse(text).wrap("{} \"{}\"", path, text));
  if (!quantity.is_zero()) ensure(resources, path) = text;  // 0 is Velero's word for none
  return {};
}

Status set_resources(Json& resources, const Json& given) {
  for (const auto& [name, path] :
       {std::pair{"cpuRequest", "requests.cpu"}, std::pair{"memoryRequest", "requests.memory"},
        std::pair{"cpuLimit", "limits.cpu"}, std::pair{"memoryLimit", "limits.memory"},
        std::pair{"ephemeralStorageRequest", "requests.ephemeral-storage"},
        std::pair{"ephemeralStorageLimit", "limits.ephemeral-storage"}}) {
    TRY(set_resource(resources, path, string_at(given, name)));
  }
  return {};
}

Status take_settings(MaintenanceJobSettings& settings, const Json& given) {
  if (const Json* resources = find(given, "podResources")) {
    settings.resources = JsonObject();
    TRY(set_resources(settings.resources, *resources).wrap("podResources"));
  }
  const JsonArray* affinities = array_at(given, "loadAffinity");
  if (affinities != nullptr && !affinities->empty()) {
    const Json* selector = find(affinities->front(), "nodeSelector");
    settings.affinity = kube::node_affinity(selector == nullptr ? Json(JsonObject()) : *selector);
  }
  if (const auto keep = int_at(given, "keepLatestMaintenanceJobs")) {
    if (*keep < 0)
      return Error(Code::InvalidArgument, "keepLatestMaintenanceJobs is {}: at least 0", *keep);
    settings.keep = static_cast<std::size_t>(*keep);
  }
  return {};
}

Result<Json> entry_of(const Json& config_map, const std::string& key) {
  const Json* text = find(find(config_map, "data"), JsonKey{key});
  if (text == nullptr) return Json(nullptr);
  Json value = TRY(parse_json(as_text(text)).wrap("key {}", key));
  if (value.is_object()) return value;
  return Error(Code::InvalidArgument, "key {} holds no JSON object", key);
}

std::string job_name(const std::string& repository, TimePoint now) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::string name = fmt::format("{}-maintain-job-{}", repository, ms);
  return name.size() <= kLongestJobName ? name : fmt::format("repo-maintain-job-{}", ms);
}

void copy_field(const Json& from, std::string_view field, JsonObject& to) {
  if (const Json* value = find(from, JsonKey{field})) to[field] = *value;
}

// The container of the Deployment that is the server: by its name, or the first.
const Json* server_container(const Json& deployment) {
  const JsonArray* containers = array_at(deployment, "spec.template.spec.containers");
  if (containers == nullptr || containers->empty()) return nullptr;
  const auto named = std::find_if(containers->begin(), containers->end(), [](const Json& one) {
    const std::string_view name = string_at(one, "name");
    return name == "velero" || name == "lateen";
  });
  return named == containers->end() ? &containers->front() : &*named;
}

JsonObject container_of(const model::BackupRepository& repository,
                        const Json& server,
                        const MaintenanceJobSettings& settings,
                        const ServerConfig& config) {
  const auto& spec = repository.spec;
  JsonObject container{
      {"name", "velero-repo-maintenance-container"},
      {"args", JsonArray{"repo-maintenance", fmt::format("--repo-name={}", spec.volume_namespace),
                         fmt::format("--repo-type={}", spec.repository_type),
                         fmt::format("--backup-storage-location={}", spec.backup_storage_location),
                         fmt::format("--log-level={}", to_string(config.log_level)),
                         fmt::format("--log-format={}",
                                     config.log_format == LogFormat::JsonLine ? "json" : "text")}},
      {"resources", settings.resources},
      {"terminationMessagePolicy", "FallbackToLogsOnError"}};
  for (const std::string_view field :
       {"image", "imagePullPolicy", "env", "envFrom", "volumeMounts", "securityContext"}) {
    copy_field(server, field, container);
  }
  // Its first word is the program; what follows is the server's.
  const std::vector<std::string> command = texts_at(server, "command");
  if (!command.empty()) container["command"] = JsonArray{Json(command.front())};
  return container;
}

}  // namespace

Result<MaintenanceJobSettings> MaintenanceJobSettings::of(
    const MaintenanceConfig& config,
    const Json* config_map,
    const model::BackupRepository& repository) {
  MaintenanceJobSettings settings{.keep = config.keep_jobs};
  TRY(set_resource(settings.resources, "requests.cpu", config.cpu_request));
  TRY(set_resource(settings.resources, "requests.memory", config.memory_request));
  TRY(set_resource(settings.resources, "limits.cpu", config.cpu_limit));
  TRY(set_resource(settings.resources, "limits.memory", config.memory_limit));
  if (config_map == nullptr) return settings;
  const Json global = TRY(entry_of(*config_map, "global"));
  const auto& spec = repository.spec;
  const Json own = TRY(entry_of(
      *config_map, model::repository_name(spec.volume_namespace, spec.backup_storage_location,
                                          spec.repository_type)));
  if (global.is_object()) {
    TRY(take_settings(settings, global).wrap("key global"));
    settings.priority_class = string_at(global, "priorityClassName");
    if (const JsonObject* labels = object_at(global, "podLabels")) settings.pod_labels = *labels;
    if (const JsonObject* notes = object_at(global, "podAnnotations"))
      settings.pod_annotations = *notes;
  }
  if (own.is_object()) TRY(take_settings(settings, own).wrap("the repository's own key"));
  return settings;
}

Result<Json> maintenance_job(const model::BackupRepository& repository,
                             const Json& deployment,
                             const MaintenanceJobSettings& settings,
                             const ServerConfig& config,
                             TimePoint now) {
  const Json* server = server_container(deployment);
  if (server == nullptr)
    return Error(Code::InvalidArgument, "Deployment {} has no container",
                 kube::object_key(deployment));
  JsonObject pod{{"restartPolicy", "Never"},
                 {"containers", JsonArray{container_of(repository, *server, settings, config)}}};
  const Json* template_spec = find(deployment, "spec.template.spec");
  for (const std::string_view field :
       {"serviceAccountName", "securityContext", "volumes", "imagePullSecrets", "tolerations",
        "nodeSelector", "affinity", "dnsPolicy", "dnsConfig", "hostAliases"}) {
    copy_field(*template_spec, field, pod);
  }
  if (!settings.affinity.is_null()) {
    pod["affinity"] = settings.affinity;
    erase(pod, JsonKey{"nodeSelector"});
  }
  if (!settings.priority_class.empty()) pod["priorityClassName"] = settings.priority_class;
  const std::string label = model::valid_repository_name(repository.metadata.name);
  JsonObject pod_labels = settings.pod_labels;
  pod_labels[kRepositoryNameLabel] = label;
  JsonObject pod_metadata{{"labels", std::move(pod_labels)}};
  if (!settings.pod_annotations.empty()) pod_metadata["annotations"] = settings.pod_annotations;
  return Json(
      JsonObject{{"apiVersion", "batch/v1"},
                 {"kind", "Job"},
                 {"metadata", JsonObject{{"name", job_name(repository.metadata.name, now)},
                                         {"namespace", repository.metadata.ns},
                                         {"labels", JsonObject{{kRepositoryNameLabel, label}}}}},
                 {"spec", JsonObject{{"backoffLimit", 0},
                                     {"activeDeadlineSeconds", kLongestJobSeconds},
                                     {"template", JsonObject{{"metadata", std::move(pod_metadata)},
                                                             {"spec", std::move(pod)}}}}}});
}

std::optional<model::MaintenanceRun> ended_run(const Json& job, const Json* pod) {
  const JsonArray* conditions = array_at(job, "status.conditions");
  if (conditions == nullptr) return std::nullopt;
  for (const Json& condition : *conditions) {
    const std::string_view type = string_at(condition, "type");
    if (string_at(condition, "status") != "True" || (type != "Complete" && type != "Failed"))
      continue;
    model::MaintenanceRun run{.result = type == "Complete" ? "Succeeded" : "Failed"};
    const auto time = [](std::string_view text) -> std::optional<TimePoint> {
      auto parsed = parse_rfc3339(text);
      return parsed ? std::optional(*parsed) : std::nullopt;
    };
    run.start_timestamp = time(string_at(job, "status.startTime"));
    if (!run.start_timestamp)
      run.start_timestamp = time(string_at(job, "metadata.creationTimestamp"));
    run.complete_timestamp = time(string_at(job, "status.completionTime"));
    if (!run.complete_timestamp)
      run.complete_timestamp = time(string_at(condition, "lastTransitionTime"));
    if (type == "Complete") return run;
    const JsonArray* containers =
        pod == nullptr ? nullptr : array_at(*pod, "status.containerStatuses");
    std::string_view said;
    if (containers != nullptr && !containers->empty())
      said = string_at(containers->front(), "state.terminated.message");
    const std::size_t mark = said.find(kMaintenanceErrorMark);
    run.message =
        mark == std::string_view::npos
            ? fmt::format("Job {} failed: {}", kube::name_of(job), string_at(condition, "message"))
            : std::string(said.substr(mark + kMaintenanceErrorMark.size()));
    return run;
  }
  return std::nullopt;
}

bool is_maintenance_due(const model::BackupRepository& repository, TimePoint now) {
  const Duration period = repository.spec.maintenance_frequency;
  if (repository.status.phase != model::RepositoryPhase::Ready) return false;
  if (period <= Duration::zero()) return false;
  const auto last = repository.status.last_maintenance_time;
  return !last || now >= *last + period || *last > now + period;
}

std::vector<model::MaintenanceRun> with_run(std::vector<model::MaintenanceRun> runs,
                                            model::MaintenanceRun run) {
  const bool known = std::any_of(runs.begin(), runs.end(), [&run](const auto& one) {
    return one.start_timestamp == run.start_timestamp && one.result == run.result;
  });
  if (!known) runs.push_back(std::move(run));
  std::stable_sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) {
    return a.start_timestamp < b.start_timestamp;
  });
  if (runs.size() > kKeptRuns)
    runs.erase(runs.begin(), runs.end() - static_cast<std::ptrdiff_t>(kKeptRuns));
  return runs;
}

}  // namespace lateen::server
