#include "plugins/names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace lateen::plugins {
namespace {

constexpr std::array<std::pair<PluginKind, std::string_view>, 8> kWords = {{
    {PluginKind::BackupItemAction, "BackupItemAction"},
    {PluginKind::BackupItemActionV2, "BackupItemActionV2"},
    {PluginKind::VolumeSnapshotter, "VolumeSnapshotter"},
    {PluginKind::ObjectStore, "ObjectStore"},
    {PluginKind::RestoreItemAction, "RestoreItemAction"},
    {PluginKind::RestoreItemActionV2, "RestoreItemActionV2"},
    {PluginKind::DeleteItemAction, "DeleteItemAction"},
    {PluginKind::ItemBlockAction, "ItemBlockAction"},
}};

constexpr std::size_t kMaxSubdomain = 253;

bool is_subdomain(std::string_view text) {
  if (text.empty() || text.size() > kMaxSubdomain) return false;
  const auto is_alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (const std::string_view label : split(text, '.')) {
    if (label.empty() || !is_alnum(label.front()) || !is_alnum(label.back())) return false;
    if (!std::all_of(label.begin(), label.end(), [&](char c) { return is_alnum(c) || c == '-'; })) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string_view to_string(PluginKind kind) {
  for (const auto& [value, word] : kWords) {
    if (value == kind) return word;
  }
  return "";
}

Result<PluginKind> parse_plugin_kind(std::string_view word) {
  for (const auto& [value, text] : kWords) {
    if (text == word) return value;
  }
  return Error(Code::InvalidArgument, "invalid plugin kind {}", quote_go(word));
}

std::string qualified_name(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::string(name);
  return "velero.io/" + std::string(name);
}

Status check_plugin_name(std::string_view name) {
  const Cut parts = cut(name, "/");
  if (!parts.found || parts.after.empty() || parts.after.find('/') != std::string_view::npos) {
    return Error(Code::InvalidArgument, "invalid plugin name {}: it must be <domain>/<name>",
                 quote_go(name));
  }
  if (!is_subdomain(parts.before)) {
    return Error(Code::InvalidArgument, "invalid plugin name {}: {} is no DNS subdomain",
                 quote_go(name), quote_go(parts.before));
  }
  return {};
}

}  // namespace lateen::plugins
