#include "plugins/registry.h"

#include <algorithm>

#include <sys/stat.h>
#include <velero/plugin_lister.pb.h>

#include "base/text.h"
#include "plugins/process.h"
#include "plugins/rpc.h"

namespace lateen::plugins {
namespace {

constexpr std::chrono::minutes kListPatience{1};

bool is_executable(const struct stat& info, const std::string& name) {
  return (info.st_mode & 0111) != 0 || to_lower(name).ends_with(".exe");
}

Status find_programs(const FilePath& dir, const Log& log, std::vector<FilePath>& programs) {
  for (const DirEntry& entry : TRY(list_dir(dir))) {
    const FilePath path = dir / entry.name;
    // A link to a program is one (a mounted ConfigMap has such); one to a folder is not followed.
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
      return errno_error(errno, fmt::format("looking at {}", path.native()));
    }
    if (entry.kind == FileKind::Directory) {
      TRY(find_programs(path, log, programs));
    } else if (S_ISREG(info.st_mode) && is_executable(info, entry.name)) {
      programs.push_back(path);
    } else {
      log.warning("Searching plugin skip file, not executable", {{"file", path.native()}});
    }
  }
  return {};
}

Result<std::vector<PluginId>> ask(const ProcessOptions& options, const std::stop_token& stop) {
  const auto process = TRY(PluginProcess::start(options, stop));
  const auto answer = TRY(call<generated::ListPluginsResponse>(
                              process->channel(), "/generated.PluginLister/ListPlugins",
                              generated::Empty(), Deadline::after(kListPatience), stop)
                              .wrap("listing the plugins of {}", options.command.native()));
  std::vector<PluginId> plugins;
  for (const generated::PluginIdentifier& one : answer.plugins()) {
    const PluginKind kind =
        TRY(parse_plugin_kind(one.kind())
                .wrap("plugin {} of {}", quote_go(one.name()), options.command.native()));
    TRY(check_plugin_name(one.name()).wrap("{}", options.command.native()));
    plugins.push_back({.kind = kind, .name = one.name(), .command = options.command});
  }
  return plugins;
}

}  // namespace

Result<Registry> Registry::discover(const RegistryOptions& options,
                                    const Log& log,
                                    const std::stop_token& stop) {
  Registry registry;
  if (!path_exists(options.dir)) return registry;
  std::vector<FilePath> programs;
  TRY(find_programs(options.dir, log, programs).wrap("looking for plugins"));
  std::vector<std::string> problems;
  for (const FilePath& program : programs) {
    auto found = ask({.command = program,
                      .arguments = options.arguments,
                      .log = log,
                      .start_timeout = options.start_timeout},
                     stop);
    if (stop.stop_requested()) return Error(Code::Canceled, "stopped while looking for plugins");
    if (!found) {
      problems.push_back(found.error().message());
      continue;
    }
    for (PluginId& plugin : *found) {
      log.info(
          "registering plugin",
          {{"kind", to_string(plugin.kind)}, {"name", plugin.name}, {"command", program.native()}});
      const Status added = registry.add(std::move(plugin), options.built_in);
      if (!added) problems.push_back(added.error().message());
    }
  }
  if (problems.empty()) return registry;
  return Error(Code::InvalidArgument, "{}", join(problems, "; "))
      .with_hint(fmt::format(
          "A backup must not run without the plugins that are installed: repair or remove the "
          "programs in {} that are named above.",
          options.dir.native()));
}

Status Registry::add(PluginId plugin, const std::vector<PluginId>& built_in) {
  const auto same = [&plugin](const PluginId& one) {
    return one.kind == plugin.kind && one.name == plugin.name;
  };
  const std::vector<PluginId>& ours = plugins_;
  for (const std::vector<PluginId>* known : {&built_in, &ours}) {
    const auto there = std::find_if(known->begin(), known->end(), same);
    if (there == known->end()) continue;
    return Error(Code::AlreadyExists,
                 "unable to register plugin (kind={}, name={}, command={}) because another plugin "
                 "is already registered for this kind and name (command={})",
                 to_string(plugin.kind), plugin.name, plugin.command.native(),
                 there->command.native());
  }
  plugins_.push_back(std::move(plugin));
  return {};
}

std::vector<PluginId> Registry::list(PluginKind kind) const {
  std::vector<PluginId> found;
  std::copy_if(plugins_.begin(), plugins_.end(), std::back_inserter(found),
               [kind](const PluginId& one) { return one.kind == kind; });
  return found;
}

std::vector<PluginId> Registry::list(PluginKind v1, PluginKind v2) const {
  std::vector<PluginId> found;
  for (const PluginId& one : plugins_) {
    const bool is_old = one.kind == v1 && find(v2, one.name) == nullptr;
    if (one.kind == v2 || is_old) found.push_back(one);
  }
  return found;
}

const PluginId* Registry::find(PluginKind kind, std::string_view name) const {
  const std::string full = qualified_name(name);
  const auto there = std::find_if(plugins_.begin(), plugins_.end(), [&](const PluginId& one) {
    return one.kind == kind && one.name == full;
  });
  return there == plugins_.end() ? nullptr : &*there;
}

}  // namespace lateen::plugins
