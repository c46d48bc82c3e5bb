#include "kube/go_value.h"

#include <map>

namespace lateen::kube {

std::string go_text(const Json& value) {
  if (value.is_null()) return "<nil>";
  if (value.is_string()) return std::string(as_text(&value));
  if (value.is_array()) {
    std::string out = "[";
    for (const Json& item : value.as_array()) {
      if (out.size() > 1) out += ' ';
      out += go_text(item);
    }
    return out + "]";
  }
  if (value.is_object()) {
    std::map<std::string_view, const Json*> sorted;
    for (const auto& [key, member] : value.as_object())
      sorted.emplace(key, &member);
    std::string out = "map[";
    for (const auto& [key, member] : sorted) {
      if (out.size() > 4) out += ' ';
      out += std::string(key) + ":" + go_text(*member);
    }
    return out + "]";
  }
  return write_json(value);
}

std::string_view go_type(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "<nil>";
    case boost::json::kind::bool_:
      return "bool";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
      return "int64";
    case boost::json::kind::double_:
      return "float64";
    case boost::json::kind::string:
      return "string";
    case boost::json::kind::array:
      return "[]interface {}";
    case boost::json::kind::object:
      return "map[string]interface {}";
  }
  return "";
}

}  // namespace lateen::kube
