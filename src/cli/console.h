// Where a command prints and what it is answered.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lateen::cli {

// Not thread-safe.
class Console {
 public:
  Console() = default;
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  virtual ~Console() = default;

  virtual void out(std::string_view text) = 0;
  virtual void err(std::string_view text) = 0;

  // A line of the input without its end; nothing at the end of it.
  virtual std::optional<std::string> read_line() = 0;

  // Standard output is a terminal.
  virtual bool is_terminal() const = 0;

  void line(std::string_view text) { out(std::string(text) + "\n"); }
};

// Standard output, error and input. Output that nobody takes (a closed pipe) is dropped.
class SystemConsole final : public Console {
 public:
  void out(std::string_view text) override;
  void err(std::string_view text) override;
  std::optional<std::string> read_line() override;
  bool is_terminal() const override;

 private:
  std::string pending_;
};

// Keeps what is printed, and what is complained of behind it.
class TextConsole final : public Console {
 public:
  void out(std::string_view text) override { text_ += text; }

  void err(std::string_view text) override { text_ += text; }

  std::optional<std::string> read_line() override { return std::nullopt; }

  bool is_terminal() const override { return false; }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace lateen::cli
