"""test_reflection.py - callers without contracts, who ask the server for them."""
import os
import queue
import subprocess
import sys

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import data_frames
from test_server_faults import code_of, eventually

CODES = grpc.StatusCode
SERVICES = {"larder.v1.FeatureService", "feast.serving.ServingService", "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
STREAMS_MAX = 64


class Asking:
    """One stream of questions."""

    def __init__(self, messages, stubs, channel, seconds=30):
        self.Request, self.questions = messages.ServerReflectionRequest, queue.Queue()
        self.call = stubs.ServerReflectionStub(channel).ServerReflectionInfo(iter(self.questions.get, None), timeout=seconds)

    def ask(self, **question):
        request = self.Request(host="somewhere", **question)
        self.questions.put(request)
        answer = next(self.call)
        assert answer.original_request == request and answer.valid_host == "somewhere"
        return answer

    def end(self):
        """What the server says to the end of the questions."""
        self.questions.put(None)
        return self.code()

    def code(self):
        assert list(code_of_rest(self.call)) == []
        return self.call.code()


def code_of_rest(call):
    try:
        yield from call
    except grpc.RpcError:
        pass


@pytest.fixture
def serving(drivers):
    drivers.add(1)
    drivers.materialize()
    with drivers.repository.serving() as server, grpc.insecure_channel(server.address) as channel:
        drivers.server, drivers.channel = server, channel
        yield drivers


@pytest.fixture(params=["reflection", "reflection_alpha"])
def versions(request, serving):
    """The modules of v1 and of v1alpha."""
    return getattr(serving.stubs, request.param), getattr(serving.stubs, request.param + "_grpc")


@pytest.fixture
def asking(serving, versions):
    return Asking(*versions, serving.channel)


def pool_of(asking, symbols):
    """What the server tells of them, in a pool that knows nothing else."""
    pool, known = descriptor_pool.DescriptorPool(), {}
    for symbol in symbols:
        for packed in asking.ask(file_containing_symbol=symbol).file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(packed)
            known[file.name] = file

    def add(name):
        file = known.pop(name, None)
        for each in file.dependency if file else ():
            add(each)
        if file:
            pool.Add(file)

    for name in list(known):
        add(name)
    return pool


def test_every_service_can_be_called_by_what_the_server_tells_of_it(serving, asking):
    listed = {each.name for each in asking.ask(list_services="*").list_services_response.service}
    assert listed == SERVICES
    pool = pool_of(asking, sorted(listed))
    method = pool.FindServiceByName("larder.v1.FeatureService").methods_by_name["GetFeatures"]
    Request, Response = map(message_factory.MessageFactory(pool).GetPrototype, (method.input_type, method.output_type))
    request = Request(feature_service="dispatch")
    request.entities.add(name="driver_id").int64_values.values.append(1)
    call = serving.channel.unary_unary("/larder.v1.FeatureService/GetFeatures",
                                       request_serializer=Request.SerializeToString,
                                       response_deserializer=Response.FromString)
    assert call(request, timeout=10).columns[0].int64_values.values == [1]
    assert asking.end() == CODES.OK


def test_the_files_are_those_that_stubs_are_made_of(serving, asking):
    modules = [module for name, module in vars(serving.stubs).items() if not name.endswith("_grpc")]
    assert len(modules) == 6
    for module in modules:
        ours = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(ours)
        told = asking.ask(file_by_filename=ours.name).file_descriptor_response.file_descriptor_proto
        assert [told_file for told_file in map(descriptor_pb2.FileDescriptorProto.FromString, told)
                if without_what_modules_lack(told_file) == without_what_modules_lack(ours)], ours.name


def without_what_modules_lack(file):
    """Comments, and names in JSON, which a module works out."""
    copy = descriptor_pb2.FileDescriptorProto()
    copy.CopyFrom(file)
    copy.ClearField("source_code_info")
    pending = list(copy.message_type)
    while pending:
        message = pending.pop()
        pending.extend(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")
    return copy


def test_what_is_not_there_is_told_and_the_stream_goes_on(asking):
    for question in ({"file_by_filename": "nobody.proto"}, {"file_containing_symbol": "larder.v1.Nobody"},
                     {"all_extension_numbers_of_type": "nobody"},
                     {"file_containing_extension": {"containing_type": "larder.v1.GetFeaturesRequest",
                                                    "extension_number": 7}}):
        assert asking.ask(**question).error_response.error_code == CODES.NOT_FOUND.value[0]
    assert asking.ask().error_response.error_code == CODES.INVALID_ARGUMENT.value[0]
    for _ in range(1000):
        assert asking.ask(file_containing_symbol="larder.v1.PRESENT").file_descriptor_response.file_descriptor_proto
    assert asking.end() == CODES.OK


def test_a_stream_without_a_question_ends_well(asking):
    assert asking.end() == CODES.OK


def test_no_question_and_too_long_a_question_end_the_stream(serving, versions):
    method = f"/{versions[0].DESCRIPTOR.package}.ServerReflection/ServerReflectionInfo"
    for bad, code in ((b"\xff", CODES.INVALID_ARGUMENT), (b"\x3a\xc1\xb8\x02" + b"x" * 40_001, CODES.RESOURCE_EXHAUSTED)):
        call = serving.channel.stream_stream(method)(iter([b"\x3a\x01*", bad]), timeout=10)
        assert next(call)
        assert list(code_of_rest(call)) == [] and call.code() == code


def is_healthy(serving):
    stub = serving.stubs.health_grpc.HealthStub(serving.channel)
    return code_of(lambda: stub.Check(serving.stubs.health.HealthCheckRequest(), timeout=5)) == CODES.OK


def test_health_knows_every_service_that_is_listed(serving, asking):
    health, stub = serving.stubs.health, serving.stubs.health_grpc.HealthStub(serving.channel)
    for each in asking.ask(list_services="*").list_services_response.service:
        answer = stub.Check(health.HealthCheckRequest(service=each.name), timeout=10)
        assert answer.status == health.HealthCheckResponse.SERVING, each.name
    assert asking.end() == CODES.OK


def test_more_streams_than_there_may_be_are_refused_and_hold_up_nobody(serving, versions):
    held = [Asking(*versions, serving.channel) for _ in range(STREAMS_MAX)]
    for each in held:
        each.ask(list_services="*")
    refused = Asking(*versions, serving.channel)
    refused.questions.put(refused.Request(list_services="*"))
    assert refused.code() == CODES.RESOURCE_EXHAUSTED
    assert is_healthy(serving)
    held.pop().call.cancel()
    assert held.pop().end() == CODES.OK

    def is_taken():
        asking = Asking(*versions, serving.channel)
        return code_of(lambda: asking.ask(list_services="*")) == CODES.OK and asking.end() == CODES.OK

    eventually(is_taken)
    for each in held:
        each.ask(list_services="*")
        each.call.cancel()


def test_a_stream_ends_with_the_server(serving, asking):
    asking.ask(list_services="*")
    assert serving.server.stop() == 0
    assert asking.code() == CODES.UNAVAILABLE


# The client that Python users have, in a process of its own: its contracts have the names of ours.
GRPC_REFLECTION = """
import sys
import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

with grpc.insecure_channel(sys.argv[1]) as channel:
    database = ProtoReflectionDescriptorDatabase(channel)
    print(*sorted(database.get_services()))
    pool = DescriptorPool(database)
    print(*sorted(pool.FindServiceByName("larder.v1.FeatureService").methods_by_name))
    print(pool.FindMessageTypeByName("feast.serving.GetOnlineFeaturesRequest").fields_by_name["entities"].number)
    print(list(database.FindAllExtensionNumbers("larder.v1.GetFeaturesRequest")))
    for name in ("nobody.proto", "feast/types/Value.proto"):
        try:
            print(database.FindFileByName(name).name)
        except KeyError:
            print("not found")
"""


def test_pythons_reflection_client_finds_its_way(serving):
    data_frames.find("grpc_reflection")
    packages = os.pathsep.join(each for each in sys.path if each.startswith(str(data_frames.FOLDER)))
    # Debian's gRPC and protobuf come first; that folder has neither.
    said = subprocess.run([sys.executable, "-c", GRPC_REFLECTION, serving.server.address], check=True, text=True,
                          capture_output=True, env={**os.environ, "PYTHONPATH": packages}, timeout=60).stdout.split("\n")
    assert set(said[0].split()) == SERVICES
    assert "GetFeatures" in said[1].split()
    assert said[2:] == ["3", "[]", "not found", "feast/types/Value.proto", ""]
