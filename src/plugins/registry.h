// Which plugins there are: every program of a directory is started once and asked.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "plugins/names.h"

namespace lateen::plugins {

struct RegistryOptions {
  FilePath dir = {};
  std::vector<std::string> arguments = {};  // for the programs
  std::vector<PluginId> built_in = {};      // names that are taken
  Duration start_timeout = std::chrono::minutes(1);
};

// Immutable.
class Registry {
 public:
  Registry() = default;  // of no plugins

  // Every executable file below the directory, in the order of names; a directory that is not there
  // has none. As in Velero a program that does not start, or that has a plugin that is there
  // already, is an error: a backup without the actions that somebody installed would not be what
  // they rely on. All programs are tried, and the error names each that failed.
  static Result<Registry> discover(const RegistryOptions& options,
                                   const Log& log,
                                   const std::stop_token& stop);

  // In the order of their registration.
  const std::vector<PluginId>& all() const { return plugins_; }

  std::vector<PluginId> list(PluginKind kind) const;

  // Those of two kinds that are used as one: BackupItemAction and its V2. Of a name that is in both
  // only the V2.
  std::vector<PluginId> list(PluginKind v1, PluginKind v2) const;

  // Null if there is none. The name may lack "velero.io/".
  const PluginId* find(PluginKind kind, std::string_view name) const;

 private:
  Status add(PluginId plugin, const std::vector<PluginId>& built_in);

  std::vector<PluginId> plugins_;
};

}  // namespace lateen::plugins
