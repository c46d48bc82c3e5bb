#include "cli/describe_coverage.h"

#include <algorithm>

#include "cli/coverage_text.h"

namespace lateen::cli {
namespace {

void describe_lines(DescriptionText& out,
                    std::string_view label,
                    const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  if (!out.style().details) {
    out.remark(1, label, fmt::format("{} (specify --details for more information)", lines.size()));
    return;
  }
  out.heading(1, label);
  for (const std::string& line : lines)
    out.line(2, line);
}

std::vector<std::string> unsaved_volume_lines(const assurance::BackupCoverage& coverage) {
  std::vector<std::string> lines;
  for (const assurance::CoveredVolume& one : coverage.volumes) {
    if (one.path != "none") continue;
    const std::string which =
        one.claim.empty() ? one.volume : fmt::format("{}/{}", one.ns, one.claim);
    lines.push_back(fmt::format("{}: {}", which, one.reason));
  }
  return lines;
}

std::vector<std::string> left_out_kind_lines(const assurance::BackupCoverage& coverage) {
  std::vector<std::string> lines;
  for (const backup::SkippedKind& one : coverage.left_out_kinds)
    lines.push_back(fmt::format("{}: {}", one.kind, one.reason));
  return lines;
}

}  // namespace

std::optional<assurance::BackupCoverage> coverage_document(const DescribedBackup& described,
                                                           const DescribeStyle& style) {
  if (style.program == "velero") return std::nullopt;
  const auto document = described.document(model::DownloadTargetKind::BackupCoverage);
  if (!document) return std::nullopt;
  // A server of Velero's answers with another document.
  auto coverage = assurance::backup_coverage_from(*document);
  if (!coverage) return std::nullopt;
  return std::move(*coverage);
}

void describe_coverage(DescriptionText& out, const DescribedBackup& described) {
  const auto coverage = coverage_document(described, out.style());
  if (!coverage) return;
  out.blank();
  out.heading(0, "Not in this backup");
  const auto unsaved = unsaved_volume_lines(*coverage);
  const assurance::Findings& findings = coverage->findings;
  const bool nothing = unsaved.empty() && coverage->left_out_namespaces.empty() &&
                       coverage->left_out_kinds.empty() && findings.local_volumes.empty() &&
                       findings.outside.empty();
  if (nothing) out.line(1, "<nothing that was found>");
  describe_lines(out, "Volumes without a path", unsaved);
  describe_lines(out, "Namespaces", namespace_lines(coverage->left_out_namespaces));
  describe_lines(out, "Kinds", left_out_kind_lines(*coverage));
  describe_lines(out, "Volumes of pods that are no claims",
                 local_volume_lines(findings.local_volumes));
  describe_lines(out, "Out of the cluster", outside_lines(findings.outside));
  if (findings.warnings.empty()) return;
  out.blank();
  out.heading(0, "For a restore elsewhere");
  describe_lines(out, "Warnings", warning_lines(findings.warnings));
}

}  // namespace lateen::cli
