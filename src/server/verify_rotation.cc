#include "server/verify_rotation.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "repository/engine/pack_part.h"

namespace lateen::server {

std::size_t VerifyRotation::problems() const {
  std::size_t sum = 0;
  for (const auto& [part, count] : damaged)
    sum += count;
  return sum;
}

std::string VerifyRotation::write() const {
  JsonObject json{{"began", format_rfc3339(began)}, {"done", done}, {"parts", parts}};
  if (last) json["last"] = format_rfc3339(*last);
  if (!damaged.empty()) {
    JsonObject by_part;
    for (const auto& [part, count] : damaged)
      by_part[std::to_string(part)] = count;
    json["problems"] = std::move(by_part);
    json["message"] = message;
  }
  return write_json(json);
}

Result<VerifyRotation> VerifyRotation::parse(std::string_view json) {
  const Json value = TRY(parse_json(json));
  VerifyRotation rotation{
      .began = TRY(parse_rfc3339(string_at(value, "began"))),
      .parts =
          static_cast<std::size_t>(std::max<std::int64_t>(0, int_at(value, "parts").value_or(0))),
      .done =
          static_cast<std::size_t>(std::max<std::int64_t>(0, int_at(value, "done").value_or(0))),
      .message = std::string(string_at(value, "message"))};
  if (const std::string_view last = string_at(value, "last"); !last.empty())
    rotation.last = TRY(parse_rfc3339(last));
  if (const JsonObject* by_part = object_at(value, "problems")) {
    for (const auto& [part, count] : *by_part) {
      const auto number = parse_int(std::string_view(part));
      if (number && *number > 0 && count.is_int64() && count.as_int64() > 0)
        rotation.damaged[static_cast<std::size_t>(*number)] =
            static_cast<std::size_t>(count.as_int64());
    }
  }
  return rotation;
}

std::size_t verify_parts_of(Duration period) {
  const auto days = std::chrono::floor<std::chrono::days>(period).count();
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(days, 1, static_cast<std::int64_t>(repository::kMostPackParts)));
}

VerifyRotation rotation_at(std::optional<VerifyRotation> before, TimePoint now, Duration period) {
  const std::size_t parts = verify_parts_of(period);
  // Other parts than before: what was found in them cannot be told from what is there now.
  if (!before || before->parts != parts)
    return {.began = now, .parts = parts, .last = before ? before->last : std::nullopt};
  VerifyRotation rotation = std::move(*before);
  rotation.began = std::min(rotation.began, now);
  rotation.done = std::min(rotation.done, parts);
  if (rotation.done == parts && now - rotation.began >= period) {
    // In step with the round before, unless that is long over.
    rotation.began = now - rotation.began < 2 * period ? rotation.began + period : now;
    rotation.done = 0;
  }
  return rotation;
}

std::optional<std::size_t> part_due(const VerifyRotation& rotation,
                                    TimePoint now,
                                    Duration period) {
  if (rotation.parts == 0 || rotation.done >= rotation.parts) return std::nullopt;
  const auto step = period / static_cast<std::int64_t>(rotation.parts);
  const TimePoint due = rotation.began + step * static_cast<std::int64_t>(rotation.done);
  if (now < due) return std::nullopt;
  return rotation.done + 1;
}

}  // namespace lateen::server
