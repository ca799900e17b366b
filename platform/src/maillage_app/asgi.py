"""Entry point of the server processes: `granian --interface asgi maillage_app.asgi:create --factory`."""

from typing import TYPE_CHECKING

from maillage_kit.loading import loading

if TYPE_CHECKING:
    from litestar import Litestar


def create() -> "Litestar":
    """The web application, with the settings of the environment."""
    with loading():
        from maillage_app.app import build_app
        from maillage_app.logs import configure_logs
        from maillage_app.runtime import Runtime
        from maillage_kit.settings import Settings

        settings = Settings()
        configure_logs(settings)
        return build_app(Runtime.start(settings))
