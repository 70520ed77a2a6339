"""The texts of what `deploy` writes: a SAM template, a handler, and a template for AWS Step Functions."""
