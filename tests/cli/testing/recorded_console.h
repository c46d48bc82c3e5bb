// A console that keeps what is printed, and answers with lines prepared before.
#pragma once

#include <deque>
#include <string>

#include "cli/console.h"

namespace lateen::cli {

class RecordedConsole final : public Console {
 public:
  void out(std::string_view text) override { printed += text; }

  void err(std::string_view text) override { complained += text; }

  std::optional<std::string> read_line() override {
    if (answers.empty()) return std::nullopt;
    std::string line = answers.front();
    answers.pop_front();
    return line;
  }

  bool is_terminal() const override { return false; }

  std::string printed;
  std::string complained;
  std::deque<std::string> answers;
};

}  // namespace lateen::cli
