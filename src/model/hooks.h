// The hook specs of Backups and Restores. Only pods are ever hooked. Hooks in a pod's annotations:
// pod_hooks.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/label_selector.h"
#include "model/object_meta.h"
#include "model/open_enum.h"

namespace lateen::model {

// What a failing hook means for its pod. Unset behaves as Fail.
enum class HookErrorMode { Unset, Continue, Fail, Unknown };

template <>
struct EnumWords<HookErrorMode> {
  using enum HookErrorMode;
  static constexpr EnumWord<HookErrorMode> kWords[] = {
      {Unset, ""}, {Continue, "Continue"}, {Fail, "Fail"}};
};

struct ExecHook {
  std::string container = {};  // "" is the pod's first
  StringList command = {};
  OpenEnum<HookErrorMode> on_error = {};
  Duration timeout = {};  // zero: the server's default of 30 s
  JsonObject unknown = {};

  bool operator==(const ExecHook&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("container", self.container);
    visit.always("command", self.command);
    visit("onError", self.on_error);
    visit.always("timeout", self.timeout);
  }
};

struct BackupResourceHook {
  std::optional<ExecHook> exec = {};
  JsonObject unknown = {};

  bool operator==(const BackupResourceHook&) const = default;

  static void fields(auto& self, auto& visit) { visit.always("exec", self.exec); }
};

struct BackupResourceHookSpec {
  std::string name = {};
  StringList included_namespaces = {};
  StringList excluded_namespaces = {};
  StringList included_resources = {};
  StringList excluded_resources = {};
  std::optional<LabelSelector> label_selector = {};
  std::vector<BackupResourceHook> pre = {};
  std::vector<BackupResourceHook> post = {};
  JsonObject unknown = {};

  bool operator==(const BackupResourceHookSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("name", self.name);
    visit("includedNamespaces", self.included_namespaces);
    visit("excludedNamespaces", self.excluded_namespaces);
    visit("includedResources", self.included_resources);
    visit("excludedResources", self.excluded_resources);
    visit("labelSelector", self.label_selector);
    visit("pre", self.pre);
    visit("post", self.post);
  }
};

struct BackupHooks {
  std::vector<BackupResourceHookSpec> resources = {};
  JsonObject unknown = {};

  bool operator==(const BackupHooks&) const = default;

  static void fields(auto& self, auto& visit) { visit("resources", self.resources); }
};

struct ExecRestoreHook {
  std::string container = {};
  StringList command = {};
  OpenEnum<HookErrorMode> on_error = {};
  Duration exec_timeout = {};  // zero: 30 s
  Duration wait_timeout = {};  // zero: for ever
  std::optional<bool> wait_for_ready = {};
  JsonObject unknown = {};

  bool operator==(const ExecRestoreHook&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("container", self.container);
    visit.always("command", self.command);
    visit("onError", self.on_error);
    visit.always("execTimeout", self.exec_timeout);
    visit.always("waitTimeout", self.wait_timeout);
    visit("waitForReady", self.wait_for_ready);
  }
};

struct InitRestoreHook {
  std::vector<Json> init_containers = {};  // raw Containers
  Duration timeout = {};                   // never enforced by Velero
  JsonObject unknown = {};

  bool operator==(const InitRestoreHook&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("initContainers", self.init_containers);
    visit.always("timeout", self.timeout);
  }
};

// One of the two.
struct RestoreResourceHook {
  std::optional<ExecRestoreHook> exec = {};
  std::optional<InitRestoreHook> init = {};
  JsonObject unknown = {};

  bool operator==(const RestoreResourceHook&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("exec", self.exec);
    visit("init", self.init);
  }
};

// Namespaces here are those of the target cluster. The resource lists are read and, as in Velero,
// without effect.
struct RestoreResourceHookSpec {
  std::string name = {};
  StringList included_namespaces = {};
  StringList excluded_namespaces = {};
  StringList included_resources = {};
  StringList excluded_resources = {};
  std::optional<LabelSelector> label_selector = {};
  std::vector<RestoreResourceHook> post_hooks = {};
  JsonObject unknown = {};

  bool operator==(const RestoreResourceHookSpec&) const = default;

  static void fields(auto& self, auto& visit) {
    visit.always("name", self.name);
    visit("includedNamespaces", self.included_namespaces);
    visit("excludedNamespaces", self.excluded_namespaces);
    visit("includedResources", self.included_resources);
    visit("excludedResources", self.excluded_resources);
    visit("labelSelector", self.label_selector);
    visit("postHooks", self.post_hooks);
  }
};

struct RestoreHooks {
  std::vector<RestoreResourceHookSpec> resources = {};
  JsonObject unknown = {};

  bool operator==(const RestoreHooks&) const = default;

  static void fields(auto& self, auto& visit) { visit("resources", self.resources); }
};

struct HookStatus {
  std::int64_t hooks_attempted = 0;
  std::int64_t hooks_failed = 0;
  JsonObject unknown = {};

  bool operator==(const HookStatus&) const = default;

  static void fields(auto& self, auto& visit) {
    visit("hooksAttempted", self.hooks_attempted);
    visit("hooksFailed", self.hooks_failed);
  }
};

}  // namespace lateen::model
