#include "base/yaml.h"

#include <cmath>
#include <set>

#include "base/encoding.h"
#include "base/yaml_document.h"
#include "base/yaml_scalar.h"

namespace lateen {

namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

// Nodes into JSON, by go-yaml v2's rules. Not thread-safe.
class Decoder {
 public:
  Result<Json> decode(const YamlNode& node) {
    TRY(count(node));
    if (depth_ >= kMaxJsonDepth) return yaml_error(node.line, "nested too deeply");
    ++depth_;
    auto value = decode_kind(node);
    --depth_;
    return value;
  }

 private:
  Result<Json> decode_kind(const YamlNode& node) {
    switch (node.kind) {
      case YamlNode::Kind::Scalar:
        return decode_scalar(node);
      case YamlNode::Kind::Sequence:
        return decode_sequence(node);
      case YamlNode::Kind::Alias:
        return through_alias(node, [this](const YamlNode& target) { return decode(target); });
      case YamlNode::Kind::Mapping: {
        JsonObject object;
        TRY(decode_into(node, object));
        return Json(std::move(object));
      }
    }
    return Json();
  }

  // The guard against "billion laughs", with go-yaml's numbers: what comes out of aliases may be
  // 99% of a small document and 10% of a large one.
  Status count(const YamlNode& node) {
    constexpr double kSmall = 400'000;
    constexpr double kLarge = 4'000'000;
    ++decoded_;
    if (alias_depth_ > 0) ++aliased_;
    const auto all = static_cast<double>(decoded_);
    const double allowed = all <= kSmall   ? 0.99
                           : all >= kLarge ? 0.10
                                           : 0.99 - 0.89 * ((all - kSmall) / (kLarge - kSmall));
    if (aliased_ > 100 && decoded_ > 1000 && static_cast<double>(aliased_) / all > allowed) {
      return yaml_error(node.line, "the document contains excessive aliasing");
    }
    return {};
  }

  template <typename Decode>
  auto through_alias(const YamlNode& alias, Decode decode_target)
      -> decltype(decode_target(alias)) {
    if (!inside_.insert(alias.target).second) {
      return yaml_error(alias.line, fmt::format("anchor '{}' value contains itself", alias.value));
    }
    ++alias_depth_;
    auto value = decode_target(*alias.target);
    --alias_depth_;
    inside_.erase(alias.target);
    return value;
  }

  Result<Json> decode_sequence(const YamlNode& node) {
    JsonArray array;
    array.reserve(node.children.size());
    for (const YamlNode* child : node.children)
      array.push_back(TRY(decode(*child)));
    return Json(std::move(array));
  }

  // In the order of the text: what comes later wins, be it a key or a merge.
  Status decode_into(const YamlNode& mapping, JsonObject& out) {
    for (std::size_t i = 0; i + 1 < mapping.children.size(); i += 2) {
      const YamlNode& key = *mapping.children[i];
      const YamlNode& value = *mapping.children[i + 1];
      if (is_merge(key)) {
        TRY(merge(value, out));
        continue;
      }
      std::string name = TRY(decode_key(key));
      Json decoded = TRY(decode(value));
      out.insert_or_assign(name, std::move(decoded));
    }
    return {};
  }

  static bool is_merge(const YamlNode& key) {
    return key.kind == YamlNode::Kind::Scalar && key.value == "<<" &&
           (key.plain || key.tag == fmt::format("{}merge", kTagPrefix));
  }

  Status merge(const YamlNode& node, JsonObject& out) {
    TRY(count(node));
    const YamlNode& target = node.kind == YamlNode::Kind::Alias ? *node.target : node;
    if (target.kind == YamlNode::Kind::Mapping) {
      if (node.kind != YamlNode::Kind::Alias) return decode_into(node, out);
      return through_alias(node,
                           [&](const YamlNode& mapping) { return decode_into(mapping, out); });
    }
    if (node.kind != YamlNode::Kind::Sequence) return not_mergeable(node);
    // Backwards, since earlier ones take precedence.
    for (auto part = node.children.rbegin(); part != node.children.rend(); ++part) {
      const YamlNode& source = (*part)->kind == YamlNode::Kind::Alias ? *(*part)->target : **part;
      if (source.kind != YamlNode::Kind::Mapping) return not_mergeable(**part);
      TRY(merge(**part, out));
    }
    return {};
  }

  static Error not_mergeable(const YamlNode& node) {
    return yaml_error(node.line, "map merge requires map or sequence of maps as the value");
  }

