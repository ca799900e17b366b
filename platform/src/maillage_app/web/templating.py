"""The template engine: one environment over the shared layouts and every domain's own templates."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template.config import TemplateConfig

import maillage_platform
import maillage_tenants
from maillage_app.web.filters import FILTERS

WEB = Path(__file__).parent


def template_directories() -> list[Path]:
    """The shared templates first, then `<domain>/templates` of both planes."""
    found = [WEB / "templates"]
    for package in (maillage_platform, maillage_tenants):
        root = Path(package.__path__[0])
        found.extend(sorted(path for path in root.glob("*/templates") if path.is_dir()))
    return found


class Absent(StrictUndefined):
    """A missing variable may be asked about (`{% if x %}`), never printed, looped over or looked into."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]  # the parent raises, and says so with NoReturn
        return False


@cache
def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """The same for every application of a process: templates are compiled once."""
    environment = Environment(
        loader=FileSystemLoader(template_directories()),
        autoescape=True,
        undefined=Absent,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))
