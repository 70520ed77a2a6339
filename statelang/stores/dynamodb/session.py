"""Botocore's session, whose clients are made in a third of the time: what a function does at each cold start.

Botocore walks through the folders of all 400 services to learn that it knows one of them, and reads its tables of
endpoints, 1.2 MB, with the decoder of Python. Here only names are listed, and msgspec decodes; what is read is kept for
the next session, which expired credentials need. What is found, and where, stays botocore's: `AWS_DATA_PATH`,
`~/.aws/models` and all of the configuration.

Rule: a session differs from botocore's own in time alone.
"""

from __future__ import annotations

import gzip
import os
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import msgspec

OPENED: Final = ((".json", open), (".json.gz", gzip.open))


def new_session() -> Any:
    """A session, with credentials of its own. Raises ImportError without botocore."""
    from botocore.session import get_session  # boto3 would load the S3 transfer and half of multiprocessing besides

    session = get_session()
    session.register_component("data_loader", _loader(tuple(session.get_component("data_loader").search_paths)))
    return session


class Files:
    """Reads the files of botocore's data; a path has no ending. See `botocore.loaders.JSONFileLoader`."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return any(os.path.isfile(path + ending) for ending, _ in OPENED)

    def load_file(self, path: str) -> Any:
        """What it holds; None: there is none."""
        for ending, opened in OPENED:
            with suppress(FileNotFoundError, NotADirectoryError), opened(path + ending, "rb") as file:
                return msgspec.json.decode(file.read())
        return None


@lru_cache(maxsize=4)
def _loader(paths: tuple[str, ...]) -> Any:
    """The loader of these folders."""
    from botocore.loaders import Loader

    loader = Loader(extra_search_paths=list(paths), file_loader=Files(), include_default_search_paths=False)
    names = sorted({name for path in paths if os.path.isdir(path) for name in os.listdir(path)})
    loader.list_available_services = lambda type_name: names
    return loader
