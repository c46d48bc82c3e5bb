#!/usr/bin/env python3
"""A Velero plugin that is not ours in spirit: another language, another gRPC. It speaks go-plugin's handshake and every
kind of plugin, and misbehaves when it is told to.

    plugin.py --descriptors contracts.pb --state FOLDER [--mode MODE] [--prefix example.io] [what a server passes on…]

What it was asked is written to FOLDER/calls.jsonl, a line for each call. An object with the label test-plugin and one of the
values crash, hang, rubbish, fail, panic makes the action that gets it do so.
"""
import argparse
import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from concurrent import futures

COOKIE = ("VELERO_PLUGIN", "hello")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--descriptors", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--mode", default="")
    parser.add_argument("--prefix", default="example.io")
    return parser.parse_known_args()


OPTIONS, PASSED_ON = arguments()


def misbehave_before_handshake(mode):
    if mode == "junk":
        print("Welcome to the plugin!", flush=True)
    elif mode == "silent":
        time.sleep(600)
    elif mode == "dies":
        print("libexample.so: cannot open shared object file", file=sys.stderr, flush=True)
        sys.exit(3)
    elif mode == "netrpc":
        print("1|2|unix|/tmp/nothing|netrpc|", flush=True)
        time.sleep(600)
    elif mode == "endless":
        sys.stdout.write("x" * (1 << 20))
        sys.stdout.flush()
        time.sleep(600)


if os.environ.get(COOKIE[0]) != COOKIE[1]:
    print("This binary is a plugin. These are not meant to be executed directly.", file=sys.stderr)
    sys.exit(1)
misbehave_before_handshake(OPTIONS.mode)

import grpc  # noqa: E402: after what must be quick
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory  # noqa: E402

with open(OPTIONS.descriptors, "rb") as file:
    FILES = descriptor_pb2.FileDescriptorSet.FromString(file.read())
POOL = descriptor_pool.DescriptorPool()
for one in FILES.file:
    POOL.Add(one)


def message(name):
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(name))


LOCK = threading.Lock()
FOLDERS = threading.Lock()  # which an object's folder comes and goes under


def log(level, text, **fields):
    line = json.dumps({"@level": level, "@message": text, "level": level, **fields})
    print(line, file=sys.stderr, flush=True)


def record(**fields):
    with LOCK, open(os.path.join(OPTIONS.state, "calls.jsonl"), "a", encoding="utf-8") as out:
        out.write(json.dumps({"pid": os.getpid(), **fields}) + "\n")


class PluginError(Exception):
    """An error that a Go plugin would have made with a stack."""


def answer_error(context, text, code=grpc.StatusCode.UNKNOWN):
    stack = message("generated.Stack")()
    stack.frames.add(file="example.go", line=42, function="main.(*Action).Execute")
    stack.frames.add(file="server.go", line=7, function="main.main")
    detail = any_pb2.Any(type_url="type.googleapis.com/generated.Stack", value=stack.SerializeToString())
    status = message("plugin.RpcStatus")(code=code.value[0], message=text)
    status.details.add(type_url=detail.type_url, value=detail.value)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.set_code(code)
    context.set_details(text)


def annotations(item):
    return item.get("metadata", {}).get("annotations") or {}


def annotate(item, key, value):
    item.setdefault("metadata", {}).setdefault("annotations", {})[key] = value


def name_of(item):
    meta = item.get("metadata", {})
    return "/".join(x for x in (meta.get("namespace"), meta.get("name")) if x)


def misbehave(item):
    """What the object's label asks for; None if nothing."""
    wish = (item.get("metadata", {}).get("labels") or {}).get("test-plugin", "")
    if wish == "crash":
        log("error", "about to crash")
        os._exit(9)
    if wish == "hang":
        time.sleep(600)
    if wish == "fail":
        raise PluginError("the storage said no")
    if wish == "panic":
        raise RuntimeError("plugin panicked: index out of range")
    return b"{not json" if wish == "rubbish" else None


def additional(item, response):
    """The annotation example.io/needs: "secrets/shop/key" or "storageclasses.storage.k8s.io//fast"."""
    needs = annotations(item).get("example.io/needs")
    if needs:
        kind, namespace, name = needs.split("/")
        resource, _, group = kind.partition(".")
        response.additionalItems.add(group=group, resource=resource, namespace=namespace, name=name)


OPERATIONS = os.path.join(OPTIONS.state, "operations")


def start_operation(item):
    """The annotation example.io/operation: "3" polls, or "3 error text"."""
    wish = annotations(item).get("example.io/operation")
    if not wish:
        return ""
    polls, _, error = wish.partition(" ")
    identity = "op-" + hashlib.sha256(name_of(item).encode()).hexdigest()[:8]
    os.makedirs(OPERATIONS, exist_ok=True)
    with open(os.path.join(OPERATIONS, identity), "w", encoding="utf-8") as out:
        json.dump({"left": int(polls), "total": int(polls), "error": error}, out)
    return identity


