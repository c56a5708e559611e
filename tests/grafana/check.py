"""Reads dashboards as Grafana's own types have them. Everything that is in a file must still be there when those types are
written out again: a misspelt or misplaced key is one that Grafana would drop without a word.

usage: check.py DASHBOARD.json ...; prints what is lost or changed; exit 1 if anything is."""

import json
import re
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

# what Grafana's own exports have and its types do not: an annotation's keys are those of its data source
UNTYPED = re.compile(
    r"\.annotations\.list\[\d+\]\.(step|tagKeys|textFormat|titleFormat|useValueForTime)|\.templating\.list\[\d+\]\.definition"
)


def lost(path, written, read):
    """Paths at which `read` lacks or contradicts what was `written`; it may say more."""
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in written.items():
            if key not in read:
                # null and absent are one to Grafana
                if value is not None and not UNTYPED.fullmatch(f"{path}.{key}"):
                    yield f"{path}.{key} is dropped"
            else:
                yield from lost(f"{path}.{key}", value, read[key])
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for index, (one, other) in enumerate(zip(written, read)):
            yield from lost(f"{path}[{index}]", one, other)
    elif written != read:
        yield f"{path} becomes {json.dumps(read)}"


register_default_plugins()
problems = []
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        board = json.load(file)
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    problems += [f"{name}: {problem}" for problem in lost("", board, read)]
print("\n".join(problems))
sys.exit(bool(problems))
