"""asker.py - threads that ask for what changes with every run, and hold each answer against the ledger."""
import queue
import random
import threading
import time

import grpc

from asking import NOT_FOUND, PRESENT, ask_feast, ask_larder, larder_answer, larder_request

KEYS = {"id": "int64"}
# What a server may say while something that it needs is broken, and to whom it cannot answer in time.
REFUSALS = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100),
           ("grpc.min_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]


class Asker(threading.Thread):
    """Asks one of the services until told to stop."""

    def __init__(self, name, ask, stubs, address, things, ledger, counts, stop, pause=0.01):
        super().__init__(daemon=True)
        self.api, self.ask, self.stubs, self.address, self.things = name, ask, stubs, address, things
        self.ledger, self.counts, self.stop, self.pause = ledger, counts, stop, pause

    def run(self):
        chance = random.Random(self.api)
        with grpc.insecure_channel(self.address, OPTIONS) as channel:
            while not self.stop.wait(self.pause):
                ids = chance.sample(range(1, self.things + 1), 20)
                self.ask_once(channel, ids)

    def ask_once(self, channel, ids):
        begin = time.monotonic()
        try:
            answer = self.ask(self.stubs, channel, KEYS, [(i,) for i in ids], feature_service="changing")
        except grpc.RpcError as error:
            self.note_error(error, begin)
        except AssertionError as error:
            self.counts.add_wrong(f"{self.api}: {error}")
        else:
            self.judge(answer, ids, begin, time.monotonic())

    def note_error(self, error, begin):
        fault = self.ledger.fault_between(begin, time.monotonic())
        if error.code() in REFUSALS:
            self.counts.add_refused(fault, error.code().name, 1,
                                    f"{self.api}: {error.details()}, {self.ledger.last_fault(begin)}")
        else:
            self.counts.add_wrong(f"{self.api}: {error.code().name} {error.details()} (fault: {fault})")

    def judge(self, answer, ids, begin, end):
        least, greatest = self.ledger.runs_between(begin, end)
        may_be_absent = self.ledger.may_be_absent(begin, end)
        wrong, absent = [], 0
        for i, run, check in zip(ids, answer["run"], answer["check"], strict=True):
            if run[0] == NOT_FOUND and check[0] == NOT_FOUND and (may_be_absent or least == 0):
                absent += 1
            elif not (run[0] == check[0] == PRESENT and least <= run[2] <= greatest and check[2] == run[2] * 1000 + i):
                wrong.append(f"{self.api}: thing {i} has run {run} and check {check}, runs {least} to {greatest}")
        if wrong:
            self.counts.add_wrong(f"{wrong[0]} and {len(wrong) - 1} more of {len(ids)}")
        else:
            self.counts.add(self.api, right=absent == 0, absent=absent > 0)


class Stream:
    """Asks over one call of StreamFeatures, and over a new one when it has ended."""

    def __init__(self):
        self.call, self.id = None, 0

    def __call__(self, stubs, channel, key_types, keys, **what):
        if not self.call:
            self.outgoing = queue.SimpleQueue()
            self.call = stubs.larder_grpc.FeatureServiceStub(channel).StreamFeatures(iter(self.outgoing.get, None))
        self.id += 1
        request = larder_request(stubs, key_types, keys, with_statuses=True, with_event_times=True, **what)
        self.outgoing.put(stubs.larder.StreamFeaturesRequest(id=self.id, request=request, timeout_ms=5000))
        try:
            answer = next(self.call)
        except grpc.RpcError:
            self.outgoing.put(None)
            self.call = None
            raise
        except StopIteration:
            self.call = None
            raise AssertionError("the stream ended without an answer") from None
        assert answer.id == self.id, f"an answer to {answer.id}, where {self.id} was asked"
        if answer.WhichOneof("outcome") == "failure":
            raise Refused(answer.failure)
        return larder_answer(answer.response, keys)


class Refused(grpc.RpcError):
    """A request that failed, on a stream that goes on."""

    def __init__(self, failure):
        super().__init__(failure.message)
        self.failure = failure

    def code(self):
        return next(code for code in grpc.StatusCode if code.value[0] == self.failure.code)

    def details(self):
        return self.failure.message


def askers(*arguments):
    """One for each service, and one that streams."""
    return [Asker("larder.v1", ask_larder, *arguments), Asker("feast.serving", ask_feast, *arguments),
            Asker("stream", Stream(), *arguments)]
