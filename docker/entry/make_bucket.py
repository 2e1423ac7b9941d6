"""Makes the bucket of the object store where there is none; waits a minute for a store that is still starting."""

import os
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

bucket = os.environ["BUCKET"]
store = boto3.client("s3")
for _ in range(60):
    try:
        if bucket not in {known["Name"] for known in store.list_buckets()["Buckets"]}:
            store.create_bucket(Bucket=bucket)
        break
    except (BotoCoreError, ClientError) as error:
        print(f"the object store does not answer yet: {error}", flush=True)
        time.sleep(1)
else:
    raise SystemExit("the object store does not answer")
