"""What the API document says of a run's parts, where a type alone does not say it."""

from drf_spectacular.generators import SchemaGenerator


def test_exchanges_are_a_list_of_objects():
    """A method's field is documented by its annotation, and as a text where that is not understood."""
    parts = SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]
    (step,) = [part for part in parts.values() if "exchanges" in part.get("properties", {})]
    exchanges = step["properties"]["exchanges"]
    assert exchanges["type"] == "array"
    assert set(parts[exchanges["items"]["$ref"].rpartition("/")[2]]["properties"]) == {"sent", "received", "rejected"}
