"""The DynamoDB store, part by part: `store` is the contract, `care` looks after its table."""
