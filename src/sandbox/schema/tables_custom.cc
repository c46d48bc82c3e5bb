// Tables of custom resources: columns that a CRD declares by JSONPath.
#include <algorithm>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/time.h"
#include "sandbox/schema/table_parts.h"
#include "sandbox/schema/tables.h"

namespace lateen::sandbox::schema {
namespace {

// One step of a path after another, over all values found so far.
class PathWalk {
 public:
  PathWalk(const Json& root, std::string_view path) : found_{&root}, rest_(path) {
    if (rest_.starts_with('{') && rest_.ends_with('}')) rest_ = rest_.substr(1, rest_.size() - 2);
    if (rest_.starts_with('$')) rest_.remove_prefix(1);
  }

  std::vector<const Json*> run() {
    while (!rest_.empty() && !found_.empty()) {
      const bool understood = rest_[0] == '[' ? bracket() : name();
      if (!understood) return {};
    }
    return std::move(found_);
  }

 private:
  // .name, with \. for a dot inside it.
  bool name() {
    if (rest_[0] == '.') rest_.remove_prefix(1);
    std::string key;
    while (!rest_.empty() && rest_[0] != '.' && rest_[0] != '[') {
      if (rest_[0] == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      key += rest_[0];
      rest_.remove_prefix(1);
    }
    if (key == "*") return each([](const Json&) { return true; });
    if (!key.empty()) member(key);
    return true;
  }

  // ['name'], [0], [-1], [*] or [?(@.type=="Ready")].
  bool bracket() {
    const std::size_t end = closing();
    if (end == std::string_view::npos) return false;
    const std::string_view inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (inside == "*") return each([](const Json&) { return true; });
    if (inside.starts_with("?(") && inside.ends_with(')'))
      return filter(inside.substr(2, inside.size() - 3));
    if (inside.size() >= 2 && (inside[0] == '\'' || inside[0] == '"')) {
      member(std::string(inside.substr(1, inside.size() - 2)));
      return true;
    }
    return item(inside);
  }

  std::size_t closing() const {
    char quote = 0;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == ']') {
        return i;
      }
    }
    return std::string_view::npos;
  }

  void member(const std::string& key) {
    std::vector<const Json*> next;
    for (const Json* value : found_) {
      if (const Json* inner = find(value, JsonKey{key}); inner != nullptr && !inner->is_null())
        next.push_back(inner);
    }
    found_ = std::move(next);
  }

  template <typename Keep>
  bool each(Keep keep) {
    std::vector<const Json*> next;
    for (const Json* value : found_) {
      if (const JsonArray* items = value->if_array()) {
        for (const Json& item : *items) {
          if (keep(item)) next.push_back(&item);
        }
      } else if (const JsonObject* members = value->if_object()) {
        for (const auto& [key, inner] : *members) {
          if (keep(inner)) next.push_back(&inner);
        }
      }
    }
    found_ = std::move(next);
    return true;
  }

  bool item(std::string_view text) {
    const bool from_end = text.starts_with('-');
    if (from_end) text.remove_prefix(1);
    std::size_t index = 0;
    for (const char c : text) {
      if (c < '0' || c > '9' || index > 1'000'000) return false;
      index = index * 10 + static_cast<std::size_t>(c - '0');
    }
    std::vector<const Json*> next;
    for (const Json* value : found_) {
      const JsonArray* items = value->if_array();
      if (items == nullptr) continue;
      const std::size_t at = from_end ? items->size() - std::min(index, items->size()) : index;
      if (at < items->size()) next.push_back(&(*items)[at]);
    }
    found_ = std::move(next);
    return !text.empty();
  }