  // JSON has only text for keys: numbers and booleans become their text, as sigs.k8s.io/yaml does
  // it.
  Result<std::string> decode_key(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::Scalar && node.tag.empty() && node.plain) {
      // The one place where infinity has a form.
      const YamlScalar scalar = resolve_yaml_scalar(node.value);
      if (scalar.kind == YamlKind::Float) {
        return format_yaml_float(static_cast<float>(scalar.value.get_double()));
      }
    }
    const Json key = TRY(decode(node));
    if (key.is_string()) return std::string(as_text(&key));
    if (key.is_bool()) return std::string(key.get_bool() ? "true" : "false");
    if (key.is_double()) return format_yaml_float(static_cast<float>(key.get_double()));
    if (key.is_int64()) return std::to_string(key.get_int64());
    return yaml_error(node.line, "a key must be text, a number or a boolean");
  }

  Result<Json> decode_scalar(const YamlNode& node) {
    if (node.tag.empty() && !node.plain) return Json(node.value);
    if (node.tag.empty()) return checked_number(node, resolve_yaml_scalar(node.value));
    const std::string_view tag = std::string_view(node.tag).starts_with(kTagPrefix)
                                     ? std::string_view(node.tag).substr(kTagPrefix.size())
                                     : std::string_view();
    if (tag == "binary") {
      auto data = base64_decode(node.value);
      if (!data) return yaml_error(node.line, "!!binary value contains invalid base64 data");
      return Json(*data);
    }
    if (tag == "null" && node.value.empty()) return Json();
    static constexpr std::pair<std::string_view, YamlKind> kKinds[] = {
        {"bool", YamlKind::Bool},
        {"int", YamlKind::Int},
        {"float", YamlKind::Float},
        {"null", YamlKind::Null},
        {"timestamp", YamlKind::Timestamp}};
    for (const auto& [name, kind] : kKinds) {
      if (tag == name) return tagged(node, tag, kind);
    }
    return Json(node.value);  // !!str, and tags of somebody's own
  }

  static Result<Json> tagged(const YamlNode& node, std::string_view tag, YamlKind wanted) {
    YamlScalar scalar = resolve_yaml_scalar(node.value);
    if (wanted == YamlKind::Float && scalar.kind == YamlKind::Int) {
      const Json whole = scalar.value;
      scalar.kind = YamlKind::Float;
      scalar.value = whole.to_number<double>();
    }
    if (scalar.kind != wanted) {
      return yaml_error(node.line, fmt::format("cannot decode `{}` as a !!{}", node.value, tag));
    }
    return checked_number(node, std::move(scalar));
  }

  static Result<Json> checked_number(const YamlNode& node, YamlScalar scalar) {
    if (scalar.kind == YamlKind::Text || scalar.kind == YamlKind::Timestamp)
      return Json(node.value);
    if (scalar.value.is_double() && !std::isfinite(scalar.value.get_double())) {
      return yaml_error(node.line, fmt::format("{} has no JSON form", node.value));
    }
    return std::move(scalar.value);
  }

  std::uint64_t decoded_ = 0;
  std::uint64_t aliased_ = 0;
  std::size_t alias_depth_ = 0;
  std::size_t depth_ = 0;
  std::set<const YamlNode*> inside_;  // what aliases that are being followed stand for
};

Result<Json> decode_document(const YamlDocument& document) {
  if (document.root == nullptr) return Json();
  Decoder decoder;
  return decoder.decode(*document.root);
}

bool looks_like_json(BytesView text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != BytesView::npos && text[first] == '{';
}

// A line of --- with nothing but blanks or a comment after it.
bool is_separator(std::string_view line) {
  if (!line.starts_with("---")) return false;
  line.remove_prefix(3);
  const std::size_t first = line.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos || line[first] == '#';
}

Status append_documents(BytesView text, std::size_t line, std::vector<Json>& out) {
  if (looks_like_json(text)) {
    if (auto json = parse_json(text)) {
      out.push_back(std::move(*json));
      return {};
    }
  }
  YamlComposer composer(text);
  while (true) {
    auto document = composer.next();
    if (!document) return std::move(document).error().wrap("the document from line {}", line);
    if (!*document) return {};
    Json value = TRY(decode_document(**document).wrap("the document from line {}", line));
    if (!value.is_null()) out.push_back(std::move(value));
  }
}

}  // namespace

Result<Json> parse_yaml(BytesView text) {
  // JSON is nearly YAML: surrogate pairs and \/ are not. Flow mappings of YAML begin alike.
  if (looks_like_json(text)) {
    if (auto json = parse_json(text)) return json;
  }
  YamlComposer composer(text);
  const auto document = TRY(composer.next());
  return document ? decode_document(*document) : Json();
}

Result<std::vector<Json>> parse_yaml_documents(BytesView text) {
  std::vector<Json> out;
  std::size_t begin = 0;
  std::size_t begin_line = 1;
  std::size_t line_number = 1;
  for (std::size_t at = 0; at < text.size(); ++line_number) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    if (is_separator(text.substr(at, end - at))) {
      TRY(append_documents(text.substr(begin, at - begin), begin_line, out));
      begin = end;
      begin_line = line_number + 1;
    }
    at = end;
  }
  TRY(append_documents(text.substr(begin), begin_line, out));
  return out;
}

}  // namespace lateen
