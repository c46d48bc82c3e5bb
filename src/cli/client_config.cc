#include "cli/client_config.h"

#include "base/environment.h"
#include "base/file.h"

namespace lateen::cli {
namespace {

Result<FilePath> config_path() {
  const auto home = env("HOME");
  if (!home || home->empty()) {
    return Error(Code::NotFound,
                 "there is no home folder: the environment variable HOME is not set");
  }
  return FilePath(*home) / ".config" / "velero" / "config.json";
}

}  // namespace

Result<model::StringMap> read_client_config() {
  model::StringMap config;
  const auto path = config_path();
  if (!path) return config;
  auto text = read_file(*path, 1_MiB);
  if (!text) {
    if (text.error().is(Code::NotFound)) return config;
    return std::move(text).error();
  }
  const Json json = TRY(parse_json(*text).wrap("reading {}", path->string()));
  if (!json.is_object())
    return Error(Code::InvalidArgument, "{} is not a JSON object", path->string());
  for (const auto& [key, value] : json.as_object()) {
    if (!value.is_string()) {
      return Error(Code::InvalidArgument, "{}: {} is not a string", path->string(),
                   std::string_view(key));
    }
    config[std::string(key)] = as_text(&value);
  }
  return config;
}

Status write_client_config(const model::StringMap& config) {
  const FilePath path = TRY(config_path());
  TRY(make_dirs(path.parent_path(), 0700));
  JsonObject json;
  for (const auto& [key, value] : config)
    json[key] = value;
  return write_file_atomic(path, write_json(Json(std::move(json))) + "\n", 0600);
}

}  // namespace lateen::cli
