import cProfile, pstats, io, pytest, time
from tests.benchmarks.test_scan_bench import *
from tests.benchmarks.conftest import *
def test_p(source, measured):
    pr=cProfile.Profile()
    with measured() as cost:
        pr.enable(); run(source); pr.disable()
    s=io.StringIO(); pstats.Stats(pr,stream=s).sort_stats("tottime").print_stats(28); print(s.getvalue()); print(cost.own_seconds, cost.git_seconds)
