// Which hooks run in a pod: those of its annotations if it has any for the phase, else those of the
// spec that match it. Pure; who executes them is elsewhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/hooks.h"

namespace lateen::model {

inline constexpr Duration kDefaultHookTimeout = std::chrono::seconds(30);

enum class HookPhase { Pre, Post };

// "pre", "post"
std::string_view to_string(HookPhase phase);

enum class HookSource { Annotation, Spec };

// "annotation", "backupSpec"
std::string_view to_string(HookSource source);

// One command to be run in one container of a pod, with every default filled in.
struct PodHook {
  std::string name = {};  // of the spec's entry; "<from-annotation>" for the other kind
  HookSource source = HookSource::Spec;
  std::string container = {};
  StringList command = {};
  bool continue_on_error = false;
  Duration timeout = kDefaultHookTimeout;

  bool operator==(const PodHook&) const = default;
};

// What a pod is asked about: its namespace (on the restore side the target one), labels,
// annotations, containers.
struct HookPod {
  std::string ns = {};
  std::string name = {};
  StringMap labels = {};
  StringMap annotations = {};
  StringList containers = {};

  // Of a Pod as it came from the API server.
  static HookPod from(const Json& pod);
};

// The value of a `command` annotation: a JSON array of strings, or else the whole text as one word.
StringList parse_hook_command(std::string_view value);

// The backup hooks of a pod for a phase, in order. Legacy keys without prefix
// (hook.backup.velero.io/…) are pre.
std::vector<PodHook> backup_hooks_of(const HookPod& pod, HookPhase phase, const BackupHooks& spec);

// An exec hook after a restore.
struct RestoreExecHook {
  std::string name = {};
  HookSource source = HookSource::Spec;
  std::string container = {};
  StringList command = {};
  bool continue_on_error =
      true;  // Velero's default is Fail only for backups; see restore_exec_hooks_of
  Duration exec_timeout = kDefaultHookTimeout;
  Duration wait_timeout = {};  // zero: for ever
  bool wait_for_ready = false;

  bool operator==(const RestoreExecHook&) const = default;
};

std::vector<RestoreExecHook> restore_exec_hooks_of(const HookPod& pod, const RestoreHooks& spec);

// The raw init containers to put before the pod's own, in order. `suffix` (8 hex digits) ends the
// name of one that has none. From init.hook.restore.velero.io/container-image and its siblings,
// else from the spec.
std::vector<Json> restore_init_containers_of(const HookPod& pod,
                                             const RestoreHooks& spec,
                                             std::string_view suffix);

}  // namespace lateen::model
