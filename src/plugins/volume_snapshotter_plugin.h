// A VolumeSnapshotter plugin as a volumes::VolumeSnapshotter.
#pragma once

#include <memory>

#include "base/result.h"
#include "plugins/stateful_plugin.h"
#include "volumes/snapshotter_factory.h"
#include "volumes/volume_snapshotter.h"

namespace lateen::plugins {

// Starts the program and tells it the location's configuration; its refusal is the error. The
// program's lines go to the location's log.
Result<std::unique_ptr<volumes::VolumeSnapshotter>> open_volume_snapshotter(
    const PluginOptions& options, const volumes::SnapshotterOptions& location);

}  // namespace lateen::plugins
