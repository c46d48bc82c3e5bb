// `kubectl get`: the columns and cells that the API server makes for each kind.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace lateen::sandbox::schema {

struct Column {
  std::string name;
  std::string type = "string";
  std::string format;
  std::string description;
  int priority = 0;  // 1: only with -o wide
};

// meta.k8s.io/v1 columnDefinitions of a built-in kind; Name and Age for those without a printer of
// their own.
std::vector<Column> table_columns(std::string_view group,
                                  std::string_view version,
                                  std::string_view kind);

// The cells of one object, as many as columns. Ages are counted to `now`.
JsonArray table_cells(std::string_view group,
                      std::string_view version,
                      std::string_view kind,
                      const Json& object,
                      TimePoint now);

// A custom resource's: `printer_columns` is its version's additionalPrinterColumns, null for none.
std::vector<Column> custom_columns(const Json* printer_columns);
JsonArray custom_cells(const Json* printer_columns, const Json& object, TimePoint now);

// columnDefinitions as JSON.
Json to_json(std::span<const Column> columns);

// The values at a JSONPath of the simple form that CRDs use: `.spec.a`,
// `.status.conditions[?(@.type=="Ready")].status`,
// `.spec.list[0]`, `.spec.list[*].name`, `.metadata.annotations.a\.b/c`. Empty when there is none
// or the path is bad.
std::vector<const Json*> json_path(const Json& object, std::string_view path);

}  // namespace lateen::sandbox::schema
