// An object of an FsStore being written. Only this room's .cc files include it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/file.h"
#include "objects/object_store.h"

namespace lateen::objects::fs {

// Writes to `.lateen-tmp/<name>`; complete() syncs that and renames it to the key. Not thread-safe.
class FsUpload final : public Upload {
 public:
  // `name` must be new to this process; another process' file of that name is AlreadyExists.
  static Result<std::unique_ptr<FsUpload>> create(int root,
                                                  std::string key,
                                                  std::string name,
                                                  std::stop_token stop);

  FsUpload(UniqueFd root, std::string key, std::string name, std::stop_token stop);
  ~FsUpload() override;

  Status write(BytesView bytes) override;
  Status complete() override;
  // The same unless there is an object of this key: AlreadyExists. Unsupported where the file
  // system has no links.
  Status complete_if_absent();

  // Removes other files of the temporary folder that nobody has written to for `age` by the file
  // system's clock.
  void purge_older_than(Duration age) const;

 private:
  Status open_temporary();
  Result<std::size_t> write_directly(BytesView bytes);
  enum class Publish { Replace, IfAbsent };

  Status sync_and(Publish how);
  Status publish(Publish how);
  // 0, or the number of the error.
  int enter(int parent, const std::string& leaf, Publish how) const;

  UniqueFd root_;
  const std::string key_;
  const std::string name_;
  const std::stop_token stop_;
  UniqueFd temporary_dir_;
  bool at_block_ = true;  // nothing was written yet but whole blocks
  UniqueFd file_;         // closed once the upload has ended, well or not
};

}  // namespace lateen::objects::fs
