#include "cli/describe_parts.h"

#include "base/text.h"
#include "model/documents.h"

namespace lateen::cli {
namespace {

void describe_result_list(DescriptionText& out,
                          std::string_view label,
                          const model::ResultList& results) {
  out.blank();
  out.heading(0, label);
  out.list(1, "Velero", results.velero);
  out.list(1, "Cluster", results.cluster);
  if (results.namespaces.empty()) {
    out.remark(1, "Namespaces", "<none>");
    return;
  }
  out.heading(1, "Namespaces");
  for (const auto& [ns, messages] : results.namespaces)
    out.list(2, ns, messages);
}

// Neither half can be told: why, in both places.
void describe_unread_results(DescriptionText& out, std::string_view verb, const Error& error) {
  out.field(0, "Warnings", fmt::format("<error {} warnings: {}>", verb, error.message()));
  out.blank();
  out.field(0, "Errors", fmt::format("<error {} errors: {}>", verb, error.message()));
}

}  // namespace

std::string listed(const model::StringList& list, std::string_view if_empty) {
  return list.empty() ? std::string(if_empty) : join(list, ", ");
}

std::string tristate(const std::optional<bool>& value, const TristateWords& words) {
  if (!value) return std::string(words.unset);
  return std::string(*value ? words.yes : words.no);
}

std::string selector_text(const std::optional<model::LabelSelector>& selector) {
  return selector ? selector->format() : "<none>";
}

std::string or_selectors_text(const std::vector<model::LabelSelector>& selectors) {
  if (selectors.empty()) return "<none>";
  model::StringList texts;
  for (const model::LabelSelector& selector : selectors)
    texts.push_back(selector.format());
  return join(texts, " or ");
}

void describe_metadata(DescriptionText& out, const model::ObjectMeta& metadata) {
  out.field(0, "Name", out.bold(metadata.name));
  out.field(0, "Namespace", metadata.ns);
  out.map("Labels", metadata.labels);
  out.map("Annotations", metadata.annotations);
}

void describe_validation_errors(DescriptionText& out, const model::StringList& errors) {
  if (errors.empty()) return;
  out.blank();
  std::string_view label = "Validation errors:";
  for (const std::string& error : errors) {
    out.line(0, fmt::format("{}\t{}", label, out.red(error)));
    label = {};
  }
}

void describe_results(DescriptionText& out,
                      const ResultCounts& counts,
                      const Result<Bytes>& document,
                      bool count_when_missing) {
  if (!document && document.error().is(Code::NotFound) && count_when_missing) {
    out.field(0, "Errors", counts.errors);
    out.field(0, "Warnings", counts.warnings);
    return;
  }
  if (!document) return describe_unread_results(out, "getting", document.error());
  const auto results = model::read_results(*document);
  if (!results) return describe_unread_results(out, "decoding", results.error());
  if (counts.warnings > 0) describe_result_list(out, "Warnings", results->warnings);
  if (counts.errors > 0) describe_result_list(out, "Errors", results->errors);
}

void describe_resource_list(DescriptionText& out,
                            const Result<Bytes>& document,
                            std::string_view kind) {
  constexpr std::string_view kLabel = "Resource List";
  if (!document) {
    out.field(0, kLabel,
              document.error().is(Code::NotFound)
                  ? fmt::format("<{} resource list not found>", kind)
                  : fmt::format("<error getting {} resource list: {}>", kind,
                                document.error().message()));
    return;
  }
  const auto resources = model::read_resource_list(*document);
  if (!resources) {
    out.field(
        0, kLabel,
        fmt::format("<error reading {} resource list: {}>", kind, resources.error().message()));
    return;
  }
  out.heading(0, kLabel);
  for (const auto& [type, items] : *resources) {
    out.heading(1, type);
    for (const std::string& item : items)
      out.line(2, fmt::format("- {}", item));
  }
}

void describe_reference(DescriptionText& out,
                        std::string_view label,
                        const model::TypedLocalObjectReference& reference) {
  out.blank();
  out.heading(0, label);
  out.field(1, "Type", reference.kind);
  out.field(1, "Name", reference.name);
}

void describe_operation_head(DescriptionText& out,
                             const model::ResourceIdentifier& item,
                             std::string_view action_label,
                             std::string_view action,
                             std::string_view operation_id) {
  out.heading(1, fmt::format("Operation for {} {}/{}", item.group_resource(), item.ns, item.name));
  out.field(2, action_label, action);
  out.field(2, "Operation ID", operation_id);
}

void describe_operation_status(DescriptionText& out, const model::OperationStatus& status) {
  out.field(2, "Phase", status.phase.text());
  if (!status.error.empty()) out.field(2, "Operation Error", status.error);
  if (status.n_total > 0 || status.n_completed > 0) {
    out.field(2, "Progress",
              fmt::format("{} of {} complete ({})", status.n_completed, status.n_total,
                          status.operation_units));
  }
  if (!status.description.empty()) out.field(2, "Progress description", status.description);
  if (status.created) out.field(2, "Created", out.time(status.created, ""));
  if (status.started) out.field(2, "Started", out.time(status.started, ""));
  if (status.updated) out.field(2, "Updated", out.time(status.updated, ""));
}

std::string OperationCounts::text() const {
  return fmt::format(
      "{} of {} completed successfully, {} failed (specify --details for more information)",
      completed, attempted, failed);
}

}  // namespace lateen::cli
