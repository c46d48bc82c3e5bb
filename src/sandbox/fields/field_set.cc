#include "sandbox/fields/field_set.h"

#include <utility>

#include <fmt/format.h>

namespace lateen::sandbox {

FieldSet FieldSet::from_json(const Json& fields_v1) {
  FieldSet set;
  if (!fields_v1.is_object()) return set;
  for (const auto& member : fields_v1.as_object()) {
    if (member.key() == ".") {
      set.member_ = true;
      continue;
    }
    FieldSet below = from_json(member.value());
    // {} is the path itself.
    if (below.empty()) below.member_ = true;
    set.children_.emplace(member.key(), std::move(below));
  }
  return set;
}

Json FieldSet::to_json() const {
  JsonObject out;
  if (member_ && !children_.empty()) out["."] = JsonObject{};
  for (const auto& [element, below] : children_)
    out[element] = below.to_json();
  return out;
}

const FieldSet* FieldSet::child(std::string_view element) const {
  const auto found = children_.find(std::string(element));
  return found == children_.end() ? nullptr : &found->second;
}

void FieldSet::adopt(const std::string& element, FieldSet below) {
  if (!below.empty()) children_[element] = std::move(below);
}

FieldSet FieldSet::united(const FieldSet& other) const {
  FieldSet out = *this;
  out.member_ = member_ || other.member_;
  for (const auto& [element, below] : other.children_) {
    const auto found = out.children_.find(element);
    if (found == out.children_.end()) {
      out.children_.emplace(element, below);
    } else {
      found->second = found->second.united(below);
    }
  }
  return out;
}

FieldSet FieldSet::intersected(const FieldSet& other) const {
  FieldSet out;
  out.member_ = member_ && other.member_;
  for (const auto& [element, below] : children_) {
    if (const FieldSet* theirs = other.child(element))
      out.adopt(element, below.intersected(*theirs));
  }
  return out;
}

FieldSet FieldSet::without(const FieldSet& other) const {
  FieldSet out;
  out.member_ = member_ && !other.member_;
  for (const auto& [element, below] : children_) {
    const FieldSet* theirs = other.child(element);
    out.adopt(element, theirs == nullptr ? below : below.without(*theirs));
  }
  return out;
}

std::vector<FieldPath> FieldSet::paths() const {
  std::vector<FieldPath> out;
  FieldPath at;
  collect(at, out);
  return out;
}

void FieldSet::collect(FieldPath& at, std::vector<FieldPath>& out) const {
  if (member_) out.push_back(at);
  for (const auto& [element, below] : children_) {
    at.push_back(element);
    below.collect(at, out);
    at.pop_back();
  }
}

std::string to_string(const FieldPath& path) {
  std::string text;
  for (const std::string& element : path) {
    const std::string_view rest = std::string_view(element).substr(2);
    if (element.starts_with("f:")) {
      text.append(".").append(rest);
    } else if (element.starts_with("k:")) {
      const auto keys = parse_json(rest);
      std::string inside;
      if (keys && keys->is_object()) {
        for (const auto& key : keys->as_object()) {
          if (!inside.empty()) inside += ",";
          inside += fmt::format("{}={}", std::string_view(key.key()), write_json(key.value()));
        }
      }
      text += fmt::format("[{}]", inside);
    } else {
      text += fmt::format("[={}]", rest);
    }
  }
  return text;
}

}  // namespace lateen::sandbox
