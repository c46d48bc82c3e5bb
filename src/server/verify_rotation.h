// Which part of a repository is read back when, so that within a period all of it is. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lateen::server {

// How far a repository's round is. It is kept with the BackupRepository, so that neither a restart
// nor another server begins anew.
struct VerifyRotation {
  TimePoint began = {};  // this round
  std::size_t parts = 0;
  std::size_t done = 0;  // of this round
  std::optional<TimePoint> last = {};
  std::map<std::size_t, std::size_t> damaged = {};  // problems by part, until it is read whole
  std::string message = {};                         // the first problem of the last bad part

  bool operator==(const VerifyRotation&) const = default;

  std::size_t problems() const;
  std::string write() const;
  static Result<VerifyRotation> parse(std::string_view json);
};

// One part a day, or as many as a pack's name can tell apart.
std::size_t verify_parts_of(Duration period);

// The rotation as it is at `now`: a new round where there is none or the last one's time is over,
// and where the clock was set back, as far as it was.
VerifyRotation rotation_at(std::optional<VerifyRotation> before, TimePoint now, Duration period);

// The part to be read at `now`, if one is due. What was missed is due at once, one after the other.
std::optional<std::size_t> part_due(const VerifyRotation& rotation, TimePoint now, Duration period);

}  // namespace lateen::server
