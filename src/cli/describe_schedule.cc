#include "cli/describe.h"
#include "cli/describe_parts.h"
#include "cli/describe_spec.h"

namespace lateen::cli {
namespace {

std::string phase_text(const DescriptionText& out, const model::ScheduleStatus& status) {
  const std::string phase(status.phase.empty() ? "New" : status.phase.text());
  if (status.phase == model::SchedulePhase::Enabled) return out.green(phase);
  if (status.phase == model::SchedulePhase::FailedValidation) return out.red(phase);
  return phase;
}

}  // namespace

std::string describe_schedule(const model::Schedule& schedule, const DescribeStyle& style) {
  DescriptionText out(style);
  describe_metadata(out, schedule.metadata);
  out.blank();
  out.field(0, "Phase", phase_text(out, schedule.status));
  describe_spec_extras(out, schedule.spec.backup_template);
  describe_validation_errors(out, schedule.status.validation_errors);
  out.blank();
  out.field(0, "Paused", schedule.spec.paused ? "true" : "false");
  out.blank();
  out.field(0, "Schedule", schedule.spec.schedule);
  out.blank();
  out.heading(0, "Backup Template");
  out.set_prefix("\t");
  describe_backup_spec(out, schedule.spec.backup_template);
  out.set_prefix("");
  out.blank();
  out.field(0, "Last Backup", out.time(schedule.status.last_backup, "<never>"));
  return out.laid_out();
}

}  // namespace lateen::cli
