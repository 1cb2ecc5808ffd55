"""The compiled build: mypyc compiles the modules that every request passes. The sources and the tests are the same.

    HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip install .

Owns how the modules are compiled; ``pyproject.toml`` lists them. Without that variable the wheel is plain Python, which is tested first.
Must never write into the source tree: a library beside its source would hide every change of the source. Needs a C compiler and Python's
headers. Source: hatchling's build hooks, mypyc's ``mypycify``.
"""

import os
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from mypyc.build import mypycify
from setuptools import Distribution

OPTIMISATION = "3"
OF_ITS_OWN = ("-fno-semantic-interposition", "-fvisibility=hidden") if os.name == "posix" else ()
"""No other library calls or replaces a function of ours, so the compiler may call it directly, or put it in its caller's place. Measured: a
request with a new head takes 11 % less time outside of the kernel."""

QUIETLY = ("-Wno-all", "-w") if os.name == "posix" else ()
"""The C is generated, and nobody reads warnings about it. But Python's own flags have ``-Wall``, so gcc 12 searches for them:
174 s of the 350 s that it takes for our file of 640,000 lines."""


class CompiledBuild(BuildHookInterface[Any]):
    """A build hook that puts the compiled libraries into the wheel, beside their sources."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the modules. Do nothing for an editable installation, because its sources change."""
        if version != "standard":
            return
        self._folder = tempfile.TemporaryDirectory(prefix="session-gateway-compiled-")
        folder = Path(self._folder.name)
        words = ["--config-file", "pyproject.toml", *self._modules()]
        # Without debug_level="0" the compiler spends a sixth of its time on line numbers of C. The machine code is the same.
        extensions = mypycify(words, opt_level=OPTIMISATION, debug_level="0", target_dir=str(folder / "c"), group_name="gateway")
        for extension in extensions:
            extension.extra_compile_args += (*OF_ITS_OWN, *QUIETLY)
        build = Distribution({"name": "gateway", "ext_modules": extensions}).get_command_obj("build_ext")
        build.build_lib, build.build_temp = str(folder / "lib"), str(folder / "temp")
        build.parallel = os.cpu_count()
        build.ensure_finalized()
        build.run()
        for library in (folder / "lib").rglob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}"):
            build_data["force_include"][str(library)] = str(library.relative_to(folder / "lib"))
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary files."""
        if version == "standard":
            self._folder.cleanup()

    def _modules(self) -> list[str]:
        root = Path(self.root)
        left_out = {path for pattern in self.config["left-out"] for path in root.glob(pattern)}
        found = sorted({path for pattern in self.config["modules"] for path in root.glob(pattern)} - left_out)
        return [path.relative_to(root).as_posix() for path in found]
