// What all parts of the pod runtime share. Built by the Kubelet, outlives them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "sandbox/api/api.h"
#include "sandbox/event_recorder.h"
#include "sandbox/runtime/local_image.h"
#include "sandbox/runtime/pod_network.h"
#include "sandbox/runtime/pod_volumes.h"
#include "sandbox/runtime/volume_store.h"
#include "sandbox/work_queue.h"

namespace lateen::sandbox {

struct RuntimeContext {
  Api& api;
  const VolumeStore& volumes;
  const Clock& clock;
  Log log;
  EventRecorder& events;
  PodAddresses& addresses;
  TokenIssuer tokens;
  FilePath dir;                        // pods/ is below it
  std::string program;                 // our own binary
  bool records_only = false;           // no namespaces here: nothing is really run
  std::vector<std::string> extra_env;  // of every container
  std::vector<LocalImage> images;
  std::function<std::string(std::string_view ns)> service_lines;  // of /etc/hosts
  WorkQueue& pods;                                                // by uid: whom to look at
  WorkQueue& probes;  // "<uid>/<container>/<kind>/<restart>"
  std::function<void(int fd, const std::string& uid)>
      watch_fd;  // look at that pod when the descriptor is readable, once
};

}  // namespace lateen::sandbox
