#include "sandbox/runtime/container_root.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "sandbox/runtime/mount_calls.h"
#include "sandbox/runtime/mount_tree.h"

namespace lateen::sandbox {
namespace {

enum class RootKind { Overlay, Skeleton };

// A container that fills its writable layer or its /tmp hits this, not the machine's memory.
constexpr std::string_view kLayerSize = "size=1g,mode=0755";

// What run-time directories popular images bring along in /run; made in the private one.
constexpr std::array<std::string_view, 2> kRunDirectories{"/run/lock", "/run/postgresql"};

constexpr std::array<const char*, 6> kDevices{"null", "zero", "full", "random", "urandom", "tty"};

bool is_under(std::string_view path, std::string_view directory) {
  return path == directory || (path.starts_with(directory) && path.size() > directory.size() &&
                               path[directory.size()] == '/');
}

// mountinfo writes blanks and backslashes as \040 and \134.
std::string unescape_mount_point(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// The machine's other disks (/usr, /home, /opt ... on file systems of their own), which an overlay
// of / leaves out.
std::vector<std::string> disk_mount_points(std::string_view mountinfo) {
  static constexpr std::array<std::string_view, 12> kPseudo{
      "proc",    "sysfs",  "devtmpfs", "devpts",  "tmpfs",  "cgroup",
      "cgroup2", "mqueue", "debugfs",  "tracefs", "autofs", "binfmt_misc"};
  static constexpr std::array<std::string_view, 8> kOurs{
      "/proc", "/sys", "/dev", "/run", "/tmp", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname"};
  std::vector<std::string> out;
  for (const std::string_view line : split(mountinfo, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || dash == fields.end() || dash + 1 == fields.end()) continue;
    if (std::find(kPseudo.begin(), kPseudo.end(), *(dash + 1)) != kPseudo.end()) continue;
    const std::string point = unescape_mount_point(fields[4]);
    const bool ours =
        std::any_of(kOurs.begin(), kOurs.end(), [&](auto path) { return is_under(point, path); });
    if (point != "/" && !ours) out.push_back(point);
  }
  std::sort(out.begin(), out.end());
  // What is mounted below another disk comes along with it.
  std::vector<std::string> topmost;
  for (std::string& point : out) {
    const bool comes_along =
        std::any_of(topmost.begin(), topmost.end(),
                    [&](const std::string& top) { return is_under(point, top); });
    if (!comes_along) topmost.push_back(std::move(point));
  }
  return topmost;
}

// Builds <scratch>/root: all of it writable where we may, else a skeleton.
Result<RootKind> build_root(const std::string& scratch) {
  TRY(mount_fs("tmpfs", scratch, MS_NOSUID | MS_NODEV, std::string(kLayerSize)));
  for (const char* name : {"upper", "work", "root"})
    TRY(make_dirs(scratch + "/" + name));
  const std::string root = scratch + "/root";
  const std::string options =
      fmt::format("lowerdir=/,upperdir={0}/upper,workdir={0}/work", scratch);
  if (mount("overlay", root.c_str(), "overlay", 0, options.c_str()) == 0) {
    // In a user namespace of one user the machine's directories are nobody's, and not even its root
    // may write to them.
    if (access(root.c_str(), W_OK) == 0) return RootKind::Overlay;
    TRY(check(umount2(root.c_str(), MNT_DETACH), "leaving the overlay"));
  }
  TRY(build_skeleton(root));
  return RootKind::Skeleton;
}

Status pivot_into(const std::string& root) {
  TRY(check(chdir(root.c_str()), root));
  TRY(check(static_cast<int>(syscall(SYS_pivot_root, ".", ".")), "changing the root"));
  TRY(check(umount2(".", MNT_DETACH), "leaving the old root"));
  return check(chdir("/"), "/");
}

Result<std::vector<PreparedMount>> prepare_devices() {
  std::vector<PreparedMount> out;
  for (const char* name : kDevices) {
    const std::string path = fmt::format("/dev/{}", name);
    if (path_exists(path)) out.push_back(TRY(prepare(path, path, false)));
  }
  return out;
}

Status fill_dev(const std::vector<PreparedMount>& devices) {
  TRY(mount_fs("tmpfs", "/dev", MS_NOSUID, "mode=0755,size=64k"));
  for (const PreparedMount& device : devices)
    TRY(put_in_place(device));
  TRY(make_dirs("/dev/shm"));
  TRY(mount_fs("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"));
  TRY(make_dirs("/dev/pts"));
  TRY(mount_fs("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"));
  static constexpr std::array<std::pair<const char*, const char*>, 5> kLinks{
      {{"pts/ptmx", "/dev/ptmx"},
       {"/proc/self/fd", "/dev/fd"},
       {"/proc/self/fd/0", "/dev/stdin"},
       {"/proc/self/fd/1", "/dev/stdout"},
       {"/proc/self/fd/2", "/dev/stderr"}}};
  for (const auto& [to, link] : kLinks)
    TRY(check(symlink(to, link), link));
  return Status();
}

struct RunDirectory {
  std::string path;
  struct stat info;
};

// The machine's own directories in /run, empty: daemons are set up to find theirs there.
std::vector<RunDirectory> run_directories() {
  std::vector<RunDirectory> out;
  auto entries = list_dir("/run");
  if (!entries) return out;
  for (const DirEntry& entry : *entries) {
    RunDirectory directory{.path = "/run/" + entry.name, .info = {}};
    if (entry.kind == FileKind::Directory && stat(directory.path.c_str(), &directory.info) == 0) {
      out.push_back(std::move(directory));
    }
  }
  return out;
}

Status fill_run(const std::vector<RunDirectory>& directories) {
  TRY(mount_fs("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755"));
  for (const RunDirectory& directory : directories) {
    TRY(make_dirs(directory.path));
    // Owners cannot be kept in a user namespace of one user: everything is that user's then.
    (void)chown(directory.path.c_str(), directory.info.st_uid, directory.info.st_gid);
    TRY(check(chmod(directory.path.c_str(), directory.info.st_mode & 07777U), directory.path));
  }
  for (const std::string_view path : kRunDirectories) {
    if (path_exists(FilePath(path))) continue;
    TRY(make_dirs(FilePath(path)));
    TRY(check(chmod(std::string(path).c_str(), 01777), path));
  }
  return Status();
}

// Before the old root goes: in a user namespace the kernel gives a new /proc only to who can see
// another one.
Status fill_proc(const std::string& target, const PreparedMount& machine_proc) {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount("proc", target.c_str(), "proc", kFlags, "") == 0) return Status();
  // Inside another container it may refuse all the same; the machine's own shows foreign pids, but
  // works.
  return place(machine_proc.tree, target);
}

std::vector<BindMount> parents_first(std::vector<BindMount> mounts) {
  std::stable_sort(mounts.begin(), mounts.end(), [](const BindMount& a, const BindMount& b) {
    return std::count(a.target.begin(), a.target.end(), '/') <
           std::count(b.target.begin(), b.target.end(), '/');
  });
  return mounts;
}

struct Prepared {
  std::vector<PreparedMount> disks;
  std::vector<PreparedMount> devices;
  std::vector<PreparedMount> volumes;
  std::vector<RunDirectory> run;
  PreparedMount proc;
  PreparedMount sys;
};

// All that must be taken from the machine's tree before it goes out of sight.
Result<Prepared> prepare_all(const ContainerSpec& spec) {
  const Bytes mountinfo = TRY(read_file("/proc/self/mountinfo", 16_MiB));
  Prepared out;
  out.devices = TRY(prepare_devices());
  out.run = run_directories();
  out.proc = TRY(prepare("/proc", "/proc", false));
  out.sys = TRY(prepare("/sys", "/sys", true));
  for (const std::string& point : disk_mount_points(mountinfo)) {
    auto disk = prepare(point, point, true);
    // A mount that we may not even look at is not part of what the container can use.
    if (disk) out.disks.push_back(std::move(*disk));
  }
  for (const BindMount& mount : parents_first(spec.mounts)) {
    out.volumes.push_back(TRY(prepare(mount.source, mount.target, mount.read_only)));
  }
  return out;
}

Status remount_root_read_only() {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  return check(call_mount_setattr(AT_FDCWD, "/", 0, attributes), "making the root read-only");
}

}  // namespace

Status enter_container_root(const ContainerSpec& spec) {
  TRY(check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr),
            "making the mounts private"));
  const Prepared prepared = TRY(prepare_all(spec));
  const RootKind kind = TRY(build_root(spec.scratch));
  TRY(fill_proc(spec.scratch + "/root/proc", prepared.proc));
  TRY(pivot_into(spec.scratch + "/root"));
  if (kind == RootKind::Overlay) {
    for (const PreparedMount& disk : prepared.disks)
      TRY(put_in_place(disk));
  }
  TRY(place(prepared.sys.tree, "/sys"));
  TRY(fill_dev(prepared.devices));
  TRY(fill_run(prepared.run));
  TRY(mount_fs("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777,size=1g"));
  for (const PreparedMount& volume : prepared.volumes)
    TRY(put_in_place(volume));
  if (!spec.working_dir.empty()) TRY(make_mount_path(spec.working_dir, true));
  if (spec.read_only_root) TRY(remount_root_read_only());
  return Status();
}

}  // namespace lateen::sandbox
