"""How the OpenAPI document is written."""

from drf_spectacular.openapi import AutoSchema


class JsonSchema(AutoSchema):
    """Bodies are described as JSON; that the browsable pages' forms are read too is nobody else's concern."""

    def map_parsers(self) -> list[str]:
        """Return the one media type of bodies."""
        return ["application/json"]
