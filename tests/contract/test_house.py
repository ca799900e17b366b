"""The house as tests: what CONTRIBUTING.md and ARCHITECTURE.md promise, held."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    ROOT / "platform" / "src",
    ROOT / "tenants" / "src",
    *(ROOT / "plugins").glob("*/src"),
    *(ROOT / "clients").glob("*/src"),
)
SOURCES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
DOCUMENTS = sorted(
    (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bench").glob("*.md"),
        *(ROOT / "clients").rglob("*.md"),
    )
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name]


def test_the_folder_platform_never_becomes_a_package() -> None:
    """It would shadow the standard library's module: even `import uuid` breaks."""
    assert not (ROOT / "platform" / "__init__.py").exists()
    code = "import platform, uuid; print(platform.system())"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip()


def test_no_test_folder_is_a_package_or_named_platform() -> None:
    folders = [path for path in (ROOT / "tests").rglob("*") if path.is_dir()]
    assert [path for path in folders if (path / "__init__.py").exists() and "plugins_fixture" not in path.parts] == []
    assert [path for path in folders if path.name == "platform"] == []


def test_test_files_have_unique_names() -> None:
    names = [path.name for place in ("tests", "plugins", "clients") for path in (ROOT / place).rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_application_code_never_commits() -> None:
    """One request or task is one transaction, opened in maillage_kit.db only."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"\.(commit|rollback)\(\)", line)
    ]
    assert found == []


def test_only_the_clock_reads_the_clock() -> None:
    allowed = {"clock.py"}
    pattern = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|time\.time\(\)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        if path.name not in allowed
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


def test_rules_are_pure() -> None:
    """`rules.py` and what stands beside it under `rules/` know neither the database nor the clock."""
    found = []
    for path in SOURCES:
        if path.stem != "rules" or "maillage_tenants" not in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            found += [f"{path.relative_to(ROOT)}: {name}" for name in names if name.split(".")[0] == "sqlalchemy"]
            if isinstance(node, ast.Attribute) and node.attr == "now" and isinstance(node.value, ast.Name):
                found += [f"{path.relative_to(ROOT)}: clock.now"] if node.value.id == "clock" else []
    assert found == []


def test_no_float_touches_money() -> None:
    text = (ROOT / "platform/src/maillage_kit/money.py").read_text(encoding="utf-8")
    assert "float(" not in text


def test_models_never_load_lazily_by_surprise() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if path.name == "models.py" and "relationship(" in (text := path.read_text(encoding="utf-8"))
        and text.count("relationship(") != text.count('lazy="raise"')
    ]  # fmt: skip
    assert found == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_name_paths_that_exist(path: Path) -> None:
    """Every `path/like.this` in backquotes, and every relative link, leads somewhere."""
    text = path.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)\s]+)\)", text)]
    named = re.findall(
        r"`((?:platform|tenants|plugins|migrations|tests|bench|deploy|docs|tools|clients)/[\w./-]+)`", text
    )
    missing = [link for link in links if link and not (path.parent / link).exists()]
    missing += [name for name in named if not (ROOT / name).exists()]
    assert missing == []


def test_no_registry_host_and_no_path_of_a_machine() -> None:
    hosts = re.compile(r"index-url|pypi\.org|pythonhosted|registry\.npmjs|/root/|/home/\w+/|/tmp/bash_jobs")
    found = []
    for path in tracked():
        if path.suffix in {".gz", ".png", ".ico", ".woff2"} or path == Path(__file__) or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if hosts.search(line) and "--no-emit-index-url" not in line:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_no_unfinished_work_is_left_in_the_tree() -> None:
    word = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if word.search(line)
    ]
    assert found == []


def test_templates_hold_no_inline_script_or_style() -> None:
    """The content security policy forbids both."""
    pattern = re.compile(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=\"|javascript:")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in PACKAGES
        for path in package.rglob("templates/**/*.html")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []
