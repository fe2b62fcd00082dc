"""Judges recorded calls by AWS's own models: a JSON line {service, operation, input, output?, error?} in, faults out.

Types, required and unknown fields by botocore; enumerations, patterns and lengths from the same models; then the limits
that the models lack.
"""

import base64
import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()
NAMES = (
    "s3", "batch", "stepfunctions", "events", "sns", "sts", "iam", "ec2", "ecr", "cloudformation", "logs", "service-quotas",
)
MODELS = {model.metadata["serviceId"]: model for model in map(SESSION.get_service_model, NAMES)}
# Errors that S3's documentation names and its model does not; and those that any service may give.
S3_ERRORS = {
    "AccessDenied", "ConditionalRequestConflict", "InternalError", "InvalidArgument", "InvalidRange", "KeyTooLongError",
    "MethodNotAllowed", "NoSuchKey", "NoSuchVersion", "NotFound", "PreconditionFailed", "SlowDown",
}
ANY_ERRORS = {
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "ThrottlingException", "ValidationError",
    "ValidationException",
}


def revived(value):
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        if "$date" in value:
            return value["$date"]
        return {key: revived(each) for key, each in value.items()}
    return [revived(each) for each in value] if isinstance(value, list) else value


def beyond_model(shape, value, path):
    """Enumerations, patterns and lengths, which botocore's own validation leaves to the service."""
    if shape.type_name == "structure":
        for name, each in value.items():
            if name in shape.members:
                yield from beyond_model(shape.members[name], each, f"{path}.{name}")
    elif shape.type_name == "list":
        yield from sized(shape, len(value), path)
        for index, each in enumerate(value):
            yield from beyond_model(shape.member, each, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, each in value.items():
            yield from beyond_model(shape.key, key, f"{path}.{key} (key)")
            yield from beyond_model(shape.value, each, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from sized(shape, len(value), path)
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is none of {shape.enum}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.search(pattern, value):
            yield f"{path}: {value[:80]!r} is not {pattern}"


def sized(shape, size, path):
    most, least = shape.metadata.get("max"), shape.metadata.get("min")
    if most is not None and size > most or least is not None and size < least:
        yield f"{path}: {size} is not {least} to {most}"


def lacking(operation, given):
    """Limits of AWS's documentation that are in no model."""
    if operation == "SubmitJob":
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", given["jobName"]):
            yield "jobName: up to 128 letters, digits, hyphens and underscores"
        if len(json.dumps(given)) > 30 * 1024:
            yield "a request of more than 30 KiB"
        if not 1 <= given.get("retryStrategy", {}).get("attempts", 1) <= 10:
            yield "retryStrategy.attempts: 1 to 10"
        if len(given.get("retryStrategy", {}).get("evaluateOnExit", [])) > 5:
            yield "evaluateOnExit: at most 5 rules"
        if given.get("timeout", {}).get("attemptDurationSeconds", 60) < 60:
            yield "timeout.attemptDurationSeconds: at least 60"
        if len(given.get("tags", {})) > 50:
            yield "tags: at most 50"
        for text in [text for pair in given.get("tags", {}).items() for text in pair]:
            # isalnum: letters and digits of every language; isspace has line breaks as well.
            if not all(c.isalnum() or c == " " or c in "_.:/=+-@" for c in text):
                yield f"tags: {text!r} has characters that AWS refuses"
        if ("shareIdentifier" in given) != ("schedulingPriorityOverride" in given):
            yield "shareIdentifier and schedulingPriorityOverride: both or neither"
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}\*?", given.get("shareIdentifier", "x")):
            yield "shareIdentifier: up to 255 alphanumeric characters"
        if not 0 <= given.get("schedulingPriorityOverride", 0) <= 9999:
            yield "schedulingPriorityOverride: 0 to 9,999"
        for override in given.get("nodeOverrides", {}).get("nodePropertyOverrides", []):
            if "instanceTypes" in override and "ecsPropertiesOverride" not in override:
                yield "instanceTypes of a range: only with ecsProperties"
            for pair in override.get("containerOverrides", {}).get("environment", []):
                if pair["name"].startswith("AWS_BATCH_"):
                    yield f"environment: {pair['name']} is reserved"
    if operation == "RegisterJobDefinition":
        for each in given.get("nodeProperties", {}).get("nodeRangeProperties", []):
            if "instanceTypes" in each and "ecsProperties" not in each:
                yield "instanceTypes of a range: only with ecsProperties"
    if operation == "DescribeJobs" and len(given["jobs"]) > 100:
        yield "DescribeJobs: at most 100"
    if operation == "StartExecution":
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", given.get("name", "generated")):
            yield "name of an execution: 1 to 80 letters, digits, hyphens and underscores"
        if len(given.get("input", "").encode()) > 256 * 1024:
            yield "input of more than 256 KiB"
    if operation == "PutEvents":
        if sum(len(entry.get("Detail", "").encode()) for entry in given["Entries"]) > 1024 * 1024:
            yield "entries of more than a mebibyte"
        for entry in given["Entries"]:
            if entry.get("Source", "").startswith("aws.") or not entry.get("Source") or not entry.get("DetailType"):
                yield "an entry without a source and a detail type of one's own"
            if not isinstance(json.loads(entry.get("Detail", "null")), dict):
                yield "Detail is no JSON object"
            if not entry.get("EventBusName", "default"):
                yield "a bus without a name"
    if operation == "Publish":
        if not re.fullmatch(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,99}", given.get("Subject", "x")):
            yield "Subject: less than 100 characters, no line breaks, no control characters"
        if len(given["Message"].encode()) > 256 * 1024:
            yield "a message of more than 256 KiB"
    if "Key" in given and len(given["Key"].encode()) > 1024:
        yield "a key of more than 1,024 bytes"


def faults(call):
    model = MODELS[call["service"]].operation_model(call["operation"])
    given = revived(call["input"])
    report = ParamValidator().validate(given, model.input_shape)
    if report.has_errors():
        yield f"input: {report.generate_report()}"
    else:
        yield from beyond_model(model.input_shape, given, "input")
        yield from lacking(call["operation"], given)
    if "error" in call:
        known = {shape.error_code for shape in model.error_shapes} | {shape.name for shape in model.error_shapes}
        known |= ANY_ERRORS | (S3_ERRORS if call["service"] == "S3" else set())
        if call["error"] not in known:
            yield f"error: {call['error']} is none of {sorted(known)}"
        return
    output = revived(call["output"])
    if model.output_shape is None:
        if output:
            yield f"output: {sorted(output)} where there is none"
        return
    report = ParamValidator().validate(output, model.output_shape)
    if report.has_errors():
        yield f"output: {report.generate_report()}"
    else:
        yield from beyond_model(model.output_shape, output, "output")


count = 0
for line in sys.stdin:
    recorded = json.loads(line)
    count += 1
    for fault in faults(recorded):
        print(json.dumps({"operation": f"{recorded['service']} {recorded['operation']}", "fault": fault}))
print(json.dumps({"judged": count}))
