"""The house rules, read from the source: imports, pure domains, thin faces, sizes, complexity, constants."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from radon.complexity import cc_visit_ast

from devices.channels import CHANNELS
from devices.drivers.platforms import PLATFORMS

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "devices", "templates_app", "approvals", "jobs")
#: What each app may import of the others.
BELOW = {
    "config": set(),
    "devices": {"config"},
    "templates_app": {"config", "devices"},
    "approvals": {"config", "devices"},
    "jobs": {"config", "devices", "templates_app", "approvals"},
}
IMPURE = (
    "django",
    "celery",
    "rest_framework",
    "paramiko",
    "redis",
    "kombu",
    "guardian",
    "socket",
    "subprocess",
    "time",
)
#: Long tables of data, and screens' words, may be longer than code.
CEILING, FUNCTION = 400, 50


@cache
def sources():
    return {
        path.relative_to(ROOT): ast.parse(path.read_text())
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
    }


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module, node


#: Data of platforms stands beside the drivers that use it; it is as pure as a domain, and domains may import it.
PLATFORM_DATA = "devices/drivers/platforms/"
#: What is pure without being called a domain.
PURE = {
    "config.errors",
    "config.json_value",
    "config.one_line",
    "config.limits",
    "config.registry",
    "devices.drivers.platform",
    "devices.drivers.platforms",
}
#: The pure files in the folder of a job type.
PURE_OF_A_TYPE = {"parameters.py", "planner.py", "judge.py"}


def is_domain(path):
    of_a_type = path.parts[:2] == ("jobs", "types") and path.name in PURE_OF_A_TYPE
    return "domain" in path.parts or path.name == "domain.py" or of_a_type or is_platform_data(path)


def is_platform_data(path):
    return str(path).startswith(PLATFORM_DATA) or str(path) == "devices/drivers/platform.py"


#: Where faces stand: a face is a place, so that a file added tomorrow is held to the rule without being named.
FACE_PLACES, FACE_FILES = {"web", "api", "management"}, {"admin.py", "tasks.py", "api.py"}


def is_face(path):
    return path.parts[0] != "config" and (bool(FACE_PLACES & set(path.parts[1:-1])) or path.name in FACE_FILES)


def test_imports_point_down():
    wrong = [
        f"{path} imports {name}"
        for path, tree in sources().items()
        for name, _ in imports(tree)
        if name.split(".")[0] in APPS and name.split(".")[0] not in BELOW[path.parts[0]] | {path.parts[0]}
    ]
    assert not wrong, wrong


#: The rooms of an app, the ground first: each may import those before it. What is not named is a face, above all.
ROOMS = {
    "jobs": (
        "domain",
        "models",
        "log_fields",
        "access",
        "queue",
        "selectors",
        "results",
        "types",
        "plan",
        "schedule",
        "dispatch",
        "worker",
        "control",
        "authoring",
        "demo",
    ),
    "devices": ("platforms", "domain", "models", "access", "selectors", "drivers", "channels", "services", "simulator"),
    "approvals": (
        "domain",
        "models",
        "access",
        "subjects",
        "deciders",
        "kinds",
        "selectors",
        "policies",
        "events",
        "services",
        "decisions",
    ),
    "templates_app": ("domain", "models", "access", "selectors", "services"),
}
FACES = ("web", "api", "admin", "management", "tasks", "urls", "apps")


def room_of(name):
    """Return (app, room) of a module or path, given by its parts."""
    if name[:2] == ("devices", "drivers") and name[2:] and name[2].removesuffix(".py") in ("platform", "platforms"):
        return "devices", "platforms"
    return name[0], name[1].removesuffix(".py") if len(name) > 1 else ""


def test_rooms_import_only_those_below_them():
    wrong = []
    for path, tree in sources().items():
        app, room = room_of(path.parts)
        if app == "config" or room in (*FACES, "__init__"):
            continue
        below = ROOMS[app][: ROOMS[app].index(room) + 1]
        for name, node in imports(tree):
            parts = name.split(".")
            names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) and len(parts) == 1 else []
            for target in [(parts[0], one) for one in names] or [room_of(tuple(parts))]:
                if target[0] == app and target[1] not in below:
                    wrong.append(f"{path}:{node.lineno} imports {'.'.join(target)}")
    assert not wrong, wrong


def test_no_room_of_jobs_holds_more_than_a_fifth_of_it():
    lines = Counter()
    for path in sources():
        if path.parts[0] == "jobs":
            lines[room_of(path.parts)[1]] += len((ROOT / path).read_text().splitlines())
    room, most = lines.most_common(1)[0]
    assert most <= 0.22 * lines.total(), f"{room} holds {most} of {lines.total()} lines"


def test_nobody_but_the_registry_knows_job_types_by_name():
    """Only a type's folder says what is particular about it: nothing elsewhere compares a job type with a text."""
    wrong = []
    for path, tree in sources().items():
        for node in ast.walk(tree):
            words = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            asked = any(getattr(word, "attr", getattr(word, "id", "")) == "job_type" for word in words)
            texts = [w.value for w in ast.walk(node) if isinstance(w, ast.Constant)] if asked else []
            if isinstance(node, ast.keyword) and (node.arg or "").startswith("job_type"):
                texts = [node.value.value] if isinstance(node.value, ast.Constant) else []
            wrong += [f"{path}:{node.lineno if hasattr(node, 'lineno') else node.value.lineno}" for t in texts if t]
    assert not wrong, wrong