  // @.path=="text", @.path!="text", or @.path alone.
  bool filter(std::string_view condition) {
    if (!condition.starts_with('@')) return false;
    condition.remove_prefix(1);
    bool equal = true;
    std::size_t at = condition.find("==");
    if (at == std::string_view::npos) {
      at = condition.find("!=");
      equal = false;
    }
    std::string_view path = condition.substr(0, at);
    while (path.ends_with(' '))
      path.remove_suffix(1);
    if (at == std::string_view::npos)
      return each([path](const Json& value) { return !json_path(value, path).empty(); });
    std::string_view wanted = condition.substr(at + 2);
    while (wanted.starts_with(' '))
      wanted.remove_prefix(1);
    while (wanted.ends_with(' '))
      wanted.remove_suffix(1);
    if (wanted.size() >= 2 && (wanted[0] == '"' || wanted[0] == '\''))
      wanted = wanted.substr(1, wanted.size() - 2);
    return each([=](const Json& value) {
      const std::vector<const Json*> own = json_path(value, path);
      if (own.empty()) return !equal;
      const std::string text =
          own[0]->is_string() ? std::string(own[0]->get_string()) : write_json(*own[0]);
      return (text == wanted) == equal;
    });
  }

  std::vector<const Json*> found_;
  std::string_view rest_;
};

std::string value_text(const Json& value) {
  return value.is_string() ? std::string(value.get_string()) : write_json(value);
}

Json date_cell(const Json& value, TimePoint now) {
  const std::string_view text = as_text(&value);
  if (text.empty()) return "<unknown>";
  const Result<TimePoint> time = parse_rfc3339(text);
  return time ? Json(human_duration(now - *time)) : Json("<invalid>");
}

Json integer_cell(const Json& value) {
  if (value.is_int64() || value.is_uint64()) return value;
  if (value.is_double()) return Json(static_cast<std::int64_t>(value.get_double()));
  const Result<Json> parsed = parse_json(as_text(&value));
  return parsed && parsed->is_int64() ? *parsed : Json();
}

Json boolean_cell(const Json& value) {
  if (value.is_bool()) return value;
  if (as_text(&value) == "true") return true;
  if (as_text(&value) == "false") return false;
  return nullptr;
}

Json custom_cell(const Json& column, const Json& object, TimePoint now) {
  const std::vector<const Json*> found = json_path(object, string_at(column, "jsonPath"));
  if (found.empty()) return nullptr;
  const std::string_view type = string_at(column, "type");
  const Json& first = *found[0];
  if (type == "date") return date_cell(first, now);
  if (type == "integer") return integer_cell(first);
  if (type == "number") return first.is_number() ? first : Json();
  if (type == "boolean") return boolean_cell(first);
  std::string text;
  for (const Json* value : found) {
    if (!text.empty()) text += ' ';
    text += value_text(*value);
  }
  return Json(text);
}

bool declares(const Json* printer_columns) {
  return printer_columns != nullptr && printer_columns->is_array() &&
         !printer_columns->get_array().empty();
}

}  // namespace

std::vector<const Json*> json_path(const Json& object, std::string_view path) {
  return PathWalk(object, path).run();
}

std::vector<Column> custom_columns(const Json* printer_columns) {
  std::vector<Column> columns;
  columns.push_back({.name = "Name",
                     .type = "string",
                     .format = "name",
                     .description = "The name of the object."});
  if (!declares(printer_columns)) {
    columns.push_back(
        {.name = "Age", .type = "date", .format = {}, .description = "How old the object is."});
    return columns;
  }
  for (const Json& declared : printer_columns->get_array()) {
    columns.push_back({.name = std::string(string_at(declared, "name")),
                       .type = std::string(string_at(declared, "type")),
                       .format = std::string(string_at(declared, "format")),
                       .description = std::string(string_at(declared, "description")),
                       .priority = static_cast<int>(int_at(declared, "priority").value_or(0))});
  }
  return columns;
}

JsonArray custom_cells(const Json* printer_columns, const Json& object, TimePoint now) {
  JsonArray cells;
  cells.emplace_back(string_at(object, "metadata.name"));
  if (!declares(printer_columns)) {
    cells.emplace_back(age_text(find(object, "metadata.creationTimestamp"), now));
    return cells;
  }
  for (const Json& column : printer_columns->get_array())
    cells.push_back(custom_cell(column, object, now));
  return cells;
}

}  // namespace lateen::sandbox::schema