def ask_operation(identity, progress):
    path = os.path.join(OPERATIONS, identity)
    with open(path, encoding="utf-8") as known:
        state = json.load(known)
    state["left"] = max(0, state["left"] - 1)
    with open(path, "w", encoding="utf-8") as out:
        json.dump(state, out)
    progress.completed = state["left"] == 0
    progress.err = state["error"] if progress.completed else ""
    progress.nTotal = state["total"]
    progress.nCompleted = state["total"] - state["left"]
    progress.operationUnits = "Polls"
    progress.description = "counting"
    progress.started.seconds = 1_700_000_000
    progress.updated.seconds = 1_700_000_000 + progress.nCompleted


class Handlers:
    """A method for each call: <package>_<Service>_<Method>(request, response, context)."""

    # ---- What the binary holds.
    KINDS = {
        "BackupItemAction": ["annotate-v1"], "BackupItemActionV2": ["annotate"], "VolumeSnapshotter": ["copy"],
        "ObjectStore": ["folder"], "RestoreItemAction": ["stamp-v1"], "RestoreItemActionV2": ["stamp"],
        "DeleteItemAction": ["farewell"], "ItemBlockAction": ["block"]}

    def generated_PluginLister_ListPlugins(self, request, response, context):
        kinds = {"bad-name": {"ObjectStore": ["a/b"]}, "bad-kind": {"Teapot": ["x"]}}.get(OPTIONS.mode, self.KINDS)
        for kind, names in kinds.items():
            for name in names:
                response.plugins.add(command=sys.argv[0], kind=kind, name=f"{OPTIONS.prefix}/{name}")

    # ---- go-plugin's own.
    def plugin_GRPCController_Shutdown(self, request, response, context):
        if OPTIONS.mode != "stubborn":
            threading.Timer(0.01, lambda: os._exit(0)).start()

    def plugin_GRPCStdio_StreamStdio(self, request, context):
        data = message("plugin.StdioData")
        yield data(channel=1, data=b"a print of the plugin\n")
        while context.is_active():
            time.sleep(0.05)

    # ---- ObjectStore: a folder for each bucket in the folder of config "path".
    root = ""

    def generated_ObjectStore_Init(self, request, response, context):
        record(call="ObjectStore.Init", config=dict(request.config))
        unknown = sorted(set(request.config) - {"path", "bucket", "prefix", "caCert", "credentialsFile"})
        if unknown:
            raise PluginError(f"config has invalid keys {unknown}; valid keys are [path]")
        self.root = request.config["path"]
        if "credentialsFile" in request.config:
            with open(request.config["credentialsFile"], encoding="utf-8") as file:
                record(call="ObjectStore.credentials", length=len(file.read()),
                       mode=oct(os.stat(request.config["credentialsFile"]).st_mode & 0o777))

    def path(self, request):
        if not self.root:
            raise PluginError("the plugin has not been initialised")
        return os.path.join(self.root, request.bucket, request.key)

    def keys(self, request):
        top = os.path.join(self.root, request.bucket)
        for folder, _, files in os.walk(top):
            for file in files:
                key = os.path.relpath(os.path.join(folder, file), top)
                if key.startswith(request.prefix) and not file.startswith(".uploading-"):
                    yield key

    def generated_ObjectStore_PutObject(self, requests, response, context):
        first = next(requests, None)
        if first is None:
            raise PluginError("no object to put")
        path = self.path(first)
        scratch = tempfile.mkdtemp(prefix="uploading-", dir=OPTIONS.state)
        try:
            with open(os.path.join(scratch, "o"), "wb") as out:
                out.write(first.body)
                for piece in requests:
                    out.write(piece.body)
            if not context.is_active():
                return
            with FOLDERS:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.replace(os.path.join(scratch, "o"), path)
        finally:
            shutil.rmtree(scratch)

    def generated_ObjectStore_ObjectExists(self, request, response, context):
        response.exists = os.path.isfile(self.path(request))

    def generated_ObjectStore_GetObject(self, request, context):
        try:
            with open(self.path(request), "rb") as file:
                while piece := file.read(16384):
                    yield message("generated.Bytes")(data=piece)
                    if request.key.endswith("truncated"):
                        raise PluginError("connection reset by peer")
        except (OSError, PluginError) as error:
            answer_error(context, str(error))

    def generated_ObjectStore_ListCommonPrefixes(self, request, response, context):
        found = set()
        for key in self.keys(request):
            head, delimiter, _ = key[len(request.prefix):].partition(request.delimiter)
            if delimiter:
                found.add(request.prefix + head + delimiter)
        response.prefixes.extend(sorted(found, reverse=True))

    def generated_ObjectStore_ListObjects(self, request, response, context):
        response.keys.extend(sorted(self.keys(request), reverse=True))

    def generated_ObjectStore_DeleteObject(self, request, response, context):
        path = self.path(request)
        with FOLDERS:
            if os.path.isfile(path):
                os.remove(path)
                top = os.path.join(self.root, request.bucket)
                while (path := os.path.dirname(path)) != top and not os.listdir(path):
                    os.rmdir(path)

    def generated_ObjectStore_CreateSignedURL(self, request, response, context):
        response.url = f"http://folder.example/{request.bucket}/{request.key}?ttl={request.ttl}"

    # ---- VolumeSnapshotter: volumes are folders, snapshots are copies of them.
    snapshots = os.path.join(OPTIONS.state, "snapshots")

    def generated_VolumeSnapshotter_Init(self, request, response, context):
        record(call="VolumeSnapshotter.Init", config=dict(request.config))

    def generated_VolumeSnapshotter_GetVolumeID(self, request, response, context):
        volume = json.loads(request.persistentVolume)
        response.volumeID = volume["spec"].get("hostPath", {}).get("path", "")

    def generated_VolumeSnapshotter_SetVolumeID(self, request, response, context):
        volume = json.loads(request.persistentVolume)
        volume["spec"].setdefault("hostPath", {})["path"] = request.volumeID
        response.persistentVolume = json.dumps(volume).encode()

    def generated_VolumeSnapshotter_GetVolumeInfo(self, request, response, context):
        response.volumeType = "folder"
        response.iops = 7

    def generated_VolumeSnapshotter_CreateSnapshot(self, request, response, context):
        if not os.path.isdir(request.volumeID):
            raise PluginError(f"there is no volume {request.volumeID}")
        identity = "snap-" + base64.b32encode(os.urandom(5)).decode().lower()
        shutil.copytree(request.volumeID, os.path.join(self.snapshots, identity))
        record(call="CreateSnapshot", volume=request.volumeID, snapshot=identity, tags=dict(request.tags),
               az=request.volumeAZ)
        response.snapshotID = identity

    def generated_VolumeSnapshotter_CreateVolumeFromSnapshot(self, request, response, context):
        source = os.path.join(self.snapshots, request.snapshotID)
        if not os.path.isdir(source):
            raise PluginError(f"there is no snapshot {request.snapshotID}")
        target = tempfile.mkdtemp(prefix="volume-", dir=OPTIONS.state)
        shutil.copytree(source, target, dirs_exist_ok=True)
        record(call="CreateVolume", snapshot=request.snapshotID, volume=target, type=request.volumeType,
               iops=request.iops, az=request.volumeAZ)
        response.volumeID = target

    def generated_VolumeSnapshotter_DeleteSnapshot(self, request, response, context):
        record(call="DeleteSnapshot", snapshot=request.snapshotID)
        shutil.rmtree(os.path.join(self.snapshots, request.snapshotID), ignore_errors=True)

    # ---- Item actions: on ConfigMaps with the label test-plugin.
    def select(self, response):
        response.ResourceSelector.includedResources.append("cm")
        response.ResourceSelector.excludedNamespaces.append("untouched")
        response.ResourceSelector.selector = "test-plugin"

    def generated_BackupItemAction_AppliesTo(self, request, response, context):
        self.select(response)

    def v2_BackupItemAction_AppliesTo(self, request, response, context):
        self.select(response)

    def generated_RestoreItemAction_AppliesTo(self, request, response, context):
        self.select(response)

    def v2_RestoreItemAction_AppliesTo(self, request, response, context):
        self.select(response)

    def generated_DeleteItemAction_AppliesTo(self, request, response, context):
        self.select(response)

    def v1_ItemBlockAction_AppliesTo(self, request, response, context):
        self.select(response)
        response.ResourceSelector.includedResources.append("pods")

    def back_up(self, request, response, kind):
        item = json.loads(request.item)
        backup = json.loads(request.backup)
        record(call=f"{kind}.Execute", item=name_of(item), backup=name_of(backup))
        log("info", "annotating", item=name_of(item), count=1)
        rubbish = misbehave(item)
        annotate(item, "example.io/" + kind, backup["metadata"]["name"])
        additional(item, response)
        response.item = rubbish or json.dumps(item).encode()
        return item

    def generated_BackupItemAction_Execute(self, request, response, context):
        self.back_up(request, response, "backup-v1")

    def v2_BackupItemAction_Execute(self, request, response, context):
        item = self.back_up(request, response, "backup-v2")
        response.operationID = start_operation(item)
        if response.operationID:
            meta = item["metadata"]
            response.postOperationItems.add(resource="configmaps", namespace=meta["namespace"], name=meta["name"])

    def v2_BackupItemAction_Progress(self, request, response, context):
        ask_operation(request.operationID, response.progress)

    def v2_BackupItemAction_Cancel(self, request, response, context):
        record(call="backup.Cancel", operation=request.operationID)

    def restore(self, request, response, kind):
        item = json.loads(request.item)
        pristine = json.loads(request.itemFromBackup)
        restore = json.loads(request.restore)
        record(call=f"{kind}.Execute", item=name_of(item), restore=name_of(restore),
               had_uid=bool(pristine["metadata"].get("uid")), has_uid=bool(item["metadata"].get("uid")))
        rubbish = misbehave(item)
        annotate(item, "example.io/" + kind, restore["metadata"]["name"])
        additional(item, response)
        response.skipRestore = annotations(item).get("example.io/skip") == kind
        response.item = rubbish or json.dumps(item).encode()
        return item

    def generated_RestoreItemAction_Execute(self, request, response, context):
        self.restore(request, response, "restore-v1")

    def v2_RestoreItemAction_Execute(self, request, response, context):
        item = self.restore(request, response, "restore-v2")
        response.operationID = start_operation(item)
        wait = annotations(item).get("example.io/wait")
        if wait:
            response.waitForAdditionalItems = True
            response.additionalItemsReadyTimeout.seconds = int(wait)

    def v2_RestoreItemAction_Progress(self, request, response, context):
        ask_operation(request.operationID, response.progress)

    def v2_RestoreItemAction_Cancel(self, request, response, context):
        record(call="restore.Cancel", operation=request.operationID)

    asked_for_items = 0

    def v2_RestoreItemAction_AreAdditionalItemsReady(self, request, response, context):
        self.asked_for_items += 1
        record(call="AreAdditionalItemsReady", items=[f"{i.resource}/{i.namespace}/{i.name}"
                                                      for i in request.additionalItems])
        response.ready = self.asked_for_items >= 2

    def generated_DeleteItemAction_Execute(self, request, response, context):
        item = json.loads(request.item)
        record(call="delete.Execute", item=name_of(item), backup=name_of(json.loads(request.backup)))
        misbehave(item)

    def v1_ItemBlockAction_GetRelatedItems(self, request, response, context):
        item = json.loads(request.item)
        record(call="block.GetRelatedItems", item=name_of(item))
        misbehave(item)
        other = annotations(item).get("example.io/together-with")
        if other:
            kind, name = other.split("/")
            response.relatedItems.add(resource=kind, namespace=item["metadata"]["namespace"], name=name)


