// The checks of `lateen check`: each with an id that stays, so that runbooks can name it, and a
// section in docs/reference/checks.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lateen::assurance {

enum class CheckVerdict { Ok, Warning, Failed };

// "ok", "warning", "failed".
std::string_view to_string(CheckVerdict verdict);

enum class CheckGroup {
  Before,      // --pre: before an install
  Production,  // the checklist of six
  Beyond,      // what the six do not ask
  Deep,        // --deep: by doing it
};

struct CheckInfo {
  std::string_view id;
  CheckGroup group;
  int row;  // of the checklist of six; 0: none
  std::string_view title;
};

// In the order of printing.
std::span<const CheckInfo> check_catalogue();

// Null: there is no such check.
const CheckInfo* find_check(std::string_view id);

// "docs/reference/checks.md#bucket-versioning"
std::string anchor_of(std::string_view id);

struct CheckResult {
  std::string id = {};
  std::string subject = {};  // which location, schedule, …; "" where there is one only
  CheckVerdict verdict = CheckVerdict::Ok;
  std::string evidence = {};  // what was seen
  std::string next = {};      // what to do; "" when all is well
};

CheckResult passed(std::string_view id, std::string subject, std::string evidence);
CheckResult warned(std::string_view id,
                   std::string subject,
                   std::string evidence,
                   std::string next);
CheckResult failed(std::string_view id,
                   std::string subject,
                   std::string evidence,
                   std::string next);

// In the catalogue's order; those of one id stay in theirs.
void sort_checks(std::vector<CheckResult>& results);

bool any_failed(const std::vector<CheckResult>& results);

Json to_json(const std::vector<CheckResult>& results);

}  // namespace lateen::assurance
