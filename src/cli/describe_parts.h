// What the descriptions of several kinds have in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/describe_text.h"
#include "model/backup_spec.h"
#include "model/item_operation.h"
#include "model/label_selector.h"
#include "model/object_meta.h"
#include "model/results.h"

namespace lateen::cli {

// In place of a part of a backup's.
inline constexpr std::string_view kForMore = "included, specify --details for more information";

// "a, b", or what an empty list means.
std::string listed(const model::StringList& list, std::string_view if_empty);

struct TristateWords {
  std::string_view no;
  std::string_view yes;
  std::string_view unset;
};

inline constexpr TristateWords kClusterScopedWords{"excluded", "included", "auto"};
inline constexpr TristateWords kAutoWords{"false", "true", "auto"};

std::string tristate(const std::optional<bool>& value, const TristateWords& words);

std::string selector_text(const std::optional<model::LabelSelector>& selector);
std::string or_selectors_text(const std::vector<model::LabelSelector>& selectors);

// Name, namespace, labels and annotations.
void describe_metadata(DescriptionText& out, const model::ObjectMeta& metadata);

// Nothing when there are none; an empty line before.
void describe_validation_errors(DescriptionText& out, const model::StringList& errors);

// The warnings and errors of a results document. `counts` is what the status says of them.
struct ResultCounts {
  std::int64_t warnings = 0;
  std::int64_t errors = 0;
};

// The document may be missing: then the counts are told if `count_when_missing`, as for backups of
// before there were such documents.
void describe_results(DescriptionText& out,
                      const ResultCounts& counts,
                      const Result<Bytes>& document,
                      bool count_when_missing);

// "Resource List:" and what a document says. `kind` as in "<backup resource list not found>".
void describe_resource_list(DescriptionText& out,
                            const Result<Bytes>& document,
                            std::string_view kind);

// An item of a ConfigMap kind: "Resource policies", "Resource modifier".
void describe_reference(DescriptionText& out,
                        std::string_view label,
                        const model::TypedLocalObjectReference& reference);

// How an asynchronous operation stands; the lines that backups' and restores' operations share.
void describe_operation_status(DescriptionText& out, const model::OperationStatus& status);

// "Operation for persistentvolumeclaims shop/db:" and the rest of its head.
void describe_operation_head(DescriptionText& out,
                             const model::ResourceIdentifier& item,
                             std::string_view action_label,
                             std::string_view action,
                             std::string_view operation_id);

// "3 of 4 completed successfully, 1 failed (specify --details for more information)"
struct OperationCounts {
  std::int64_t attempted = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;

  std::string text() const;
};

}  // namespace lateen::cli
