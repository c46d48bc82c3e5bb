#include "cli/coverage_text.h"

#include <map>

#include <fmt/format.h>

#include "cli/table.h"

namespace lateen::cli {

std::vector<std::string> namespace_lines(const std::vector<assurance::LeftOutNamespace>& left_out) {
  std::vector<std::string> lines;
  for (const assurance::LeftOutNamespace& one : left_out) {
    lines.push_back(one.platform.empty()
                        ? one.name
                        : fmt::format("{} ({}): {}", one.name, one.platform, one.why));
  }
  return lines;
}

std::vector<std::string> local_volume_lines(const std::vector<assurance::LocalVolume>& volumes) {
  std::vector<std::string> lines;
  for (const assurance::LocalVolume& one : volumes) {
    lines.push_back(fmt::format("{}/{} {} ({}{}{}): {}", one.ns, one.pod, one.volume, one.type,
                                one.detail.empty() ? "" : " ", one.detail, one.advice));
  }
  return lines;
}

std::vector<std::string> outside_lines(const std::vector<assurance::OutsideReference>& outside) {
  struct Places {
    const assurance::OutsideReference* first = nullptr;
    std::size_t others = 0;
  };

  std::map<std::pair<std::string, std::string>, Places> by_target;
  for (const assurance::OutsideReference& one : outside) {
    Places& places = by_target[{one.what, one.target}];
    if (places.first == nullptr) {
      places.first = &one;
    } else {
      ++places.others;
    }
  }
  std::vector<std::string> lines;
  for (const auto& [target, places] : by_target) {
    lines.push_back(fmt::format(
        "{} {} ({}, {}{}): {}", target.first, target.second, places.first->object,
        places.first->field, places.others == 0 ? "" : fmt::format(", and {} more", places.others),
        places.first->covered_by));
  }
  return lines;
}

std::vector<std::string> warning_lines(const std::vector<assurance::PlanWarning>& warnings) {
  std::vector<std::string> lines;
  for (const assurance::PlanWarning& one : warnings)
    lines.push_back(fmt::format("{}: {}: {}. {}", one.id, one.subject, one.message, one.advice));
  return lines;
}

std::string print_out_of_reach(const assurance::Findings& findings) {
  std::string text =
      print_list("Volumes of pods that are no claims", local_volume_lines(findings.local_volumes));
  text += print_list("Out of the cluster, and so out of reach", outside_lines(findings.outside));
  text += print_list("For a restore elsewhere", warning_lines(findings.warnings));
  if (findings.not_listed > 0)
    text += fmt::format("\n{} more findings are not listed.\n", findings.not_listed);
  return text;
}

}  // namespace lateen::cli
