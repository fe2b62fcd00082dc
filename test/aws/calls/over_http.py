"""Calls the local system's loopback HTTP by botocore's clients, which parse its raw answers and errors: a JSON line a call,
as validate_calls.py judges them, and a line {operation, fault} for what only the raw answer shows.

Arguments: the endpoint, the bucket, the queue, the definition, an ended job, the state machine.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from datetime import datetime

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

URL, BUCKET, QUEUE, DEFINITION, ENDED, MACHINE = sys.argv[1:]
JSON_TYPES = {
    "string": str, "timestamp": (int, float), "integer": int, "long": int, "boolean": bool, "float": (int, float),
    "double": (int, float),
}


def marked(value):
    if isinstance(value, datetime):
        return {"$date": value.isoformat()}
    if isinstance(value, dict):
        return {key: marked(each) for key, each in value.items() if key != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [marked(each) for each in value]
    return {"$bytes": ""} if isinstance(value, bytes) or hasattr(value, "read") else value


def in_json(shape, value, path):
    """What a parser passes over: fields that the model has not, and values of another type."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for name, each in value.items():
            if name not in names:
                yield f"{path}.{name} is in no model"
            elif each is not None:
                yield from in_json(names[name], each, f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for each in value:
            yield from in_json(shape.member, each, f"{path}[]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for each in value.values():
            yield from in_json(shape.value, each, f"{path}{{}}")
    elif not isinstance(value, JSON_TYPES.get(shape.type_name, ())):
        yield f"{path} is {type(value).__name__} and no {shape.type_name}"


def in_xml(shape, element, path):
    names = {}
    for name, member in shape.members.items():
        if member.type_name == "list" and member.serialization.get("flattened"):
            names[member.serialization.get("name", name)] = member.member
        else:
            names[member.serialization.get("name", name)] = member
    for child in element:
        name = child.tag.split("}")[-1]
        if name not in names:
            yield f"{path}.{name} is in no model"
        elif names[name].type_name == "structure":
            yield from in_xml(names[name], child, f"{path}.{name}")


def tell(line):
    print(json.dumps(line))


def raw_faults(model, response):
    body, status = response["body"], response["status_code"]
    shape = model.output_shape
    if status >= 300:
        known = {each.error_code: each.metadata.get("error", {}).get("httpStatusCode") for each in model.error_shapes}
        code = response["headers"].get("x-amzn-errortype")
        if code in known and known[code] not in (None, status):
            yield f"{code} comes with the status {status}, and has {known[code]}"
    elif shape is None or shape.serialization.get("payload") or not isinstance(body, bytes) or not body.strip():
        return
    elif "json" in model.metadata["protocol"]:
        yield from in_json(shape, json.loads(body), "answer")
    else:
        yield from in_xml(shape, ElementTree.fromstring(body), "answer")


def caller(service, **more):
    session = botocore.session.get_session()
    client = session.create_client(
        service, region_name="local", endpoint_url=URL, config=Config(retries={"total_max_attempts": 1}, **more)
    )
    name = client.meta.service_model.metadata["serviceId"]

    def on_response(response_dict, **_):
        for fault in raw_faults(client.meta.service_model.operation_model(current[0]), response_dict):
            tell({"operation": f"{name} {current[0]}", "fault": fault})

    current = [""]
    client.meta.events.register("response-received", on_response)

    def call(method, **given):
        current[0] = client.meta.method_to_api_mapping[method]
        line = {"service": name, "operation": current[0], "input": marked(given)}
        try:
            output = getattr(client, method)(**given)
            if hasattr(output.get("Body"), "read"):
                output["Body"].read()
        except ClientError as error:
            told = error.response["Error"]
            # A HEAD has no body to say it in.
            code = {"404": "NotFound", "403": "AccessDenied", "412": "PreconditionFailed"}.get(told["Code"], told["Code"])
            tell({**line, "error": code})
            if method != "head_object" and not told.get("Message"):
                tell({"operation": f"{name} {current[0]}", "fault": f"{code} says nothing"})
            return None
        tell({**line, "output": marked(output)})
        return output

    return call


s3 = caller("s3", s3={"addressing_style": "path"})
put = s3("put_object", Bucket=BUCKET, Key="a b+ü", Body=b"hello", ContentType="text/plain")
for key in ("l/1", "l/2", "l/3/x"):
    s3("put_object", Bucket=BUCKET, Key=key, Body=b"x")
s3("put_object", Bucket=BUCKET, Key="a b+ü", Body=b"x", IfNoneMatch="*")
s3("put_object", Bucket=BUCKET, Key="a b+ü", Body=b"x", IfMatch='"0"')
s3("put_object", Bucket=BUCKET, Key="a b+ü", Body=b"again", IfMatch=put["ETag"])
s3("get_object", Bucket=BUCKET, Key="a b+ü", VersionId=put["VersionId"])
s3("get_object", Bucket=BUCKET, Key="a b+ü", Range="bytes=1-2")
s3("get_object", Bucket=BUCKET, Key="a b+ü", Range="bytes=100-")
s3("get_object", Bucket=BUCKET, Key="nobodys")
s3("get_object", Bucket=BUCKET, Key="a b+ü", IfMatch='"0"')
s3("head_object", Bucket=BUCKET, Key="a b+ü")
s3("head_object", Bucket=BUCKET, Key="nobodys")
page = s3("list_objects_v2", Bucket=BUCKET, Prefix="l/", MaxKeys=2)
s3("list_objects_v2", Bucket=BUCKET, Prefix="l/", ContinuationToken=page["NextContinuationToken"])
s3("list_objects_v2", Bucket=BUCKET, Prefix="l/", Delimiter="/")
s3("list_objects_v2", Bucket=BUCKET, Prefix="nobodys/")
s3("delete_object", Bucket=BUCKET, Key="l/1")

batch = caller("batch")
node = {"image": "i", "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]}
nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": [{"targetNodes": "0:", "container": node}]}
batch("register_job_definition", jobDefinitionName="other", type="multinode", nodeProperties=nodes)
batch("register_job_definition", jobDefinitionName="wrong", type="multinode", nodeProperties={**nodes, "mainNode": 7})
batch("describe_job_definitions", jobDefinitionName="other")
job = batch("submit_job", jobName="n", jobQueue=QUEUE, jobDefinition=DEFINITION, nodeOverrides={"numNodes": 3})
batch("submit_job", jobName="n", jobQueue=QUEUE, jobDefinition="nobodys")
batch("describe_jobs", jobs=[ENDED, f"{ENDED}#0", f"{ENDED}#1", "00000000-0000-4000-8000-000000000000"])
batch("list_jobs", jobQueue=QUEUE, filters=[{"name": "JOB_NAME", "values": ["ended"]}])
batch("list_jobs", jobQueue=QUEUE, jobStatus="SUCCEEDED")
batch("list_jobs", multiNodeJobId=ENDED)
batch("list_jobs", jobQueue="nobodys")
batch("terminate_job", jobId=job["jobId"], reason="enough")

states = caller("stepfunctions")
started = states("start_execution", stateMachineArn=MACHINE, name="one", input='{"a":1}')
states("start_execution", stateMachineArn=MACHINE, name="one", input="{}")
states("start_execution", stateMachineArn=MACHINE + "x", name="one")
states("start_execution", stateMachineArn=MACHINE, name="two", input="{")
states("describe_execution", executionArn=started["executionArn"])
states("send_task_success", taskToken="nobodys", output="{}")
states("send_task_success", taskToken="nobodys", output="{")
states("stop_execution", executionArn=started["executionArn"], error="E", cause="c")
states("describe_execution", executionArn=started["executionArn"])
states("describe_execution", executionArn=started["executionArn"] + "x")
states("describe_execution", executionArn="arn:none")
