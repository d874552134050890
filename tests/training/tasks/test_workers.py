"""Where tasks run: what is accepted, and what is said where workers cannot be had."""

from __future__ import annotations

import threading

import dask.config
import pytest
from distributed import LocalCluster, Security

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError, TrainingError
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.tasks.worker_host import PATIENT
from napari_fmri_decoder.training.tasks.workers import LOG, MANY, check_cluster, open_pool, suits, unprotected

DEVICE_COUNT = "napari_fmri_decoder.training.torch.devices.device_count"

LINEAR, CNN = get_decoder({"name": "linear"}), get_decoder({"name": "cnn2d"})


@pytest.mark.parametrize(
    "where",
    [
        *("serial", "local:1", "local:16", "tcp://10.0.0.1:8786", "tls://head:8786", "tls://[::1]:8786"),
        *("tls://[fe80::1%eth0]:8786", "tls://head-1.lab.example.org:65535"),
    ],
)
def test_places_are_known(where):
    check_cluster(where)


@pytest.mark.parametrize(
    "where",
    [
        *("", "local", "local:0", "local:1025", "local:two", "local:-1", "local:2 ", "8", "ssh://there:22"),
        *(
            "tcp://",
            "tls://",
            "tcp://head",
            "tls://head:",
            "tls://head:0",
            "tls://head:65536",
            "tls:head:8786",
        ),
        *("tls://:8786", "tls://head:8786/status", "tls://a b:8786", "inproc://head:1", "ws://head:8786"),
    ],
)
def test_other_words_are_refused(where):
    with pytest.raises(InputError, match=r"local:N.*tcp://"):
        check_cluster(where)


def test_workers_are_started_only_where_there_is_much_to_do(monkeypatch):
    monkeypatch.setattr("dask.system.CPU_COUNT", 8)
    config = TrainingConfig(threads=2, device="cpu")
    assert suits(LINEAR, config.resolved(LINEAR), MANY, batched=False) == "local:8"
    assert (
        suits(CNN, config.resolved(CNN), MANY, batched=False) == "local:4"
    )  # each computes with two threads
    assert suits(LINEAR, config.resolved(LINEAR), MANY - 1, batched=False) == "serial"
    assert suits(LINEAR, config.resolved(LINEAR), MANY, batched=True) == "serial"
    monkeypatch.setattr("dask.system.CPU_COUNT", 1)
    assert suits(LINEAR, config.resolved(LINEAR), MANY, batched=False) == "serial"


