"""The SQLite store keeps the contract, and its file's troubles have names."""

from __future__ import annotations

import ctypes
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from statelang.config import open_care, open_store
from statelang.core.stimulus import Stopped, TimerFired
from statelang.errors import (
    InvalidSettings,
    StoreError,
    StoreFull,
    StoreNotOurs,
    StoreReadOnly,
    StoreTooNew,
    UnreadableCheckpoint,
)
from statelang.ports import Commit, Store
from statelang.stores.sqlite import SNAPSHOT_ROWS, SqliteStore
from statelang.stores.sqlite_file import APPLICATION_ID, Transaction
from tests.shared import ROOT
from tests.stores.contract import AT, StoreContract, told

ASKED = {"capture_output": True, "text": True, "check": True, "timeout": 60}


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        self.opened = [SqliteStore(str(tmp_path / "store.db"))]
        yield self.opened[0]
        for store in self.opened:
            store.close()

    def again(self, store: Store) -> Store:
        assert isinstance(store, SqliteStore)
        self.opened.append(SqliteStore(store.place))
        return self.opened[-1]

    def test_it_is_read_back_by_a_process_that_knows_nothing(self, store: Store) -> None:
        lease, execution = self.begun(store)
        for _ in range(SNAPSHOT_ROWS):
            if execution.head.status == "RUNNING":
                self.to_the_tasks(store, lease, execution)
                self.answer(store, lease, execution)
        self.same(self.again(store).read("one"), execution)

    def test_a_dead_owners_work_is_free_at_once(self, tmp_path: Path) -> None:
        """Its process is gone without a word: the lock it held is what tells."""
        code = (
            "import os, sys; from tests.stores.contract import *; from statelang.stores.sqlite import SqliteStore\n"
            "StoreContract().begun(SqliteStore(sys.argv[1])); os.kill(os.getpid(), 9)"
        )
        place = tmp_path / "store.db"
        subprocess.run([sys.executable, "-c", code, str(place)], check=False, timeout=60)
        with closing(SqliteStore(str(place))) as store:
            assert not store.summary("one").driven
            assert list(store.due(AT, 10)) == ["one"]
            assert store.claim("one") is not None
        assert [file.name for file in tmp_path.iterdir()] == ["store.db"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
    def test_a_process_that_was_forked_off_keeps_no_dead_owner_alive(self, tmp_path: Path) -> None:
        """A task may use multiprocessing: what it has left running is not the worker."""
        code = (
            "import os, sys, time; from tests.stores.contract import *\n"
            "from statelang.stores.sqlite import SqliteStore\n"
            "StoreContract().begun(SqliteStore(sys.argv[1])); child = os.fork()\n"
            "if child == 0: os.close(1); os.close(2); time.sleep(30)\n"
            "print(child, flush=True); os.kill(os.getpid(), 9)"
        )
        place = str(tmp_path / "store.db")
        told = subprocess.run([sys.executable, "-W", "ignore", "-c", code, place], capture_output=True, timeout=60)
        try:
            with closing(SqliteStore(place)) as store:
                assert list(store.due(AT, 10)) == ["one"]
        finally:
            os.kill(int(told.stdout), signal.SIGKILL)

    def test_a_live_owners_work_is_not(self, store: Store) -> None:
        self.begun(store)
        guest = self.again(store)
        assert guest.summary("one").driven
        assert guest.due(AT * 2, 10) == []
        assert guest.claim("one") is None

    def test_a_live_owner_is_known_under_another_name_of_the_file(self, store: Store, tmp_path: Path) -> None:
        """Who reaches the store through a link looks for the locks where they are, and takes no live work over."""
        assert isinstance(store, SqliteStore)
        self.begun(store)
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "link.db").symlink_to(store.place)
        with closing(SqliteStore(str(tmp_path / "elsewhere" / "link.db"))) as guest:
            assert guest.summary("one").driven
            assert guest.due(AT * 2, 10) == []
            assert guest.claim("one") is None
            assert store.summary("one").driven

    @pytest.mark.skipif(sys.platform == "win32", reason="there are no such users")
    @pytest.mark.parametrize("mode", [0o644, 0o600])
    def test_another_users_work_is_told_alive_or_dead(self, mode: int, store: Store, tmp_path: Path) -> None:
        """Users may share a store; the lock's file of another one can be read only, or not even that."""
        assert isinstance(store, SqliteStore)
        self.begun(store)
        (lock,) = tmp_path.glob("*-owner-*")
        lock.chmod(mode)
        code = (
            "import os, sys; from statelang.stores.sqlite_file import owner_lives\n"
            "if os.geteuid() == 0: os.setegid(65534); os.seteuid(65534)\n"
            "print(owner_lives(sys.argv[1], 1))"
        )
        for folder in [one for one in (tmp_path, *tmp_path.parents) if "pytest-" in str(one)]:
            folder.chmod(0o755)

        def told() -> str:
            return subprocess.run([sys.executable, "-c", code, store.place], **ASKED).stdout.strip()  # type: ignore[call-overload,no-any-return]

        assert told() == "True"
        if mode == 0o644:
            store._lock.release()  # type: ignore[union-attr]
            store._lock = None
            lock.touch(0o644)
            assert told() == "False"

    def test_a_closed_owners_work_is_free_at_once(self, store: Store) -> None:
        self.begun(store)
        guest = self.again(store)
        store.close()
        self.opened.remove(store)  # type: ignore[arg-type]
        assert guest.claim("one") is not None

    def test_what_is_rolled_back_takes_no_frames_away(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk that is full as a Map ends: its iterations are still there, and must be so for whoever loads them."""
        assert isinstance(store, SqliteStore)
        monkeypatch.setattr("statelang.stores.sqlite.SNAPSHOT_ROWS", 2)
        lease, execution = self.begun(store)
        while "Each" not in {frame.state for frame in execution.frames.values()} or execution.ready:
            self.step(store, lease, execution)
        self.answer(store, lease, execution)
        self.to_the_tasks(store, lease, execution)
        *others, last = list(execution.waiting)
        for command in others:
            self.step(store, lease, execution, TimerFired(AT + 9_000, bytes(16), command))
        before = store.read("one")
        full = sqlite3.OperationalError("database or disk is full")
        with monkeypatch.context() as patch:
            patch.setattr("statelang.stores.sqlite.Transaction.__exit__", lambda self, *_: _roll_back(self, full))
            with pytest.raises(StoreError):
                self.step(store, lease, execution, TimerFired(AT + 9_000, bytes(16), last))
        store.load(lease)
        assert store.sweep(100) == 0
        self.same(self.again(store).read("one"), before)

    def test_sql_sees_the_history(self, store: Store) -> None:
        lease, execution = self.begun(store)
        self.to_the_end(store, lease, execution)
        with closing(sqlite3.connect(store.place)) as db:  # type: ignore[attr-defined]
            rows = db.execute("SELECT id, type, time, state FROM event WHERE execution = 'one' ORDER BY id").fetchall()
        assert [row[0] for row in rows] == list(range(1, execution.head.events + 1))
        assert rows[0][1:] == ("ExecutionStarted", "2026-01-01T00:00:00.000Z", None)
        assert rows[1][1] == "PassStateEntered"
        assert rows[1][3] == "Remember"

    def test_an_unknown_checkpoint_is_refused_by_name(self, store: Store) -> None:
        self.begun(store)
        with closing(sqlite3.connect(store.place)) as db:  # type: ignore[attr-defined]
            db.execute("UPDATE log SET body = replace(body, '\"format\":1', '\"format\":99')")
            changed = db.execute("SELECT body FROM log").fetchone()[0]
            if '"format":99' not in changed:
                db.execute("UPDATE log SET body = '{\"format\":99}'")
            db.commit()
        with pytest.raises(UnreadableCheckpoint, match="99"):
            store.read("one")


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "theirs.db"
    with closing(sqlite3.connect(place)) as db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreNotOurs, match=r"theirs\.db"):
        SqliteStore(str(place))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "letter.txt"
    place.write_text("Dear Sir or Madam,\n" * 100)
    with pytest.raises(StoreNotOurs, match=r"letter\.txt"):
        SqliteStore(str(place))
    assert place.read_text().startswith("Dear Sir")


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "newer.db"
    SqliteStore(str(place)).close()
    with closing(sqlite3.connect(place)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew, match="99"):
        SqliteStore(str(place))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnly, match="nowhere"):
        SqliteStore(str(tmp_path / "nowhere" / "store.db"))


def _without_power_over_files() -> None:
    """Let the superuser be refused like everybody else: the capabilities to pass over permissions go with exec."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):
        libc.prctl(24, capability, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are taken from the superuser by prctl")
def test_a_read_only_store_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "store.db"
    SqliteStore(str(place)).close()
    place.chmod(0o444)
    tmp_path.chmod(0o555)
    code = (
        "import sys\nfrom tests.stores.contract import StoreContract\n"
        "from statelang.stores.sqlite import SqliteStore\nfrom statelang.errors import StoreReadOnly\n"
        "try: StoreContract().begun(SqliteStore(sys.argv[1]))\n"
        "except StoreReadOnly as problem: print('refused', problem)"
    )
    words = [sys.executable, "-c", code, str(place)]
    try:
        ran = subprocess.run(
            words, cwd=ROOT, preexec_fn=_without_power_over_files, capture_output=True, text=True, check=False
        )
    finally:
        tmp_path.chmod(0o755)
    assert ran.stdout.startswith(f"refused {place}"), ran.stderr


def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path) -> None:
    contract, place = StoreContract(), tmp_path / "store.db"
    with closing(SqliteStore(str(place))) as store:
        lease, execution = contract.begun(store)
        pages = store._driver.execute("PRAGMA page_count").fetchone()[0]
        store._driver.execute(f"PRAGMA max_page_count = {pages}")
        before = told(store.read("one").head)
        new, _ = contract.new("big", {"n": 1, "items": ["x" * 10_000] * 20})
        with pytest.raises(StoreFull, match=r"store\.db"):
            store.create([new])
        assert told(store.read("one").head) == before
        store._driver.execute("PRAGMA max_page_count = 1000000")
        contract.to_the_end(store, lease, execution)
        assert store.summary("one").status == "SUCCEEDED"


def test_a_store_that_is_closed_while_others_read_refuses_them(tmp_path: Path) -> None:
    """It once ended the whole process: hence in one of its own."""
    code = (
        "import sys, threading; from statelang.errors import StatelangError\n"
        "from statelang.stores.sqlite import SqliteStore\n"
        "def read(store):\n"
        "    try:\n"
        "        while True: store.summaries()\n"
        "    except StatelangError: pass\n"
        "for number in range(60):\n"
        "    store = SqliteStore(sys.argv[1])\n"
        "    threads = [threading.Thread(target=read, args=(store,)) for _ in range(4)]\n"
        "    for thread in threads: thread.start()\n"
        "    threading.Event().wait(0.005); store.close()\n"
        "    for thread in threads: thread.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "store.db")], **ASKED)  # type: ignore[call-overload]
    assert done.returncode == 0


def test_the_store_is_looked_after(tmp_path: Path) -> None:
    contract, place = StoreContract(), tmp_path / "store.db"
    with closing(SqliteStore(str(place))) as store:
        for name in ("ended", "running"):
            lease, execution = contract.begun(store, name)
            if name == "ended":
                contract.to_the_end(store, lease, execution)
        care = open_care(f"sqlite:///{place}")
        info = care.info()
        assert info["executions"] == {"SUCCEEDED": 1, "RUNNING": 1}
        assert care.check() == []
        care.backup(str(tmp_path / "copy.db"))
        assert care.prune(AT) == 0
        assert care.prune(AT * 2) == 1
        assert [summary.id for summary in store.summaries()] == ["running"]
        assert care.check() == []
        with pytest.raises(StoreError, match=r"copy\.db"):
            care.backup(str(tmp_path / "copy.db"))
    copy = open_store(str(tmp_path / "copy.db"))
    try:
        assert {summary.id for summary in copy.summaries()} == {"ended", "running"}
        assert copy.claim("running") is None or True
    finally:
        copy.close()


def test_what_is_pruned_goes_with_the_children_of_its_map_runs(tmp_path: Path) -> None:
    contract, place = StoreContract(), tmp_path / "store.db"
    with closing(SqliteStore(str(place))) as store:
        lease, parent, run = contract.fanned(store)
        children = contract.children(store, lease, parent)
        for held, child in children[:3]:
            contract.ended(store, held, child)
        contract.moved(store, lease, parent, Stopped(AT))
        care = open_care(f"sqlite:///{place}")
        assert care.prune(AT * 2) == 0, "one of its children is still on its way"
        held, child = children[3]
        assert held is not None
        contract.moved(store, held, child, Stopped(AT))
        assert care.prune(AT) == 0
        assert care.prune(AT * 2) == 1
        assert care.check() == []
        assert list(store.map_runs("parent")) == []
        assert list(store.members(run.id, ["SUCCEEDED", "ABORTED"])) == []
    with closing(sqlite3.connect(place)) as db:
        for table in ("execution", "log", "frame", "map_run"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_file_of_an_older_format_is_brought_up_to_date(tmp_path: Path) -> None:
    contract, place = StoreContract(), tmp_path / "store.db"
    with closing(sqlite3.connect(place)) as db:
        db.executescript((ROOT / "statelang/stores/sql/001_store.sql").read_text())
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    with closing(SqliteStore(str(place))) as store:
        lease, parent, run = contract.fanned(store)
        contract.children(store, lease, parent)
        assert len(store.summaries(map_run=run.id)) == 4
        assert [summary.id for summary in store.summaries()] == ["parent"]


def test_damage_is_found(tmp_path: Path) -> None:
    contract, place = StoreContract(), tmp_path / "store.db"
    with closing(SqliteStore(str(place))) as store:
        lease, execution = contract.begun(store)
        contract.to_the_tasks(store, lease, execution)
        store.commit([Commit(lease, (), release=True, due=0)], sync=True)
    with closing(sqlite3.connect(place)) as db:
        db.execute("DELETE FROM log WHERE id = (SELECT id FROM log ORDER BY id LIMIT 1 OFFSET 2)")
        db.commit()
    (problem,) = open_care(str(place)).check()
    assert "one" in problem
    assert "gap" in problem


@pytest.mark.parametrize(
    "damage",
    [
        """UPDATE post SET body = '{"type":"Renamed","at":1}'""",  # as a version to come may post
        "UPDATE post SET body = 'garbage'",
        "UPDATE execution SET started = 'garbage'",
    ],
)
def test_what_cannot_be_read_is_named_with_the_file(damage: str, tmp_path: Path) -> None:
    place = str(tmp_path / "store.db")
    store = SqliteStore(place)
    lease, _ = StoreContract().begun(store)
    store.post("one", Stopped(AT))
    with closing(sqlite3.connect(place, isolation_level=None)) as db:
        db.execute(damage)
    with closing(store), pytest.raises(UnreadableCheckpoint, match=r"store\.db: something in it cannot be read"):
        store.load(lease)


def test_addresses_nobody_knows_are_refused(tmp_path: Path) -> None:
    for address in ("redis://localhost", "sqlite:///", "sqlite:"):
        with pytest.raises(InvalidSettings):
            open_store(address)
    with pytest.raises(InvalidSettings):
        open_care("memory:")
    with pytest.raises(StoreError, match=r"nothing\.db"):
        open_care(str(tmp_path / "nothing.db"))


def _roll_back(transaction: Transaction, problem: Exception) -> None:
    transaction._db.execute("ROLLBACK")
    raise problem
