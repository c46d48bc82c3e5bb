#include "sandbox/http/accept.h"

#include "base/text.h"

namespace lateen::sandbox {

namespace {

bool is_json(const MediaRange& range) {
  return range.type == "application/json" || range.type == "*/*" || range.type == "application/*";
}

}  // namespace

std::vector<MediaRange> parse_accept(std::string_view header) {
  std::vector<MediaRange> out;
  for (const std::string& one : split_trimmed(header, ',')) {
    MediaRange range;
    bool first = true;
    for (const std::string& part : split_trimmed(one, ';')) {
      if (first) {
        range.type = to_lower(part);
        first = false;
        continue;
      }
      const Cut parameter = cut(part, "=");
      if (parameter.before == "as") range.as = parameter.after;
      if (parameter.before == "g") range.group = parameter.after;
      if (parameter.before == "v") range.version = parameter.after;
    }
    if (!range.type.empty()) out.push_back(std::move(range));
  }
  if (out.empty()) out.push_back({.type = "*/*", .as = {}, .group = {}, .version = {}});
  return out;
}

Negotiated negotiate_object(std::string_view accept) {
  for (const MediaRange& range : parse_accept(accept)) {
    AnswerFormat format;
    format.yaml = range.type == "application/yaml";
    if (!format.yaml && !is_json(range)) continue;
    if (range.as.empty()) return {.format = format, .found = true};
    if (range.group != "meta.k8s.io" || (range.version != "v1" && range.version != "v1beta1"))
      continue;
    format.meta_version = range.version;
    if (range.as == "Table") {
      format.form = AnswerForm::Table;
    } else if (range.as == "PartialObjectMetadata" || range.as == "PartialObjectMetadataList") {
      format.form = AnswerForm::PartialMetadata;
    } else {
      continue;
    }
    return {.format = format, .found = true};
  }
  return {};
}

NegotiatedDiscovery negotiate_discovery(std::string_view accept) {
  for (const MediaRange& range : parse_accept(accept)) {
    if (!is_json(range)) continue;
    if (range.as.empty()) return {.version = {}, .found = true};
    const bool known = range.version == "v2" || range.version == "v2beta1";
    if (range.as == "APIGroupDiscoveryList" && range.group == "apidiscovery.k8s.io" && known) {
      return {.version = range.version, .found = true};
    }
  }
  return {};
}

}  // namespace lateen::sandbox