def test_a_graphics_processor_has_one_process(monkeypatch):
    monkeypatch.setattr("dask.system.CPU_COUNT", 8)
    monkeypatch.setattr(DEVICE_COUNT, lambda kind: 0)
    on_cpu = suits(CNN, TrainingConfig(device="auto", threads=2).resolved(CNN), MANY, batched=False)
    monkeypatch.setattr(DEVICE_COUNT, lambda kind: int(kind == "cuda"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    for device in ("auto", "cuda"):
        assert (
            suits(CNN, TrainingConfig(device=device, threads=2).resolved(CNN), MANY, batched=False)
            == "serial"
        )
    assert suits(LINEAR, TrainingConfig(threads=2).resolved(LINEAR), MANY, batched=False) == "local:8", (
        "needs none"
    )
    assert (
        suits(CNN, TrainingConfig(device="cpu", threads=2).resolved(CNN), MANY, batched=False)
        == on_cpu
        == "local:4"
    )


def test_a_scheduler_that_does_not_answer_is_an_error(monkeypatch):
    monkeypatch.setattr("napari_fmri_decoder.training.tasks.workers._CONNECT", "300ms")
    with (
        pytest.raises(InputError, match=r"No Dask scheduler answered at \S+ within 300ms"),
        open_pool("tcp://127.0.0.1:9"),
    ):
        pass


def test_a_scheduler_without_protection_gives_a_warning():
    assert "anyone who can reach its port can run programs as you" in unprotected("tcp://head:8786")
    assert not any(map(unprotected, ("serial", "local:4", "tls://head:8786")))


def certificates(security, folder, role="client"):
    """Settings of Dask that name such credentials in files."""
    names = {
        "ca-file": security.tls_ca_file,
        f"{role}.cert": security.tls_client_cert,
        f"{role}.key": security.tls_client_key,
    }
    settings = {}
    for name, content in names.items():
        path = folder / f"{name}.pem"
        path.write_text(content)
        settings[f"distributed.comm.tls.{name}"] = str(path)
    return settings


def test_a_scheduler_with_certificates_is_used_by_who_has_them(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_fmri_decoder.training.tasks.workers._CONNECT", PATIENT)
    ours, others = Security.temporary(), tmp_path / "others"
    others.mkdir()
    with LocalCluster(
        n_workers=1, processes=False, dashboard_address="127.0.0.1:0", protocol="tls", security=ours
    ) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        with dask.config.set(certificates(ours, tmp_path)), open_pool(address) as pool:
            assert [r for r in pool.imap(divmod, [(7, 3)]) if r is not None] == [(2, 1)]
        monkeypatch.setattr("napari_fmri_decoder.training.tasks.workers._CONNECT", "500ms")
        with (
            dask.config.set(certificates(Security.temporary(), others)),
            pytest.raises(InputError, match=r"only to a certificate that it knows"),
            open_pool(address),
        ):
            pass


def test_an_address_without_encryption_is_refused_where_it_is_required():
    with (
        dask.config.set({"distributed.comm.require-encryption": True}),
        pytest.raises(InputError, match=r"requires encryption.*tls://"),
        open_pool("tcp://127.0.0.1:9"),
    ):
        pass


def test_missing_or_damaged_certificates_are_errors(tmp_path):
    with (
        pytest.raises(InputError, match=r"needs certificates.*names none.*tls\.ca-file"),
        open_pool("tls://a:1"),
    ):
        pass
    settings = certificates(Security.temporary(), tmp_path)
    (tmp_path / "client.key.pem").write_text("no key")
    with (
        dask.config.set(settings),
        pytest.raises(InputError, match="needs readable certificates, but"),
        open_pool("tls://a:1"),
    ):
        pass
    (tmp_path / "ca-file.pem").unlink()
    with dask.config.set(settings), pytest.raises(InputError, match="No such file"), open_pool("tls://a:1"):
        pass


def test_a_task_that_kills_its_worker_is_reported_and_other_tasks_continue(tmp_path):
    ends = "__import__('os')._exit(9)"
    calls = [(ends,), *((f"{i} * {i}",) for i in range(6))]
    log = tmp_path / LOG
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), open_pool("local:2", log) as pool:
        told = pool.imap(eval, calls, lambda call, error: f"{call[0]}: {error}")
        found = [result for result in told if result is not None]
        lost = [result for result in found if isinstance(result, str)]
        assert sorted(result for result in found if result not in lost) == [i * i for i in range(6)]
        assert len(lost) == 1
        assert lost[0].startswith(f"{ends}: A task killed its worker several times")
        assert lost[0].endswith(f"Their log is {log}.")
        with pytest.raises(TrainingError, match="killed its worker several times"):  # as the folds of a run
            list(pool.imap(eval, calls[:1]))


def test_a_running_scheduler_is_used_from_any_thread_and_left_running(monkeypatch):
    monkeypatch.setattr("napari_fmri_decoder.training.tasks.workers._CONNECT", PATIENT)
    found = []

    def work(address):
        with open_pool(address) as pool:
            found.append(pool.workers)
            found.append(sorted(r for r in pool.imap(divmod, [(i, 3) for i in range(9)]) if r is not None))
            with pytest.raises(ZeroDivisionError):
                list(pool.imap(divmod, [(1, 0)]))

    with LocalCluster(
        n_workers=1, processes=False, dashboard_address="127.0.0.1:0", protocol="tcp"
    ) as cluster:
        for _ in range(2):  # the first connection leaves it running for the second
            thread = threading.Thread(target=work, args=(cluster.scheduler_address,))
            thread.start()
            thread.join()
    assert found == [1, [divmod(i, 3) for i in range(9)]] * 2
