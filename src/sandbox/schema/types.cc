#include "sandbox/schema/types.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/result.h"
#include "sandbox/schema/kinds_reader.h"
#include "sandbox/schema/kinds_text.h"

namespace lateen::sandbox::schema {
namespace {

constexpr std::array<std::pair<std::string_view, ValueKind>, 17> kScalars = {{
    {"string", ValueKind::String},
    {"bool", ValueKind::Bool},
    {"int32", ValueKind::Int32},
    {"int64", ValueKind::Int64},
    {"float64", ValueKind::Float64},
    {"bytes", ValueKind::Bytes},
    {"Time", ValueKind::Time},
    {"MicroTime", ValueKind::MicroTime},
    {"Duration", ValueKind::Duration},
    {"Quantity", ValueKind::Quantity},
    {"IntOrString", ValueKind::IntOrString},
    {"RawExtension", ValueKind::RawExtension},
    {"AnyJson", ValueKind::AnyJson},
    {"StringList", ValueKind::StringList},
    {"SchemaOrBool", ValueKind::SchemaOrBool},
    {"SchemaOrArray", ValueKind::SchemaOrArray},
    {"SchemaOrStrings", ValueKind::SchemaOrStrings},
}};

// The kinds that clients send in any group's name.
constexpr std::array<std::string_view, 9> kSharedKinds = {
    "DeleteOptions", "ListOptions",  "CreateOptions", "UpdateOptions",        "PatchOptions",
    "GetOptions",    "ApplyOptions", "WatchEvent",    "PartialObjectMetadata"};

}  // namespace

// Everything that was read. Types lie in a deque: they are pointed to.
struct TypeTable::Index {
  struct Package {
    std::string_view name;    // "core"
    std::string_view prefix;  // "io.k8s.api.core.v1"
    std::string_view group;
    std::string_view version;
    std::map<std::string_view, Type*> types;
    std::map<std::string_view, std::vector<std::string_view>> enums;
  };

  std::deque<Package> packages;
  std::deque<Type> types;
  std::deque<std::string> texts;  // names that are made here: "v1.PodList"
  std::vector<const Type*> all;
  std::unordered_map<std::string_view, const Type*> by_name;
  std::map<std::pair<std::string_view, std::string_view>, Package*> by_group_version;

  Index();
  void declare(std::string_view text);
  void define(Package& package, std::string_view text);
  void read_field(const Package& package, Type& type, std::string_view line);
  void read_flag(const Package& package, Field& field, std::string_view flag);
  void read_value_type(const Package& package, Field& field, std::string_view text);
  void add_list(Package& package, const Type& item);
  Type& add_type(Package& package, std::string_view name);
  void describe(std::string_view text);

  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }

  const Package* find_package(std::string_view name) const;
  std::pair<const Package*, std::string_view> resolve(const Package& package,
                                                      std::string_view name) const;
};

const Field* Type::find(std::string_view json_name) const {
  for (const Field& field : fields) {
    if (field.inlined) {
      if (const Field* inner = field.object->find(json_name)) return inner;
    } else if (field.name == json_name) {
      return &field;
    }
  }
  return nullptr;
}

TypeTable::Index::Index() {
  for (const std::string_view text : type_texts())
    declare(text);
  std::size_t at = 0;
  for (const std::string_view text : type_texts())
    define(packages[at++], text);
  for (Package& package : packages) {
    std::vector<const Type*> kinds;
    for (const auto& [name, type] : package.types) {
      if (type->is_kind && package.name != "meta") kinds.push_back(type);
    }
    for (const Type* kind : kinds)
      add_list(package, *kind);
  }
  for (Type& type : types) {
    all.push_back(&type);
    by_name.emplace(type.schema_name, &type);
  }
  std::ranges::sort(all, {}, [](const Type* type) { return std::string_view(type->schema_name); });
  describe(description_text());
}

Type& TypeTable::Index::add_type(Package& package, std::string_view name) {
  Type& type = types.emplace_back();
  type.package = package.prefix;
  type.name = name;
  type.go_name = keep(fmt::format("{}.{}", package.version, name));
  type.schema_name = fmt::format("{}.{}", package.prefix, name);
  type.group = package.group;
  type.version = package.version;
  type.crd_born = package.name == "snapshot";
  package.types.emplace(name, &type);
  return type;
}