def test_nothing_is_imported_inside_a_function():
    wrong = []
    for path, tree in sources().items():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    names = (
                        [name for name, _ in imports(ast.Module([node], []))]
                        if isinstance(node, ast.Import | ast.ImportFrom)
                        else []
                    )
                    wrong += [f"{path}:{node.lineno} {name}" for name in names if name.split(".")[0] in APPS]
    assert not wrong, wrong


def test_domains_are_pure():
    wrong = []
    for path, tree in sources().items():
        if not is_domain(path):
            continue
        for name, node in imports(tree):
            top = name.split(".")[0]
            pure = name in PURE or ".domain" in name or f"{name.rpartition('.')[2]}.py" in PURE_OF_A_TYPE
            pure = pure or name.startswith("devices.drivers.platforms.")
            if top in IMPURE or (top in APPS and not pure):
                wrong.append(f"{path}:{node.lineno} {name}")
    assert not wrong, wrong


def test_a_platform_is_one_file_of_data():
    """Its file imports what data is made of; the registry beside it has one row for it. How systems speak that share a
    table stands in one file more."""
    beside = ("__init__.py", "manners.py")
    files = [path for path in sources() if str(path).startswith(PLATFORM_DATA) and path.name not in beside]
    wrong = [
        f"{path} imports {name}"
        for path in files
        for name, _ in imports(sources()[path])
        if name not in ("re", "devices.drivers.platform")
    ]
    assert not wrong, wrong
    registry = [name for name, _ in imports(sources()[Path(PLATFORM_DATA) / "__init__.py"])]
    assert all(str(path.with_suffix("")).replace("/", ".") in registry for path in files)


def test_faces_hold_no_orm_verbs():
    verbs = {"save", "delete", "bulk_create", "update_or_create", "get_or_create"}
    wrong = []
    for path, tree in sources().items():
        if not is_face(path):
            continue
        for node in ast.walk(tree):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in verbs
            if called and ast.unparse(node.func) != "resource.save":  # a service in a table of resources
                wrong.append(f"{path}:{node.lineno} {ast.unparse(node.func)}")
            if isinstance(node, ast.Attribute) and node.attr == "objects":
                wrong.append(f"{path}:{node.lineno} .objects")
    assert not wrong, wrong


def test_forms_are_made_in_faces_and_declared_by_channels_only():
    wrong = [
        str(path)
        for path, tree in sources().items()
        for name, node in imports(tree)
        if name.startswith("django.forms") or (name == "django" and "forms" in (alias.name for alias in node.names))
        if not is_face(path) and not str(path).startswith("devices/channels/")
    ]
    assert not wrong, wrong


#: Where a secret's text may be taken out: where it is sealed, and where it leaves for a device or a receiver.
REVEALING = (
    "devices/channels/",
    "devices/domain/secrets.py",
    "devices/drivers/",
    "devices/services/vault.py",
    "jobs/worker/",
)
#: Where what is sealed may be opened: in the worker, where messages are sent, and where secrets are hidden.
OPENING = {
    # Whoever may run a command of the server records a device that only reads; audited.
    "open_login": ("devices/services/vault.py", "devices/services/recordings.py", "jobs/worker/"),
    "unseal": ("devices/services/channels.py", "devices/services/vault.py", "jobs/worker/"),
    # The bytes of output and configurations, and a configuration's text before its secrets are hidden.
    "decrypt": ("config/key_ring.py", "config/sealed_text.py"),
    # A head of the audit trail is sealed so that nobody else writes one; it is no secret.
    "open_text": ("config/sealed_text.py", "devices/services/vault.py", "devices/services/audit.py"),
    "unpack": ("config/key_ring.py", "devices/models/snapshots.py", "jobs/models/runs.py"),
    "unsealed": ("devices/services/snapshots.py",),
}


