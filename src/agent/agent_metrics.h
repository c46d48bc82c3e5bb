// What a node agent says of its work, by Velero's names (podVolume_…), at --metrics-address.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace lateen::agent {

enum class WorkEnd { Completed, Failed, Canceled };

// One PodVolumeBackup, DataUpload, … that has ended.
struct EndedWork {
  std::string_view kind;  // "DataUpload"
  std::string name;
  std::string backup;  // its label velero.io/backup-name; empty for restores
  WorkEnd end = WorkEnd::Completed;
  Duration took = {};
};

// Thread-safe.
class AgentMetrics {
 public:
  explicit AgentMetrics(std::string node);
  AgentMetrics(const AgentMetrics&) = delete;
  AgentMetrics& operator=(const AgentMetrics&) = delete;
  ~AgentMetrics();

  void begun(std::string_view kind);
  void ended(const EndedWork& work);

  // What GET /metrics answers.
  std::string text() const;

  // Serves it from now on, as long as this lives; nothing for an empty address. Gives the port.
  Result<std::uint16_t> serve(const std::string& address, const Log& log);

 private:
  struct Families;
  class Handler;
  const std::string node_;
  const std::unique_ptr<Families> families_;
  std::unique_ptr<Handler> handler_;
};

}  // namespace lateen::agent
