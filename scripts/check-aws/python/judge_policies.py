"""What parliament finds in policies: one JSON line {where, document} in, one line {where, code, message} out a finding."""

import json
import sys

from parliament import analyze_policy_string, enhance_finding

for line in sys.stdin:
    policy = json.loads(line)
    judged = analyze_policy_string(json.dumps(policy["document"]))
    for finding in map(enhance_finding, judged.findings):
        message = f"{finding.title}: {finding.detail}"
        print(json.dumps({"where": policy["where"], "code": finding.issue, "message": message}))