// First pass: packages, enums and the names of types, so that the second can refer to any.
void TypeTable::Index::declare(std::string_view text) {
  for (const std::string_view line : fact_lines(text)) {
    if (line.starts_with("  ")) continue;
    const std::vector<std::string_view> words = words_of(line);
    if (words[0] == "package") {
      const std::string_view group = words[3] == "-" ? std::string_view() : words[3];
      packages.push_back({.name = words[1],
                          .prefix = words[2],
                          .group = group,
                          .version = words[4],
                          .types = {},
                          .enums = {}});
      by_group_version.emplace(std::pair(group, words[4]), &packages.back());
      continue;
    }
    Package& package = packages.back();
    if (words[0] == "enum") {
      // Values may hold blanks ("client auth"): everything after the name.
      const std::size_t start = line.find(words[1]) + words[1].size() + 1;
      package.enums.emplace(words[1], parts_of(line.substr(start), '|'));
      continue;
    }
    LATEEN_ASSERT(words[0] == "type",
                  "a line of a .kinds file is a package, an enum, a type or a field");
    Type& type = add_type(package, words[1]);
    type.is_kind = std::ranges::count(words, "kind") > 0;
    type.atomic = std::ranges::count(words, "atomic") > 0;
  }
}

void TypeTable::Index::define(Package& package, std::string_view text) {
  Type* type = nullptr;
  for (const std::string_view line : fact_lines(text)) {
    if (line.starts_with("  ")) {
      read_field(package, *type, line);
    } else if (line.starts_with("type ")) {
      type = package.types.at(words_of(line)[1]);
    }
  }
}

void TypeTable::Index::read_field(const Package& package, Type& type, std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  Field field;
  field.inlined = words[0] == "-";
  if (!field.inlined) field.name = words[0];
  std::from_chars(words[1].data(), words[1].data() + words[1].size(), field.tag);
  read_value_type(package, field, words[2]);
  for (std::size_t i = 3; i < words.size(); ++i)
    read_flag(package, field, words[i]);
  type.fields.push_back(std::move(field));
}

void TypeTable::Index::read_value_type(const Package& package,
                                       Field& field,
                                       std::string_view text) {
  if (take_prefix(text, "[]")) field.shape = Shape::List;
  if (take_prefix(text, "map:")) field.shape = Shape::Map;
  for (const auto& [name, kind] : kScalars) {
    if (name == text) {
      field.kind = kind;
      // Only CRDs have these: schemas inside a schema.
      if (text.starts_with("Schema")) field.object = package.types.at("JSONSchemaProps");
      return;
    }
  }
  const auto [home, name] = resolve(package, text);
  const auto found = home->types.find(name);
  LATEEN_ASSERT(found != home->types.end(), "a type of the table refers to a type of the table");
  field.kind = ValueKind::Object;
  field.object = found->second;
}

void TypeTable::Index::read_flag(const Package& package, Field& field, std::string_view flag) {
  if (flag.find_first_not_of("!*+?") == std::string_view::npos) {
    field.required = flag.find('!') != std::string_view::npos;
    field.pointer = flag.find('*') != std::string_view::npos;
    field.omit_zero = flag.find('?') != std::string_view::npos;
    field.always_written = flag.find('+') != std::string_view::npos;
  } else if (take_prefix(flag, "list=map(")) {
    field.list = ListKind::Map;
    flag.remove_suffix(1);
    field.list_keys = parts_of(flag, ',');
  } else if (take_prefix(flag, "list=")) {
    field.list = flag == "set" ? ListKind::Set : ListKind::Atomic;
  } else if (flag == "map=atomic") {
    field.atomic_map = true;
  } else if (take_prefix(flag, "merge")) {
    field.merge = true;
    if (take_prefix(flag, "=")) field.merge_key = flag;
  } else if (flag == "retainKeys") {
    field.retain_keys = true;
  } else if (flag == "replace") {
    field.replace = true;
  } else if (take_prefix(flag, "go=")) {
    field.go_type = flag;
  } else if (take_prefix(flag, "enum=")) {
    const auto [home, name] = resolve(package, flag);
    field.enum_values = home->enums.at(name);
    field.go_type = keep(fmt::format("{}.{}", home->version, name));
  } else {
    LATEEN_ASSERT(false, "flags of .kinds files are those of kinds/README.md");
  }
}

