// The text of a description while it is written: labels and values divided by tabs, which are laid
// out in columns at the end.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "cli/describe.h"
#include "model/object_meta.h"

namespace lateen::cli {

// Depth is counted in tabs, each of which is two blanks in the end. Not thread-safe.
class DescriptionText {
 public:
  explicit DescriptionText(const DescribeStyle& style) : style_(style) {}

  // What every line begins with from now on, empty lines too: a spec inside a spec.
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  void blank() { line(0, ""); }

  void line(int depth, std::string_view text);

  // "Label:" with its values below.
  void heading(int depth, std::string_view label);

  // "Label:  value", the value in one column with those of the lines around it.
  void field(int depth, std::string_view label, std::string_view value);
  void field(int depth, std::string_view label, std::int64_t value);

  // "Label: value", on its own.
  void remark(int depth, std::string_view label, std::string_view value);

  // One line for each; "<none>" when empty.
  void map(std::string_view label, const model::StringMap& map);
  void list(int depth, std::string_view label, const model::StringList& list);

  std::string bold(std::string_view text) const { return painted(text, "1", "22"); }

  std::string green(std::string_view text) const { return painted(text, "32", "0"); }

  std::string red(std::string_view text) const { return painted(text, "31", "0"); }

  // As Go prints it in the reader's zone.
  std::string time(const std::optional<TimePoint>& t, std::string_view absent) const;

  const DescribeStyle& style() const { return style_; }

  // All of it, laid out.
  std::string laid_out() const;

 private:
  std::string painted(std::string_view text, std::string_view on, std::string_view off) const;

  const DescribeStyle& style_;
  std::string prefix_;
  std::string text_;
};

}  // namespace lateen::cli
