"""Entry point of the server processes: `granian --interface asgi maillage_app.asgi:create --factory`."""

from litestar import Litestar

from maillage_app.app import build_app
from maillage_app.logs import configure_logs
from maillage_app.runtime import Runtime
from maillage_kit.settings import Settings


def create() -> Litestar:
    settings = Settings()
    configure_logs(settings)
    return build_app(Runtime.start(settings))