std::pair<const TypeTable::Index::Package*, std::string_view> TypeTable::Index::resolve(
    const Package& package, std::string_view name) const {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {&package, name};
  const Package* home = find_package(name.substr(0, dot));
  LATEEN_ASSERT(home != nullptr, "a package that is referred to is in the table");
  return {home, name.substr(dot + 1)};
}

const TypeTable::Index::Package* TypeTable::Index::find_package(std::string_view name) const {
  for (const Package& package : packages) {
    if (package.name == name) return &package;
  }
  return nullptr;
}

// A kind's list is always the same, so that the files need not say it.
void TypeTable::Index::add_list(Package& package, const Type& item) {
  const std::string_view name = keep(fmt::format("{}List", item.name));
  if (package.types.contains(name)) return;
  Type& list = add_type(package, name);
  list.is_kind = true;
  list.description = keep(fmt::format("A list of objects of kind {}.", item.name));
  const bool wired = !list.crd_born;
  Field metadata{.name = "metadata", .tag = wired ? 1U : 0U, .kind = ValueKind::Object};
  metadata.object = find_package("meta")->types.at("ListMeta");
  Field items{
      .name = "items", .tag = wired ? 2U : 0U, .kind = ValueKind::Object, .shape = Shape::List};
  items.object = &item;
  items.required = true;
  items.always_written = true;
  items.description = "The objects.";
  list.fields = {std::move(metadata), std::move(items)};
}

// "PodSpec text", "core.PodSpec.containers text", "*.metadata text".
void TypeTable::Index::describe(std::string_view text) {
  std::map<std::string_view, std::string_view> anywhere;
  std::map<std::string_view, std::string_view> exact;
  for (const std::string_view line : fact_lines(text)) {
    const std::size_t blank = line.find(' ');
    std::string_view key = line.substr(0, blank);
    const std::string_view words = line.substr(std::min(line.size(), blank + 1));
    if (take_prefix(key, "*.")) {
      anywhere.emplace(key, words);
    } else {
      exact.emplace(key, words);
    }
  }
  // What is used is taken out: the rest describes nothing.
  const auto take_words = [&exact](const std::string& key) {
    const auto found = exact.find(key);
    if (found == exact.end()) return std::string_view();
    const std::string_view words = found->second;
    exact.erase(found);
    return words;
  };
  for (const Package& package : packages) {
    for (const auto& [name, type] : package.types) {
      const std::string full = fmt::format("{}.{}", package.name, name);
      if (const std::string_view own = take_words(full); !own.empty()) type->description = own;
      for (Field& field : type->fields) {
        const std::string_view own = take_words(fmt::format("{}.{}", full, field.name));
        const auto common = anywhere.find(field.name);
        if (!own.empty()) {
          field.description = own;
        } else if (common != anywhere.end() && field.description.empty()) {
          field.description = common->second;
        }
      }
    }
  }
  LATEEN_ASSERT(exact.empty(),
                "each line of descriptions.kinds is about a type or field of the table");
}

const TypeTable& TypeTable::builtin() {
  static const TypeTable table;
  return table;
}

TypeTable::TypeTable() : index_(std::make_shared<const Index>()) {}

const Type* TypeTable::find(std::string_view group,
                            std::string_view version,
                            std::string_view kind) const {
  if (const auto package = index_->by_group_version.find({group, version});
      package != index_->by_group_version.end()) {
    const auto type = package->second->types.find(kind);
    if (type != package->second->types.end() && type->second->is_kind) return type->second;
  }
  const bool shared = std::ranges::find(kSharedKinds, kind) != kSharedKinds.end();
  if (!shared && !(group.empty() && version == "v1")) return nullptr;
  const auto& meta = index_->find_package("meta")->types;
  const auto type = meta.find(kind);
  return type != meta.end() && type->second->is_kind ? type->second : nullptr;
}

const Type* TypeTable::find_named(std::string_view schema_name) const {
  const auto found = index_->by_name.find(schema_name);
  return found == index_->by_name.end() ? nullptr : found->second;
}

std::span<const Type* const> TypeTable::types() const {
  return index_->all;
}

}  // namespace lateen::sandbox::schema
