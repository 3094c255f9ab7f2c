"""Health check of a web service: exit code 0 if the address given answers 200 within five seconds."""

import sys
import urllib.request

# An opener of its own, without proxies: the question is for this container.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(sys.argv[1], timeout=5) as answer:
    sys.exit(answer.status != 200)
