"""What each process of ``monitor dev`` is started with: arguments and environment."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import monitoring_pipeline
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.services.processes import Program

LOOPBACK = "127.0.0.1"
DEFINITIONS = "monitoring_pipeline.definitions"

# Nothing leaves the machine; and no child takes modules from the folder that it happens to be started in, where
# somebody's own "assets" or "resources" would be mistaken for ours.
QUIET = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # MLflow would start workers for jobs that this program has none of.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "NO_COLOR": "1",
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, kw_only=True)
class DevPrograms:
    """The programs of one session.

    Args:
        installation: what they work on.
        dagster_port, mlflow_port: where the user interfaces listen, on loopback.
        folder: a private folder with a short name: the address of a unix socket has room for some hundred bytes.
    """

    installation: Installation
    dagster_port: int
    mlflow_port: int
    folder: Path

    @property
    def code_socket(self) -> Path:
        """Where the code server listens. Not a port: whoever reaches that runs code."""
        return self.folder / "code.sock"

    @property
    def environment(self) -> dict[str, str]:
        """Ours, with every place made absolute and all telemetry off."""
        home, config = self.installation.home, self.installation.config_file
        places = {"MONITOR_HOME": str(home.root)}
        if config is not None:
            places["MONITOR_CONFIG"] = str(config.resolve())
        # The warnings of dependencies about each other are nobody's here; PYTHONWARNINGS=default shows them.
        wanted = {"DAGSTER_HOME": str(home.dagster), "PYTHONWARNINGS": "ignore"}
        return {**wanted, **os.environ, **places, **QUIET}

    def prepare(self) -> Program:
        """Makes the schemas, then ends."""
        return self._python("prepare", "monitoring_pipeline.services.prepare", once=True)

    def code_server(self) -> Program:
        """Holds the definitions, starts the runs; the UI can reload it."""
        return self._python(
            "dagster-code-server",
            "dagster",
            *("code-server", "start", "--socket", str(self.code_socket)),
            *("--module-name", DEFINITIONS, "--working-directory", str(_package_root())),
        )

    def webserver(self) -> Program:
        """The Dagster UI, behind the guard."""
        return self._python(
            "dagster-webserver",
            "monitoring_pipeline.services.webserver",
            *("--host", LOOPBACK, "--port", str(self.dagster_port), "--workspace", self._workspace()),
        )

    def daemon(self) -> Program:
        """Sensors, the run queue, run monitoring."""
        return self._python("dagster-daemon", "dagster._daemon", "run", "--workspace", self._workspace())

    def mlflow(self) -> Program:
        """The MLflow UI on the store under the home folder, or on the database that the config names."""
        tracking = self.installation.tracking
        # In the environment, because a database address may carry a password and arguments are seen by everybody.
        store = {"MLFLOW_BACKEND_STORE_URI": tracking.url}
        if tracking.artifact_root is not None:
            store["MLFLOW_ARTIFACTS_DESTINATION"] = str(tracking.artifact_root)
        hosts = f"localhost:{self.mlflow_port},{LOOPBACK}:{self.mlflow_port}"
        return self._python(
            "mlflow",
            "mlflow",
            *("server", "--host", LOOPBACK, "--port", str(self.mlflow_port), "--workers", "1"),
            *("--allowed-hosts", hosts),
            more=store,
        )

    def _workspace(self) -> str:
        # A file and not an option, because the location needs a name that stays: under it Dagster keeps the
        # sensors' switches and cursors. It is the name that workspace.yaml's module gets by itself.
        server = {"socket": str(self.code_socket), "location_name": DEFINITIONS}
        file = self.folder / "workspace.yaml"
        file.write_text(json.dumps({"load_from": [{"grpc_server": server}]}))
        return str(file)

    def _python(
        self, name: str, module: str, *arguments: str, once: bool = False, more: Mapping[str, str] | None = None
    ) -> Program:
        return Program(
            name=name,
            arguments=(sys.executable, "-m", module, *arguments),
            environment={**self.environment, **(more or {})},
            once=once,
        )


def _package_root() -> Path:
    """Where our packages lie: the checkout, or the environment's site-packages."""
    return Path(monitoring_pipeline.__file__).resolve().parent.parent
