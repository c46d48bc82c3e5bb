// The kinds of plugins, and how plugins are called.
#pragma once

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"

namespace lateen::plugins {

enum class PluginKind {
  BackupItemAction,
  BackupItemActionV2,
  VolumeSnapshotter,
  ObjectStore,
  RestoreItemAction,
  RestoreItemActionV2,
  DeleteItemAction,
  ItemBlockAction,
};

// As plugins and Velero spell it: "BackupItemActionV2".
std::string_view to_string(PluginKind kind);
Result<PluginKind> parse_plugin_kind(std::string_view word);

// One implementation, and the program that holds it.
struct PluginId {
  PluginKind kind = PluginKind::ObjectStore;
  std::string name = {};  // "velero.io/aws"
  FilePath command = {};

  bool operator==(const PluginId&) const = default;
};

// "aws" is "velero.io/aws"; what has a slash stays as it is.
std::string qualified_name(std::string_view name);

// A plugin's name is a DNS subdomain, a slash, and something: InvalidArgument otherwise, in
// Velero's words.
Status check_plugin_name(std::string_view name);

}  // namespace lateen::plugins
