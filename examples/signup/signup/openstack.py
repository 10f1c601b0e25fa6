"""How does an OpenStack cloud give what a code is good for?

A project per code, with the quotas of the code's spec, disabled until the code is redeemed: Keystone, Nova and Cinder through openstacksdk
and the public API alone, as an operator's service user. The project's name tells its allocation, so that a step that was cut off finds what
it made. Who may log in to the project is the cloud's own affair (README.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import openstack
from cloud_ledger import Spec
from openstack.exceptions import ConflictException

from .store import Signup

API_SECONDS: Final = 10.0
"""Longest wait for one answer of OpenStack."""


class OpenStack:
    """Projects in one Keystone domain."""

    def __init__(self, connection: Any, domain_id: str, specs: Sequence[Spec]) -> None:
        self._connection = connection
        self._domain_id = domain_id
        self._specs = {spec.spec_id: spec for spec in specs}

    @classmethod
    def connect(cls, name: str, domain_id: str, specs: Sequence[Spec]) -> OpenStack:
        """The cloud of that name in clouds.yaml."""
        return cls(openstack.connect(cloud=name, api_timeout=API_SECONDS), domain_id, specs)

    def prepare(self, signup: Signup) -> str:
        project = self._find(signup) or self._create(signup)
        spec = self._specs[signup.spec_id]
        self._connection.compute.update_quota_set(project, instances=1, cores=spec.vcpus, ram=spec.memory_mib)
        self._connection.block_storage.update_quota_set(project, volumes=1, gigabytes=spec.disk_gib)
        return str(project.id)

    def activate(self, signup: Signup) -> None:
        self._connection.identity.update_project(signup.resource, is_enabled=True)

    def release(self, signup: Signup) -> None:
        project = self._find(signup)
        if project is not None:
            self._connection.identity.delete_project(project, ignore_missing=True)

    def _create(self, signup: Signup) -> Any:
        try:
            return self._connection.identity.create_project(
                name=_name(signup),
                domain_id=self._domain_id,
                description=f"{signup.spec_name} for promo code {signup.passport_code}",
                is_enabled=False,
            )
        except ConflictException:
            # Another instance of this service was faster.
            project = self._find(signup)
            if project is None:
                raise
            return project

    def _find(self, signup: Signup) -> Any:
        found = self._connection.identity.projects(name=_name(signup), domain_id=self._domain_id)
        return next(iter(found), None)


def _name(signup: Signup) -> str:
    """Without personal data: the project's name is shown in bills and logs."""
    return f"passport-{signup.code_id:x}-{signup.allocation_id}"
