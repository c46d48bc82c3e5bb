#!/usr/bin/env python3
"""OpenStack Swift with its S3 API on a free port of loopback: an object store that checks signatures.

Needs Debian's python3-swift; run with /usr/bin/python3. Everything lies in memory but the listings, which are SQLite
files in a folder of its own. Prints its URL, then serves until its standard input ends.
    swift_server.py ACCESS_KEY SECRET_KEY REGION
"""
import os
import pathlib
import shutil
import sys
import tempfile

ETC = """
[swift-hash]
swift_hash_path_suffix = suffix
swift_hash_path_prefix = prefix
"""

# One replica, one device: what Swift is at its smallest.
BACKEND = """
[DEFAULT]
devices = {folder}/devices
mount_check = false
swift_dir = {folder}
log_address = {folder}/no-log
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{egg}
"""

PROXY = """
[DEFAULT]
swift_dir = {folder}
log_address = {folder}/no-log
[pipeline:main]
pipeline = catch_errors healthcheck cache listing_formats bulk s3api tempauth copy slo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
memcache_max_connections = 1
error_suppression_limit = 0
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = {region}
allow_multipart_uploads = true
check_bucket_owner = false
dns_compliant_bucket_names = true
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{name} = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
min_segment_size = 1
[filter:versioned_writes]
use = egg:swift#versioned_writes
"""


def make_ring(folder: pathlib.Path, kind: str, port: int) -> None:
    from swift.common.ring import RingBuilder
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1", "weight": 1.0})
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{kind}.ring.gz"))


def serve(folder: pathlib.Path, socket, name: str, config: str) -> None:
    """One of Swift's servers, as a green thread of this process: four interpreters would start for seconds."""
    import eventlet
    from eventlet import wsgi
    from swift.common.wsgi import SwiftHttpProtocol, loadapp
    path = folder / f"{name}.conf"
    path.write_text(config)
    app = loadapp(str(path))
    nobody = open(os.devnull, "w")
    eventlet.spawn(wsgi.server, socket, app, log=nobody, log_output=False, debug=False, protocol=SwiftHttpProtocol,
                   keepalive=True, capitalize_response_headers=False)


def main() -> int:
    access, secret, region = sys.argv[1:4]
    account, name = access.split(":")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lateen-swift-"))
    try:
        import eventlet
        eventlet.monkey_patch()
        from swift.common import utils
        (folder / "devices" / "d1").mkdir(parents=True)
        (folder / "swift.conf").write_text(ETC)
        utils.set_swift_dir(str(folder))
        for kind, egg in (("account", "account"), ("container", "container"), ("object", "mem_object")):
            socket = eventlet.listen(("127.0.0.1", 0))
            port = socket.getsockname()[1]
            make_ring(folder, kind, port)
            serve(folder, socket, kind, BACKEND.format(folder=folder, kind=kind, egg=egg))
        socket = eventlet.listen(("127.0.0.1", 0))
        serve(folder, socket, "proxy",
              PROXY.format(folder=folder, region=region, account=account, name=name, secret=secret))
        print(f"http://127.0.0.1:{socket.getsockname()[1]}", flush=True)
        eventlet.tpool.execute(sys.stdin.read)
        return 0
    except Exception as error:  # the starter reads one line: the URL, or why there is none
        print(f"error: {error!r}", flush=True)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
