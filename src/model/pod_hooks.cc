#include "model/pod_hooks.h"

#include <algorithm>

#include "base/duration.h"
#include "base/text.h"
#include "model/include_exclude.h"

namespace lateen::model {
namespace {

constexpr std::string_view kBackupHookKey = "hook.backup.velero.io/";
constexpr std::string_view kRestoreHookKey = "post.hook.restore.velero.io/";
constexpr std::string_view kInitHookKey = "init.hook.restore.velero.io/";
constexpr std::string_view kFromAnnotation = "<from-annotation>";
constexpr std::string_view kInitContainerName = "velero-restore-init-";

// "" when absent.
std::string_view annotation(const HookPod& pod, std::string_view prefix, std::string_view key) {
  const auto found = pod.annotations.find(std::string(prefix) + std::string(key));
  return found == pod.annotations.end() ? std::string_view() : std::string_view(found->second);
}

// A text that is no duration counts as absent: the pod's owner hears of it in Velero's log only.
Duration duration_or(std::string_view text, Duration otherwise) {
  if (text.empty()) return otherwise;
  const Result<Duration> parsed = parse_go_duration(text);
  return parsed ? *parsed : otherwise;
}

std::string container_or_first(std::string_view container, const HookPod& pod) {
  if (!container.empty() || pod.containers.empty()) return std::string(container);
  return pod.containers.front();
}

std::optional<PodHook> backup_hook_of_annotations(const HookPod& pod, std::string_view prefix) {
  const std::string_view command = annotation(pod, prefix, "command");
  if (command.empty()) return std::nullopt;
  return PodHook{.name = std::string(kFromAnnotation),
                 .source = HookSource::Annotation,
                 .container = container_or_first(annotation(pod, prefix, "container"), pod),
                 .command = parse_hook_command(command),
                 .continue_on_error = annotation(pod, prefix, "on-error") == "Continue",
                 .timeout = duration_or(annotation(pod, prefix, "timeout"), kDefaultHookTimeout)};
}

// Only pods are hooked, under any of the names that discovery resolves to them.
bool names_pods(const StringList& included, const StringList& excluded) {
  const auto as_plural = [](StringList list) {
    for (std::string& name : list) {
      if (name == "po" || name == "pod") name = "pods";
    }
    return list;
  };
  return IncludeExclude(as_plural(included), as_plural(excluded)).should_include("pods");
}

bool selects(const std::optional<LabelSelector>& selector, const HookPod& pod) {
  return !selector || selector->matches(pod.labels);
}

bool applies_to(const BackupResourceHookSpec& spec, const HookPod& pod) {
  return IncludeExclude(spec.included_namespaces, spec.excluded_namespaces)
             .should_include(pod.ns) &&
         names_pods(spec.included_resources, spec.excluded_resources) &&
         selects(spec.label_selector, pod);
}

bool applies_to(const RestoreResourceHookSpec& spec, const HookPod& pod) {
  return IncludeExclude(spec.included_namespaces, spec.excluded_namespaces)
             .should_include(pod.ns) &&
         selects(spec.label_selector, pod);
}

std::optional<Json> init_container_of_annotations(const HookPod& pod, std::string_view suffix) {
  const std::string_view image = annotation(pod, kInitHookKey, "container-image");
  if (image.empty()) return std::nullopt;
  const std::string_view name = annotation(pod, kInitHookKey, "container-name");
  JsonObject container{{"image", image},
                       {"name", name.empty() ? std::string(kInitContainerName) + std::string(suffix)
                                             : std::string(name)}};
  // Without a command the image's own entrypoint runs.
  if (const std::string_view command = annotation(pod, kInitHookKey, "command"); !command.empty()) {
    JsonArray words;
    for (const std::string& word : parse_hook_command(command))
      words.emplace_back(word);
    container.emplace("command", std::move(words));
  }
  return container;
}

}  // namespace

std::string_view to_string(HookPhase phase) {
  return phase == HookPhase::Pre ? "pre" : "post";
}

std::string_view to_string(HookSource source) {
  return source == HookSource::Annotation ? "annotation" : "backupSpec";
}

HookPod HookPod::from(const Json& pod) {
  HookPod made{.ns = std::string(string_at(pod, "metadata.namespace")),
               .name = std::string(string_at(pod, "metadata.name"))};
  const auto read_map = [&pod](std::string_view path, StringMap& map) {
    if (const JsonObject* object = object_at(pod, path)) {
      for (const auto& [key, value] : *object)
        map.emplace(key, as_text(&value));
    }
  };
  read_map("metadata.labels", made.labels);
  read_map("metadata.annotations", made.annotations);
  if (const JsonArray* containers = array_at(pod, "spec.containers")) {
    for (const Json& container : *containers)
      made.containers.emplace_back(string_at(container, "name"));
  }
  return made;
}

StringList parse_hook_command(std::string_view value) {
  if (value.starts_with('[')) {
    const Result<Json> json = parse_json(value);
    const bool all_words =
        json && json->is_array() &&
        std::ranges::all_of(json->get_array(), [](const Json& word) { return word.is_string(); });
    if (all_words) {
      StringList words;
      for (const Json& word : json->get_array())
        words.emplace_back(as_text(&word));
      return words;
    }
  }
  return {std::string(value)};
}

std::vector<PodHook> backup_hooks_of(const HookPod& pod, HookPhase phase, const BackupHooks& spec) {
  const std::string prefix = fmt::format("{}.{}", to_string(phase), kBackupHookKey);
  std::optional<PodHook> annotated = backup_hook_of_annotations(pod, prefix);
  if (!annotated && phase == HookPhase::Pre)
    annotated = backup_hook_of_annotations(pod, kBackupHookKey);
  if (annotated) return {*std::move(annotated)};

  std::vector<PodHook> hooks;
  for (const BackupResourceHookSpec& resource : spec.resources) {
    if (!applies_to(resource, pod)) continue;
    for (const BackupResourceHook& hook : phase == HookPhase::Pre ? resource.pre : resource.post) {
      if (!hook.exec) continue;
      hooks.push_back(
          {.name = resource.name,
           .source = HookSource::Spec,
           .container = container_or_first(hook.exec->container, pod),
           .command = hook.exec->command,
           // Left out it is Fail to Velero's manual, and Continue to every Velero there was.
           .continue_on_error = hook.exec->on_error != HookErrorMode::Fail,
           .timeout = hook.exec->timeout.count() == 0 ? kDefaultHookTimeout : hook.exec->timeout});
    }
  }
  return hooks;
}

std::vector<RestoreExecHook> restore_exec_hooks_of(const HookPod& pod, const RestoreHooks& spec) {
  if (const std::string_view command = annotation(pod, kRestoreHookKey, "command");
      !command.empty()) {
    const Result<bool> wait_for_ready =
        parse_bool(annotation(pod, kRestoreHookKey, "wait-for-ready"));
    return {RestoreExecHook{
        .name = std::string(kFromAnnotation),
        .source = HookSource::Annotation,
        .container = container_or_first(annotation(pod, kRestoreHookKey, "container"), pod),
        .command = parse_hook_command(command),
        .continue_on_error = annotation(pod, kRestoreHookKey, "on-error") != "Fail",
        .exec_timeout =
            duration_or(annotation(pod, kRestoreHookKey, "exec-timeout"), kDefaultHookTimeout),
        .wait_timeout =
            duration_or(annotation(pod, kRestoreHookKey, "wait-timeout"), Duration::zero()),
        .wait_for_ready = wait_for_ready && *wait_for_ready}};
  }
  std::vector<RestoreExecHook> hooks;
  for (const RestoreResourceHookSpec& resource : spec.resources) {
    if (!applies_to(resource, pod)) continue;
    for (const RestoreResourceHook& hook : resource.post_hooks) {
      if (!hook.exec) continue;
      const ExecRestoreHook& exec = *hook.exec;
      hooks.push_back(
          {.name = resource.name,
           .source = HookSource::Spec,
           .container = container_or_first(exec.container, pod),
           .command = exec.command,
           .continue_on_error = exec.on_error != HookErrorMode::Fail,
           .exec_timeout = exec.exec_timeout.count() == 0 ? kDefaultHookTimeout : exec.exec_timeout,
           .wait_timeout = exec.wait_timeout,
           .wait_for_ready = exec.wait_for_ready.value_or(false)});
    }
  }
  return hooks;
}

std::vector<Json> restore_init_containers_of(const HookPod& pod,
                                             const RestoreHooks& spec,
                                             std::string_view suffix) {
  if (std::optional<Json> annotated = init_container_of_annotations(pod, suffix))
    return {*std::move(annotated)};
  std::vector<Json> containers;
  for (const RestoreResourceHookSpec& resource : spec.resources) {
    if (!applies_to(resource, pod)) continue;
    for (const RestoreResourceHook& hook : resource.post_hooks) {
      if (!hook.init) continue;
      containers.insert(containers.end(), hook.init->init_containers.begin(),
                        hook.init->init_containers.end());
    }
  }
  return containers;
}

}  // namespace lateen::model
