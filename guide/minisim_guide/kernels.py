"""The kernels behind the pages: one Python, spoken to by files, and none taken from under its reader."""

from __future__ import annotations

import os
import time
import uuid

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import default
from zmq import IPC_PATH_MAX_LEN


class ThisPython(KernelSpecManager):
    """Knows one kernel, the Python that serves: no kernel installed elsewhere can take its place."""

    @default("kernel_dirs")
    def _nowhere_else(self) -> list[str]:
        return []

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the one kernel, which reports errors but not that it talks plainly to its own machine."""
        spec = super().get_kernel_spec(kernel_name)
        return KernelSpec(**{**spec.to_dict(), "argv": [*spec.argv, "--log-level=ERROR"]})


class Kernels(AsyncMappingKernelManager):
    """Ends kernels that no page uses any more, but gives a page that takes one the time to connect to it.

    A kernel that waited for its page has been idle for long when the page comes, and has no connection
    before the page is loaded: it would be ended if it was looked at in between.
    """

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._taken_s: dict[str, float] = {}

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel if it is idle and was first looked at long ago.

        Parameters
        ----------
        kernel_id
            One that does not wait for a page: Voila does not ask about those.
        """
        if time.monotonic() - self._taken_s.setdefault(kernel_id, time.monotonic()) >= self.cull_idle_timeout:
            await super().cull_kernel_if_idle(kernel_id)

    def remove_kernel(self, kernel_id: str) -> KernelManager:
        """Forget a kernel."""
        self._taken_s.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)


def transport(scratch: str) -> str:
    """Return how kernels are spoken to: by files, where the system can.

    A port is chosen before the kernel takes it, and a kernel dies when another program was quicker.

    Parameters
    ----------
    scratch
        The folder below which Voila keeps what it needs to find its kernels.
    """
    longest = os.path.join(scratch, "voila_12345678", f"kernel-{uuid.uuid4()}-ipc-5")
    return "ipc" if os.name == "posix" and len(os.fsencode(longest)) <= IPC_PATH_MAX_LEN else "tcp"