def unary(method, make_response):
    def handle(request, context):
        response = make_response()
        try:
            method(request, response, context)
        except PluginError as error:
            answer_error(context, str(error))
        except Exception as error:  # what a Go plugin's server makes of a panic
            answer_error(context, str(error), grpc.StatusCode.ABORTED)
        return response
    return handle


def handlers():
    ours = Handlers()
    found = {}
    for file in FILES.file:
        for service in file.service:
            methods = {}
            for one in service.method:
                method = getattr(ours, f"{file.package}_{service.name}_{one.name}")
                takes = message(one.input_type[1:])
                gives = message(one.output_type[1:])
                codec = {"request_deserializer": takes.FromString, "response_serializer": gives.SerializeToString}
                if one.server_streaming:
                    methods[one.name] = grpc.unary_stream_rpc_method_handler(method, **codec)
                elif one.client_streaming:
                    methods[one.name] = grpc.stream_unary_rpc_method_handler(unary(method, gives), **codec)
                else:
                    methods[one.name] = grpc.unary_unary_rpc_method_handler(unary(method, gives), **codec)
            name = f"{file.package}.{service.name}"
            found[name] = grpc.method_handlers_generic_handler(name, methods)
    return tuple(found.values())


def main():
    # As Go's gRPC servers: no more than 4 MiB in a message.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32),
                         options=[("grpc.max_receive_message_length", 4 * 1024 * 1024)])
    server.add_generic_rpc_handlers(handlers())
    socket = os.path.join(tempfile.gettempdir(), f"plugin{os.getpid()}-{os.urandom(4).hex()}")
    server.add_insecure_port("unix:" + socket)
    server.start()
    record(call="start", arguments=PASSED_ON, ports=[os.environ.get("PLUGIN_MIN_PORT"), os.environ.get("PLUGIN_MAX_PORT")],
           versions=os.environ.get("PLUGIN_PROTOCOL_VERSIONS"), socket=socket)
    log("info", "listening", socket=socket)
    print(f"1|2|unix|{socket}|grpc|", flush=True)
    server.wait_for_termination()


main()
