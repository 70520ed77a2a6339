"""Where executions live: one technology per module, each the same contract (`statelang.ports.Store`).

Rule: a store keeps and finds; it never decides what an execution does.
"""
