"""AWS as it is: Lambda, the AWS SDK, the optimized integrations, through boto3 (the extra `aws`).

Rule: boto3 is imported only when a task needs it. What a Resource means is one row or one generic path; nothing here
retries by itself: the state's Retry decides.
"""

from statelang.tasks.aws.service import AwsTask, aws_task

__all__ = ["AwsTask", "aws_task"]
