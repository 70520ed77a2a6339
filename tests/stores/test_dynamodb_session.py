"""A session that is made quickly finds what botocore's own finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.session import get_session

from statelang.stores.dynamodb import session
from statelang.stores.dynamodb.session import new_session
from tests.aws.dynoxide import CREDENTIALS


@pytest.fixture(autouse=True)
def unread() -> None:
    """Nothing was read yet: botocore writes defaults of an endpoint into what it has read."""
    session._loader.cache_clear()


@pytest.mark.parametrize("service", ["dynamodb", "s3", "sqs", "scheduler", "lambda", "stepfunctions"])
def test_the_data_of_services_are_botocores(service: str) -> None:
    ours, theirs = new_session().get_component("data_loader"), get_session().get_component("data_loader")
    for kind in ("service-2", "endpoint-rule-set-1"):
        assert ours.load_service_model(service, kind) == theirs.load_service_model(service, kind)
        assert service in ours.list_available_services(kind)


@pytest.mark.parametrize("name", ["endpoints", "partitions", "_retry", "sdk-default-configuration"])
def test_the_tables_are_botocores(name: str) -> None:
    ours, theirs = new_session().get_component("data_loader"), get_session().get_component("data_loader")
    assert ours.load_data_with_path(name) == theirs.load_data_with_path(name)


def test_a_service_that_is_not_there_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnknownServiceError, match="nothing-like-it"):
        new_session().create_client("nothing-like-it")


def test_models_of_the_users_own_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own" / "2026-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps({"metadata": {"serviceId": "Own"}, "operations": {}}))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    model = new_session().get_component("data_loader").load_service_model("own", "service-2")
    assert model["metadata"] == {"serviceId": "Own"}
