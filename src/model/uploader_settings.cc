#include "model/uploader_settings.h"

#include <string>
#include <string_view>

#include "base/text.h"

namespace lateen::model {

namespace {

constexpr std::string_view kParallelUpload = "ParallelFilesUpload";
constexpr std::string_view kParallelDownload = "ParallelFilesDownload";
constexpr std::string_view kSparse = "WriteSparseFiles";

std::size_t count_of(const StringMap& settings, std::string_view key) {
  const auto found = settings.find(key);
  if (found == settings.end()) return 0;
  const auto number = parse_int(found->second);
  return number && *number > 0 ? static_cast<std::size_t>(*number) : 0;
}

}  // namespace

StringMap uploader_settings(const std::optional<UploaderConfigForBackup>& config) {
  StringMap settings;
  if (config && config->parallel_files_upload > 0)
    settings.emplace(kParallelUpload, std::to_string(config->parallel_files_upload));
  return settings;
}

StringMap uploader_settings(const std::optional<UploaderConfigForRestore>& config) {
  StringMap settings;
  if (!config) return settings;
  if (config->write_sparse_files)
    settings.emplace(kSparse, *config->write_sparse_files ? "true" : "false");
  if (config->parallel_files_download > 0)
    settings.emplace(kParallelDownload, std::to_string(config->parallel_files_download));
  return settings;
}

std::size_t parallel_files_upload(const StringMap& settings) {
  return count_of(settings, kParallelUpload);
}

std::size_t parallel_files_download(const StringMap& settings) {
  return count_of(settings, kParallelDownload);
}

bool write_sparse_files(const StringMap& settings) {
  const auto found = settings.find(kSparse);
  return found != settings.end() && found->second == "true";
}

}  // namespace lateen::model
