"""Does a code become one project with the quotas of its spec, whatever step is cut off? Against answers that are made here."""

from __future__ import annotations

from collections.abc import Iterator

import openstack
import pytest
from cloud_ledger import Spec
from openstack.exceptions import HttpException
from openstack_answers import Answers
from signup.openstack import OpenStack
from signup.store import Signup

SPEC = Spec(1, "small", 1, 2048, 20, 720, 2_592_000, 10**18, True)


def signup(allocation_id: int = 7, resource: str | None = None) -> Signup:
    return Signup(
        "ab" * 16, "user@example.org", "0x" + "11" * 32, "0050-00C9", (1 << 64) + 5, 1, "small", True, None, "reserved", None, 0,
        allocation_id, resource,
    )  # fmt: skip


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.close()


def cloud(answers: Answers) -> OpenStack:
    connection = openstack.connect(
        auth_url=f"{answers.url}/identity/v3", username="operator", password="secret", project_name="admin",
        user_domain_id="default", project_domain_id="default", region_name="one", load_envvars=False, load_yaml_config=False,
    )  # fmt: skip
    return OpenStack(connection, "default", [SPEC])


def test_a_code_becomes_one_project_with_the_quotas_of_its_spec(answers: Answers) -> None:
    one, other = cloud(answers), cloud(answers)
    project_id = one.prepare(signup())
    assert other.prepare(signup()) == project_id, "the same step again makes no second project"
    (project,) = answers.projects.values()
    assert project["name"] == "passport-10000000000000005-7" and project["enabled"] is False
    assert "user@example.org" not in str(project)
    assert answers.compute == {project_id: {"instances": 1, "cores": 1, "ram": 2048}}
    assert answers.volumes == {project_id: {"volumes": 1, "gigabytes": 20}}
    one.activate(signup(resource=project_id))
    assert answers.projects[project_id]["enabled"] is True


def test_a_step_that_was_cut_off_finds_what_it_made(answers: Answers) -> None:
    one = cloud(answers)
    answers.fail_next = "PUT /compute"
    with pytest.raises(HttpException):
        one.prepare(signup())
    assert len(answers.projects) == 1 and not answers.compute
    project_id = one.prepare(signup())
    assert set(answers.projects) == {project_id} == set(answers.compute)


def test_of_two_that_make_it_at_once_one_finds_the_others(answers: Answers) -> None:
    one, other = cloud(answers), cloud(answers)
    kept = one.prepare(signup())
    # As if it had not been there when the other one looked.
    assert other._create(signup()).id == kept
    assert len(answers.projects) == 1


def test_a_release_leaves_nothing_and_may_be_repeated(answers: Answers) -> None:
    one = cloud(answers)
    one.prepare(signup())
    keeps = one.prepare(signup(allocation_id=8))
    one.release(signup())
    one.release(signup())
    assert set(answers.projects) == {keeps}
