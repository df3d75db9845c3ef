"""streaming.py - many requests over one stream beside unary calls; and what larger requests cost.

The time of a request is to grow with its entities and its features, and no faster: a large one is read
in steps, between which others are answered, and is to cost no more an entity for that.
"""
from report import Row, median, rate
from serving import APIS, field, varint
from world import definitions, fill_history

VIEWS, FEATURES_A_VIEW = 25, 10


class Question:
    """So many entities and features, with the answer that is right; `parts` requests in turn, each of other entities."""

    def __init__(self, world, target, entities, views, parts=1):
        self.world, self.target, self.entities, self.features = world, target, entities, views * FEATURES_A_VIEW
        self.samples = []
        stems = [world.path(f"question-{entities}-{views}-{part}") for part in range(parts)]
        self.arguments = {"target": target, "request": ",".join(stem + ".request" for stem in stems),
                          "answer": ",".join(stem + ".answer" for stem in stems)}
        references = b"".join(field(1, b"v%d:v%df%d" % (v, v, f)) for v in range(views) for f in range(FEATURES_A_VIEW))
        for part, stem in enumerate(stems):
            ids = field(1, b"".join(map(varint, range(part * entities + 1, (part + 1) * entities + 1))))
            with open(stem + ".request", "wb") as file:
                file.write(field(2, references) + field(3, field(1, b"id") + field(2, ids)))
            world.run("bench_load", method=APIS[0].method, target=target, request=stem + ".request",
                      save=stem + ".answer")

    def unary(self, in_flight, seconds):
        return self.world.run("bench_load", method=APIS[0].method, connections=1, in_flight=in_flight, threads=1,
                              seconds=seconds, **self.arguments)

    def stream(self, in_flight, seconds):
        return self.world.run("bench_stream", in_flight=in_flight, seconds=seconds, **self.arguments)

    def sample(self, seconds):
        self.samples.append(self.unary(1, seconds)["p50_us"])

    def time_of(self, count):
        return median(self.samples) / count


def stream_row(question, in_flight, rounds, seconds):
    unary, stream = [], []
    for number in range(rounds):
        turns = [(unary, question.unary), (stream, question.stream)]
        for samples, ask in reversed(turns) if number % 2 else turns:
            samples.append(ask(in_flight, seconds)["per_second"])
    ours, reference = median(stream), median(unary)
    return Row(f"larder.v1: requests over one stream, {in_flight} in flight", rate(ours),
               f"unary, one connection {rate(reference)}", ours / reference, 1, at_least=True)


def growth_row(what, count, few, many, unit):
    ours, reference = many.time_of(count(many)), few.time_of(count(few))
    return Row(f"larder.v1: {what}: time {unit}", f"{ours:.2f} us", f"{count(few):,} take {reference:.2f} us",
               ours / reference, 1.2)


def growth_rows(world, target, largest, rounds, seconds):
    # Of the same entities: rows that are read again at once would be in the processor's caches.
    entities = [Question(world, target, largest // 10, 5, parts=10), Question(world, target, largest, 5)]
    features = [Question(world, target, largest // 100, views) for views in (5, VIEWS)]
    for _ in range(rounds):
        for question in (*entities, *features):
            question.sample(seconds)
    return [growth_row(f"{largest:,} entities x 50 features", lambda q: q.entities, *entities, "an entity"),
            growth_row(f"{largest // 100:,} entities x 250 features", lambda q: q.features, *features, "a feature")]


def measure(world, quick):
    rounds, seconds, largest = (2, 0.2, 1000) if quick else (7, 2, 10_000)
    redis = world.redis()
    fill_history(world, largest, VIEWS)
    repository = world.repository(redis, definitions(VIEWS, FEATURES_A_VIEW))
    repository.do("materialize")
    with repository.serving() as server:
        rows = [stream_row(Question(world, server.address, 1, 5), 64, rounds, seconds)]
        rows += growth_rows(world, server.address, largest, rounds, seconds)
    redis.kill()
    return rows
