"""A remote storage with real requests: an S3 server, by moto, on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECRET = "AnotherSecretThatNobodyShouldSee"
SERVE = """
from moto.server import ThreadedMotoServer
import logging, sys
logging.getLogger("werkzeug").disabled = True
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class S3:
    """An S3 server that is running.

    Attributes:
        environment: the variables that direct fsspec to the server.
    """

    environment: dict[str, str]


@contextmanager
def start_s3() -> Iterator[S3]:
    """Run an S3 server in a process of its own, as its clients wait in this one."""
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdin
    try:
        host, port = process.stdout.readline().split()
        s3 = S3(
            {
                "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
                "AWS_ACCESS_KEY_ID": "AKIASOMEBODY",
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        )
        yield s3
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def put_folder(s3: S3, folder: Path, prefix: str) -> None:
    """Create the bucket `scans`, and put the files of a folder into it, below `prefix`."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=s3.environment["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id="AKIASOMEBODY",
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="scans")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            client.put_object(Bucket="scans", Key=f"{prefix}/{path.relative_to(folder)}", Body=path.read_bytes())
    client.close()
