"""Facts in, findings out, as text and as JSON."""

import dataclasses
import importlib.util
import json

import pytest

from edgeleuk.device import doctor
from edgeleuk.device.findings import LEVELS
from edgeleuk.device.throttling import Throttling
from edgeleuk.device.trial import Trial

replace = dataclasses.replace


def test_a_healthy_machine_has_nothing_to_mend(healthy):
    report = doctor.examine(healthy)
    assert {finding.level for finding in report.findings} == {"ok"}
    assert report.can_infer
    assert doctor.render(report).splitlines()[-1] == "Inference works here: nothing to mend."


def test_every_finding_that_is_not_ok_says_what_to_do(healthy):
    trouble = replace(
        healthy,
        host=replace(healthy.host, python=(3, 14, 0), libc_version="2.31", packages={}),
        health=replace(healthy.health, throttling=Throttling.decode(0x50005), temperature_c=85.0),
        processor=replace(healthy.processor, governors=("powersave",), usable_cores=1),
        backend=None,
        trials={},
    )
    report = doctor.examine(trouble)
    assert not report.can_infer
    poor = [finding for finding in report.findings if finding.level != "ok"]
    assert {"backend", "interpreters", "python", "libc", "clock governor", "throttling"} <= {item.name for item in poor}
    assert all(finding.advice for finding in poor)
    assert doctor.render(report).splitlines()[-1].startswith("Inference does not work here: 5 problems, 5 warnings")


def test_names_are_unique_and_levels_are_known(healthy):
    findings = doctor.examine(healthy).findings
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names)
    assert {finding.level for finding in findings} <= set(LEVELS)


def test_the_table_is_aligned_and_fits(healthy):
    facts = replace(healthy, trials={"litert": Trial("litert", "its process was ended by SIGILL " + 40 * "and more ")})
    lines = doctor.render(doctor.examine(facts), 80).splitlines()
    starts = [line for line in lines if line.startswith(LEVELS)]
    column = starts[0].index("litert")
    assert all(line[column - 1] == " " and line[column] != " " for line in starts)
    assert max(map(len, lines)) <= 80
    assert f"{' ' * column}-> " in "\n".join(lines)


def test_json_holds_findings_and_facts(healthy):
    record = json.loads(json.dumps(doctor.examine(healthy).to_dict(), allow_nan=False))
    assert record["schema_version"] == doctor.SCHEMA_VERSION
    assert record["can_infer"] is True
    assert {"name", "level", "found", "advice"} == set(record["findings"][0])
    assert record["facts"]["host"]["architecture"] == "aarch64"
    assert record["facts"]["trials"]["litert"]["coverage"]["partitions"] == 1
    assert record["facts"]["health"]["throttling"] == {"now": [], "since_boot": [], "source": "vcgencmd"}


def test_this_machine_is_examined_for_real(small_model, tmp_path):
    facts = doctor.collect(small_model, folder=tmp_path)
    assert (facts.backend, facts.works, facts.place.path) == ("litert", True, str(tmp_path))
    assert facts.model_trial.ran
    assert set(facts.model_trial.invoke_ms) <= {1, 2, 4}
    assert doctor.examine(facts).can_infer


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is not None, reason="tflite-runtime is installed")
def test_a_backend_that_is_not_installed_is_not_replaced_by_another():
    facts = doctor.collect(backend="tflite-runtime")
    assert facts.backend is None
    assert set(facts.trials) == {"litert"}
    assert not doctor.examine(facts).can_infer


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_that_were_asked_for_are_the_ones_tried(small_model, threads):
    facts = doctor.collect(small_model, threads)
    assert list(facts.model_trial.invoke_ms) == [threads]
    assert list(facts.trials["litert"].invoke_ms) == [threads]