def test_secrets_are_revealed_where_they_are_sealed_or_leave():
    wrong = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reveal"
        # With arguments it is the function that puts secrets into a script; the worker hands them to it.
        if not node.args and not str(path).startswith(REVEALING)
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("name", OPENING)
def test_sealed_texts_are_opened_in_the_worker_and_where_messages_are_sent(name):
    """Calling the function or handing it on is the same."""
    wrong = [
        f"{path}:{node.lineno} {name}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr == name) or (isinstance(node, ast.Name) and node.id == name)
        if not str(path).startswith(OPENING[name])
    ]
    assert not wrong, wrong


#: The files that are one platform's or one channel's own.
OWN_FILES = ("devices/channels/", "devices/drivers/platforms/", "devices/simulator/cli_")
KEYS = {*PLATFORMS, *CHANNELS, *(channel.slug for channel in CHANNELS.values())}


def compared(tree):
    """Yield the constants that a module compares with, those inside of tuples, lists and sets too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue):
            sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.value]
            for side in sides:
                parts = side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side]
                yield from (part for part in parts if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".startswith", ".endswith")):
            yield from (argument for argument in node.args if isinstance(argument, ast.Constant))


def test_nothing_asks_which_platform_or_channel_it_is():
    """What differs is said by the platform's or channel's own file."""
    wrong = [
        f"{path}:{part.lineno} {part.value}"
        for path, tree in sources().items()
        if not str(path).startswith(OWN_FILES)
        for part in compared(tree)
        if part.value in KEYS
    ]
    keys = "|".join(map(re.escape, sorted(KEYS)))
    for path in sorted(ROOT.glob("*/templates/**/*.html")):
        for found in re.finditer(rf"""[=!]=\s*["']({keys})["']""", path.read_text()):
            wrong.append(f"{path.relative_to(ROOT)} {found[0]}")
    assert not wrong, wrong


def test_guardian_is_imported_in_access_modules_only():
    wrong = [
        str(path)
        for path, tree in sources().items()
        for name, _ in imports(tree)
        if name.split(".")[0] == "guardian" and path.name != "access.py"
    ]
    assert not wrong, wrong


def test_no_model_overrides_save_and_nothing_listens_to_signals():
    wrong = []
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and "models" in path.parts:
                wrong += [
                    f"{path}: {node.name}.save"
                    for item in node.body
                    if isinstance(item, ast.FunctionDef) and item.name in ("save", "delete")
                ]
        wrong += [
            f"{path}: {name}"
            for name, _ in imports(tree)
            if name.startswith(("django.dispatch", "django.db.models.signals"))
        ]
    assert not wrong, wrong


#: What goes on within a conversation with a device, of which many share a thread (`devices/drivers/hub.py`).
CONVERSING = (
    "devices/drivers/commands.py",
    "devices/drivers/conversation.py",
    "devices/drivers/paramiko_transport.py",
    "devices/drivers/session.py",
    "devices/drivers/doors.py",
    "devices/drivers/transport.py",
    "jobs/domain/step_runner.py",
    "jobs/worker/device_session.py",
    "jobs/worker/journal.py",
)
#: What waits without letting the other conversations go on.
BLOCKING = {"time.sleep", "select.select", "select.poll", "socket.create_connection", "socket.getaddrinfo"}


#: Parameters that are people, and where each is a User by now.
PEOPLE, TYPED = {"by", "user", "person"}, {"config", "devices", "approvals", "templates_app", "jobs"}


def test_people_are_users_and_not_anything():
    found = [
        f"{path}:{arg.lineno} {arg.arg}"
        for path, tree in sources().items()
        if path.parts[0] in TYPED
        for arg in ast.walk(tree)
        if isinstance(arg, ast.arg)
        and arg.arg in PEOPLE
        and (not arg.annotation or ast.unparse(arg.annotation) == "Any")
    ]
    assert found == []


#: How often each place says Any at most. Who takes one away lowers the number.
MOST_ANY = {"jobs": 22, "config": 7, "devices": 5, "templates_app": 1, "approvals": 0}
#: The reason of an Any stands on its line or on the one before.
REASON = re.compile(r"# Any: \w+")


def anys(tree):
    """Yield the line of each name Any that is not an import."""
    yield from (node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "Any")


@pytest.mark.parametrize("place", MOST_ANY)
def test_a_place_says_any_no_more_often_than_it_may(place):
    found = Counter({path: len(list(anys(tree))) for path, tree in sources().items() if path.parts[0] == place})
    assert found.total() <= MOST_ANY[place], [f"{path}: {number}" for path, number in found.most_common(10)]


@pytest.mark.parametrize("place", MOST_ANY)
def test_each_any_has_its_reason(place):
    wrong = []
    for path, tree in sources().items():
        if path.parts[0] == place:
            lines = (ROOT / path).read_text().splitlines()
            wrong += [f"{path}:{n}" for n in anys(tree) if not any(map(REASON.search, lines[max(0, n - 2) : n]))]
    assert not wrong, wrong


#: Values with more fields than this are made with the names of their fields.
MOST_POSITIONS = 6
#: How many wide values of each place may still be made by position.
BY_POSITION = dict.fromkeys(MOST_ANY, 0)


def is_dataclass(decorator):
    return ast.unparse(decorator).split("(")[0] in ("dataclass", "dataclasses.dataclass")


def wide_by_position(tree):
    """Yield the dataclasses with many fields that can be made without naming them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            made = [decorator for decorator in node.decorator_list if is_dataclass(decorator)]
            fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
            if made and len(fields) > MOST_POSITIONS and "kw_only=True" not in ast.unparse(made[0]):
                yield node


@pytest.mark.parametrize("place", BY_POSITION)
def test_wide_values_are_made_with_the_names_of_their_fields(place):
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in sources().items()
        if path.parts[0] == place
        for node in wide_by_position(tree)
    ]
    assert len(found) <= BY_POSITION[place], found


def test_conversations_wait_with_the_words_of_the_hub_only():
    found = [
        f"{path}:{node.lineno} {ast.unparse(node.func)}"
        for path in map(Path, CONVERSING)
        for node in ast.walk(sources()[path])
        if isinstance(node, ast.Call) and ast.unparse(node.func) in BLOCKING
    ]
    assert found == []


def test_files_and_functions_keep_their_size():
    wrong = []
    for path, tree in sources().items():
        lines = len((ROOT / path).read_text().splitlines())
        if lines > CEILING:
            wrong.append(f"{path}: {lines} lines")
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.end_lineno - node.lineno + 1 > FUNCTION
            ):
                wrong.append(f"{path}: {node.name} has {node.end_lineno - node.lineno + 1} lines")
    assert not wrong, wrong


#: Cyclomatic complexity, as `radon cc` counts it.
MOST_COMPLEXITY = 15


def test_no_block_is_too_complex():
    found = {
        f"{path} {block.fullname}"
        for path, tree in sources().items()
        if path.parts[0] in ("jobs", "approvals", "templates_app")
        for block in cc_visit_ast(tree)
        if block.complexity > MOST_COMPLEXITY
    }
    assert not found, found


def test_constants_stand_one_a_line():
    """No module unpacks a tuple into its constants: each has a comment with its subject and unit of its own."""
    found = [
        f"{path}:{node.lineno} {ast.unparse(target)}"
        for path, tree in sources().items()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.List)
        for target in node.targets
        if isinstance(target, ast.Tuple | ast.List)
    ]
    assert found == []


@pytest.mark.parametrize("floor", ["services", "domain", "drivers", "channels"])
def test_public_functions_say_what_they_do(floor):
    wrong = []
    for path, tree in sources().items():
        if floor not in path.parts and path.name != f"{floor}.py":
            continue
        assert ast.get_docstring(tree) or path.name == "__init__.py", f"{path} has no docstring"
        for node in tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                wrong.append(f"{path}: {node.name}")
    assert not wrong, wrong


def test_no_broad_except_outside_the_edges():
    edges = {Path(f"jobs/{name}.py") for name in ("worker/engine", "worker/executor", "dispatch/starter")} | {
        Path("config/env.py"),
        Path("devices/services/delivery.py"),
    }
    wrong = []
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.ExceptHandler)
                and isinstance(node.type, ast.Name)
                and node.type.id == "Exception"
                and path not in edges
            ):
                wrong.append(f"{path}:{node.lineno}")
    assert not wrong, wrong


#: The one module that moves the status of a run, and where approvals move theirs.
MOVERS = {Path("jobs/models/transitions.py"), Path("approvals/services.py")}
#: What has a status of its own kind: a service job is a draft or saved, a step says how it went.
OTHERS = ("ServiceJob", "StepResult", "steps", "step")
WRITERS = {"update", "bulk_update", "write_columns", "update_or_create", "get_or_create", "update_free"}


def status_writes(tree):
    """Yield the nodes that write a `status` to a run: attributes, keywords, lists of columns, SQL."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in getattr(target, "elts", [target])]
            written = [part for part in parts if isinstance(part, ast.Attribute) and part.attr == "status"]
            yield from (part for part in written if not ast.unparse(part.value).endswith(OTHERS))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = any(keyword.arg == "status" for keyword in node.keywords)
            given |= any(ast.unparse(argument).find("'status'") >= 0 for argument in node.args)
            setting = name == "setattr" and given
            if setting or (name in WRITERS and given and not any(f"{o}." in ast.unparse(node.func) for o in OTHERS)):
                yield node
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.replace('"', "").split()
            if any(a.upper() == "SET" and b.startswith("status") for a, b in zip(words, words[1:], strict=False)):
                yield node


def test_the_status_of_a_run_is_written_by_one_module():
    wrong = [
        f"{path}:{node.lineno} {ast.unparse(node)[:80]}"
        for path, tree in sources().items()
        if path.parts[0] in ("jobs", "approvals") and path not in MOVERS
        for node in status_writes(tree)
    ]
    assert not wrong, wrong


def test_every_way_to_write_a_status_is_seen():
    seen = """
run.status = x
row.status, row.reason = x, y
rows.filter(pk=1).update(status=x)
JobRun.objects.bulk_update(rows, ["status", "reason"])
write_columns(rows, ("status", "reason"))
setattr(row, "status", x)
cursor.execute("UPDATE jobs_jobrun SET status = 'x'")
"""
    unseen = """
open_step.status = x
ServiceJob.objects.filter(pk=1).update(status=x)
row.steps.filter(status=y).update(status=x)
rows.filter(status=x).update(reason=y)
transition(rows, of=[x], to=y)
"""
    assert len(list(status_writes(ast.parse(seen)))) == 7
    assert not list(status_writes(ast.parse(unseen)))


LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def log_calls():
    """Yield (where, module, call) of each line that our own packages write into the server log."""
    for path, tree in sources().items():
        for node in ast.walk(tree):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS
            if named and ast.unparse(node.func.value) in ("log", "logger", "logging"):
                yield f"{path}:{node.lineno}", tree, node


def actions_of(tree, call):
    """Return the actions that a call may give its line: a literal, or those of a table of the module."""
    extra = next((word.value for word in call.keywords if word.arg == "extra"), None)
    pairs = zip(extra.keys, extra.values, strict=True) if isinstance(extra, ast.Dict) else ()
    given = next((value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "action"), None)
    if isinstance(given, ast.Subscript):
        name, tables = ast.unparse(given.value), [node for node in tree.body if isinstance(node, ast.Assign)]
        table = next((node.value for node in tables if ast.unparse(node.targets[0]) == name), None)
        return [value.value for value in table.values] if isinstance(table, ast.Dict) else []
    return [given.value] if isinstance(given, ast.Constant) else []


def test_every_line_of_the_log_has_an_action():
    wrong = [
        f"{where} {actions_of(tree, call) or 'has none'}"
        for where, tree, call in log_calls()
        if not actions_of(tree, call)
        or not all(re.fullmatch("[a-z]+(_[a-z]+)*\\.[a-z]+(_[a-z]+)*", action) for action in actions_of(tree, call))
    ]
    assert not wrong, wrong


def test_every_action_of_the_log_is_in_its_table():
    """Operators search for actions: docs/how-to/follow-a-run-in-the-log.md lists them, and no others."""
    page = (ROOT / "docs" / "how-to" / "follow-a-run-in-the-log.md").read_text()
    table = page.split("<!-- actions -->")[1]
    listed = re.findall(
        r"`([a-z_]+\.[a-z_]+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line)
    )
    written = {action for _, tree, call in log_calls() for action in actions_of(tree, call)}
    assert len(listed) == len(set(listed))
    assert set(listed) == written | {"http.failed", "library.said"}
