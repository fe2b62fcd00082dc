"""moto's server whose Step Functions engine waits between retries in the time of the test, not in the world's.

The definition stays as it is deployed: only the sleep of a Retry is taken out of moto and asked for over loopback, at
the port that the engine also finds Lambda at.
"""

import os
import urllib.request
from types import SimpleNamespace

from moto.server import main
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

LAMBDA = f"http://127.0.0.1:{os.environ['MOTO_PORT']}"


def sleep(seconds):
    request = urllib.request.Request(f"{LAMBDA}/wait/{seconds}", data=b"", method="POST")
    urllib.request.urlopen(request, timeout=60).close()


retrier_decl.time = SimpleNamespace(sleep=sleep)
main()
